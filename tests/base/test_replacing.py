"""A file gets another content at once, or keeps the one that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.base.replacing import replace_file
from tests.faults import failing_disk


def test_a_file_is_made_and_replaced_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "a"
    replace_file(file, b"one", mode=0o640)
    first = file.stat()
    replace_file(file, b"two")
    assert file.read_bytes() == b"two"
    assert (first.st_mode & 0o777, file.stat().st_mode & 0o777) == (0o640, 0o600)
    assert file.stat().st_ino != first.st_ino
    assert [*tmp_path.iterdir()] == [file]


def test_a_full_disk_leaves_the_old_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    with failing_disk(1000), pytest.raises(OSError):
        replace_file(file, bytes(2000))
    assert file.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [file]


def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"mine")
    link.symlink_to(target)
    replace_file(link, b"new")
    assert target.read_bytes() == b"mine"
    assert not link.is_symlink()
