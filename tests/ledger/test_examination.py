"""The daily examination: what is wrong with a ledger is told, with the remedy."""

from __future__ import annotations

import os
import queue
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from beemon.ledger import examination
from beemon.ledger.examination import Examiner, Found
from beemon.ledger.ledger import NAME, Ledger, LedgerReader
from tests import seasons

PAGE = 1024


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two days of everything, to be damaged."""
    seasons.make(tmp_path)
    return tmp_path


def of(archive: Path) -> Found:
    with closing(LedgerReader(archive)) as reader:
        return examination.of(reader.db)


def ruin(archive: Path, table: str) -> None:
    """Fill a table's first page with ones."""
    with closing(sqlite3.connect(archive / NAME)) as raw:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        [(page,)] = raw.execute(query, (table,))
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (archive / NAME).open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)


def test_a_sound_ledger_has_no_trouble(archive: Path) -> None:
    assert of(archive) == Found()
    assert of(archive).troubles == []


def test_rows_that_cannot_be_read_are_counted_and_named(archive: Path) -> None:
    with closing(sqlite3.connect(archive / NAME)) as raw:
        raw.execute("UPDATE jobs SET facts = '{' WHERE job < 5")
        raw.commit()
    [trouble] = of(archive).troubles
    assert trouble.about == "ledger-rows"
    assert trouble.says.startswith("4 rows of the database are damaged and left out (jobs 1")
    assert "beemon archive check" in trouble.remedy


def test_a_row_that_names_one_that_is_lost_is_told(archive: Path) -> None:
    with closing(sqlite3.connect(archive / NAME)) as raw:
        raw.execute("DELETE FROM runs")
        raw.commit()
    [trouble] = of(archive).troubles
    assert trouble.about == "ledger-rows"


def test_a_damaged_file_is_told_with_the_way_to_mend_it(archive: Path) -> None:
    ruin(archive, "events")
    said = examination.of_file(archive)
    assert said is not None
    [trouble] = Found(said).troubles
    assert "beemon archive rebuild" in trouble.remedy


def test_a_ledger_is_examined_soon_after_the_start_and_again(ledger: Ledger) -> None:
    found: queue.SimpleQueue[Found] = queue.SimpleQueue()
    examiner = Examiner(ledger.archive, found.put, first_seconds=0.01, again_seconds=0.01)
    examiner.start()
    assert found.get(timeout=10) == Found()
    with ledger.transaction():
        ledger.accept("read", "test")
        ledger.db.execute("UPDATE jobs SET clock = 'broken'")
    for _ in range(1000):
        if found.get(timeout=10).rows:
            break
    else:
        pytest.fail("it was not found")
    examiner.finish()
    examiner.join(10)
    assert not examiner.is_alive()


def test_a_sandbox_that_forbids_to_give_way_keeps_nobody_from_examining(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", refuse)  # as the unit's system call filter does
    found: queue.SimpleQueue[Found] = queue.SimpleQueue()
    examiner = Examiner(ledger.archive, found.put, first_seconds=0.01)
    examiner.start()
    assert found.get(timeout=10) == Found()
    examiner.finish()
    examiner.join(10)
