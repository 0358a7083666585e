"""Indexing beside a running service; what is entered is tested with the rebuild."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from beemon.repair import check, indexing
from tests.hive import Hive, until


@pytest.mark.process
def test_a_service_that_finds_recordings_and_no_ledger_heals_itself(tmp_path: Path) -> None:
    hive = Hive(tmp_path)
    with hive:
        kept = {hive.do("record microphone.brood 1")["recording"] for _ in range(3)}
        kept.add(hive.do("snapshot camera.entrance")["recording"])
        hive.stop()
    for file in hive.archive.glob("ledger.db*"):
        file.unlink()
    with hive:
        until(lambda: "the new database knows the recordings: 4 added" in hive.said(), 30)
        job = hive.do("record microphone.brood 1")
        report = check.check(hive.archive, full=True)
        assert "the database is new" in hive.said()
    assert job["outcome"] == "done"
    assert report.findings == []
    with closing(sqlite3.connect(hive.archive / "ledger.db")) as db:
        paths = {path for (path,) in db.execute("SELECT path FROM recordings")}
    assert paths == kept | {job["recording"]}


def test_a_ledger_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not SQLite" * 1000)
    with pytest.raises(OSError, match="the database cannot be written"):
        indexing.index_as(1, tmp_path)
