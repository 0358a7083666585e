"""A backup and a restore on a disk that is full: nothing is left half done."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from beemon.base.progress import Progress
from beemon.exchange import backup
from beemon.exchange.restore import STAGING, Goal, restore
from tests import seasons
from tests.exchange.test_backup import everything, put_together, taken_apart
from tests.grounds.small import SmallDisk

pytestmark = [pytest.mark.ground("small-disk"), pytest.mark.timeout(300)]


def test_a_backup_on_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    seasons.make(tmp_path / "archive")
    with SmallDisk(tmp_path) as disk:
        disk.fill()
        before = sorted(path.name for path in disk.path.iterdir())
        with pytest.raises((OSError, sqlite3.OperationalError), match=r"full|No space"):
            backup.save(
                backup.Hive(tmp_path / "archive", "hive", None), disk.path / "hive.tar.gz",
                Progress(), with_recordings=True,
            )
        assert sorted(path.name for path in disk.path.iterdir()) == before


def test_a_restore_that_fills_the_disk_changes_nothing(tmp_path: Path) -> None:
    seasons.make(tmp_path / "archive")
    hive = backup.Hive(tmp_path / "archive", "hive", None)
    backup.save(hive, tmp_path / "hive.tar.gz", Progress(), with_recordings=True)
    content = taken_apart(tmp_path / "hive.tar.gz")
    small = content[0][1].replace(b'"bytes": ', b'"bytes": 1, "x": ')
    sums = content[-1][1].replace(_sum(content[0][1]), _sum(small))
    content[0], content[-1] = (content[0][0], small), (content[-1][0], sums)
    (tmp_path / "small.tar.gz").write_bytes(put_together(content))
    with SmallDisk(tmp_path) as disk:
        seasons.make(disk.path / "archive")
        goal = Goal(disk.path / "archive", None)
        (goal.archive / "lock").touch()
        disk.fill()
        before = everything(goal.archive)
        with pytest.raises(OSError, match="No space"):
            restore(tmp_path / "small.tar.gz", goal, Progress(), force=True)
        assert everything(goal.archive) == before
        assert not (goal.archive / STAGING).exists()


def _sum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
