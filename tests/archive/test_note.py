"""Which recordings are being deleted, noted in place."""

from __future__ import annotations

import pytest

from beemon.archive import note, retention


def test_what_is_written_is_read_and_replaces_what_was_there(tmp_path):
    note.make(tmp_path)
    assert note.read(tmp_path) == []
    note.write(tmp_path, [17, 4711])
    assert note.read(tmp_path) == [17, 4711]
    note.make(tmp_path)
    note.write(tmp_path, [5])
    assert note.read(tmp_path) == [5]


def test_without_one_nothing_is_noted_and_nothing_can_be(tmp_path):
    assert note.read(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        note.write(tmp_path, [1])


def test_as_many_fit_as_are_deleted_at_once(tmp_path):
    note.make(tmp_path)
    many = [10**12 + number for number in range(retention.MOST_AT_ONCE)]
    note.write(tmp_path, many)
    assert note.read(tmp_path) == many
    assert (tmp_path / note.NAME).stat().st_size == note.SIZE
    with pytest.raises(ValueError, match="too much"):
        note.write(tmp_path, many * 3)
