"""Which recordings are being deleted, noted in place."""

from __future__ import annotations

import pytest

from beemon.retention import deletion_note, retention


def test_what_is_written_is_read_and_replaces_what_was_there(tmp_path):
    deletion_note.make(tmp_path)
    assert deletion_note.read(tmp_path) == []
    deletion_note.write(tmp_path, [17, 4711])
    assert deletion_note.read(tmp_path) == [17, 4711]
    deletion_note.make(tmp_path)
    deletion_note.write(tmp_path, [5])
    assert deletion_note.read(tmp_path) == [5]


@pytest.mark.parametrize("torn_at", [1, 9, 10, 12, 30])
def test_one_that_is_half_written_notes_nothing(tmp_path, torn_at):
    deletion_note.make(tmp_path)
    deletion_note.write(tmp_path, [1111, 2222, 3333, 4444, 5555, 6666, 7777])
    old = (tmp_path / deletion_note.NAME).read_bytes()
    deletion_note.write(tmp_path, [8111, 9222, 8333, 9444, 8555, 9666, 8777])
    new = (tmp_path / deletion_note.NAME).read_bytes()
    (tmp_path / deletion_note.NAME).write_bytes(new[:torn_at] + old[torn_at:])
    assert deletion_note.read(tmp_path) == []


def test_without_one_nothing_is_noted_and_nothing_can_be(tmp_path):
    assert deletion_note.read(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        deletion_note.write(tmp_path, [1])


def test_as_many_fit_as_are_deleted_at_once(tmp_path):
    deletion_note.make(tmp_path)
    many = [10**12 + number for number in range(retention.MOST_AT_ONCE)]
    deletion_note.write(tmp_path, many)
    assert deletion_note.read(tmp_path) == many
    assert (tmp_path / deletion_note.NAME).stat().st_size == deletion_note.SIZE
    with pytest.raises(ValueError, match="too much"):
        deletion_note.write(tmp_path, many * 3)
