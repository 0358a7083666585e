"""What is kept for the ledger on a full disk."""

from __future__ import annotations

import pytest

from beemon.storage import reserve, space
from beemon.storage.space import Space

DISK = Space(free_bytes=10**9, total_bytes=10**10)


def test_it_takes_space_and_inodes(tmp_path):
    reserve.make(tmp_path, DISK)
    files = list((tmp_path / "reserve").iterdir())
    assert len(files) == reserve.FILES
    assert sum(file.stat().st_blocks * 512 for file in files) >= 8 * 1_048_576
    assert reserve.is_whole(tmp_path)


def test_on_a_small_disk_it_is_small(tmp_path):
    reserve.make(tmp_path, Space(10**6, 64_000_000))
    assert (tmp_path / "reserve/0").stat().st_size == 250_000


def test_it_is_given_up_once_and_made_again(tmp_path):
    reserve.make(tmp_path, DISK)
    (tmp_path / "reserve/3").unlink()
    assert not reserve.is_whole(tmp_path)
    assert reserve.release(tmp_path)
    assert not reserve.release(tmp_path)
    reserve.make(tmp_path, DISK)
    assert reserve.is_whole(tmp_path)


def test_there_is_none_in_an_archive_that_is_not_there(tmp_path):
    assert not reserve.release_if_full(tmp_path / "none")
    assert not reserve.is_whole(tmp_path / "none")


def test_it_is_not_given_up_while_there_is_space(tmp_path):
    reserve.make(tmp_path, DISK)
    assert not reserve.is_full(space.measure_space(tmp_path))
    assert not reserve.release_if_full(tmp_path)
    assert reserve.is_whole(tmp_path)


@pytest.mark.parametrize(
    ("found", "full"),
    [(Space(1000, 10**9), True), (Space(10**6, 10**9), False),
     (Space(10**6, 10**9, 3, 1000), True), (Space(10**6, 10**9, 4, 1000), False)],
)
def test_a_disk_is_full_without_bytes_or_inodes(found, full):
    assert reserve.is_full(found) == full
