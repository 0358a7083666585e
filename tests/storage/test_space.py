"""How much is free, and how much is to stay so."""

from __future__ import annotations

import os

import pytest

from beemon.storage import space
from beemon.storage.space import Limits, Space


def test_a_folder_tells_the_disk_under_it(tmp_path):
    found = space.measure_space(tmp_path)
    raw = os.statvfs(tmp_path)
    assert found.total_bytes == raw.f_blocks * raw.f_frsize
    assert 0 < found.free_bytes <= found.total_bytes


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        space.measure_space(tmp_path / "none")


def test_a_file_system_that_makes_inodes_as_needed_is_never_short_of_them():
    assert not Limits(10, 10).exceed(Space(10, 100))
    assert Limits(10, 10).exceed(Space(10, 100, 9, 100))
    assert Limits(10, 10).exceed(Space(9, 100, 10, 100))


def test_what_lacks_is_told_of_both():
    assert Limits(10, 10).lack(Space(7, 100, 4, 100)) == (3, 6)
    assert Limits(10, 10).lack(Space(70, 100, 40, 100)) == (0, 0)


def test_a_small_disk_keeps_a_quarter_free_at_most():
    assert Limits(2e9, 10_000).on(Space(0, 64_000_000, 0, 1000)) == Limits(16e6, 250)
    assert Limits(2e9, 10_000).on(Space(0, 64_000_000)) == Limits(16e6, 0)
    assert Limits(2e9, 10_000).on(Space(0, 10**12, 0, 10**9)) == Limits(2e9, 10_000)
