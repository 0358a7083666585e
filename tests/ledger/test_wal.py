"""The ledger's log: it is emptied when it has grown long, and whoever keeps it long is named."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from beemon.ledger import wal
from beemon.ledger.ledger import LOG_BYTES, NAME, Ledger
from tests.faults import failing_disk

MOST = 60_000
READER = """
import sqlite3, sys, time
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
db.execute("BEGIN")
db.execute("SELECT count(*) FROM jobs").fetchone()
print("reading", flush=True)
time.sleep(600)
"""


def fill(ledger: Ledger) -> None:
    """Write until the log is longer than it should be."""
    while wal.size(ledger.archive) <= MOST:
        with ledger.transaction():
            ledger.accept("read sensor.brood", "test")


@contextmanager
def reader(ledger: Ledger) -> Iterator[int]:
    """Another program that keeps a transaction open; its process id."""
    command = [sys.executable, "-c", READER, str(ledger.archive / NAME)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reading\n"
        yield process.pid
        process.kill()


def test_a_short_log_is_left_alone(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.accept("read", "test")
    before = wal.size(ledger.archive)
    assert wal.keep_short(ledger.archive, MOST) is None
    assert wal.size(ledger.archive) == before > 0


def test_a_long_log_is_emptied(ledger: Ledger) -> None:
    fill(ledger)
    assert wal.keep_short(ledger.archive, MOST) is None
    assert wal.size(ledger.archive) == 0
    with ledger.transaction():
        assert ledger.accept("read", "test") > 0


@pytest.mark.process
@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_reader_that_keeps_a_transaction_open_is_named(ledger: Ledger, is_stopped: bool) -> None:
    with reader(ledger) as pid:
        if is_stopped:
            os.kill(pid, signal.SIGSTOP)
        fill(ledger)
        trouble = wal.keep_short(ledger.archive, MOST)
        assert trouble is not None
        assert trouble.about == "ledger-log"
        assert f"python3 (process {pid}) keeps a transaction open" in trouble.says \
            or f"python (process {pid}) keeps a transaction open" in trouble.says
        assert trouble.remedy == f"end it: sudo kill -KILL {pid}"
    assert wal.keep_short(ledger.archive, MOST) is None
    assert wal.size(ledger.archive) == 0


def test_where_there_is_no_log_its_size_is_none(ledger: Ledger) -> None:
    ledger.close()
    assert wal.size(ledger.archive) == 0


def test_a_log_that_was_long_is_cut_down_by_sqlite_too(ledger: Ledger) -> None:
    with closing(sqlite3.connect(ledger.archive / NAME)):
        assert ledger.db.execute("PRAGMA journal_size_limit").fetchone()[0] == LOG_BYTES


def test_a_new_log_gets_its_usual_size_and_keeps_what_it_holds(
    ledger: Ledger, tmp_path: Path
) -> None:
    with ledger.transaction():
        before = ledger.accept("read", "test")
    wal.grow(ledger)
    assert wal.size(ledger.archive) == LOG_BYTES
    with ledger.transaction():
        after = ledger.accept("read", "test")
    wal.grow(ledger)
    assert wal.size(ledger.archive) == LOG_BYTES
    copy = tmp_path / "as a power cut leaves it"
    copy.mkdir()
    for name in (NAME, f"{NAME}-wal"):
        shutil.copy(ledger.archive / name, copy / name)
    with closing(sqlite3.connect(copy / NAME)) as db:
        assert db.execute("SELECT job FROM jobs").fetchall() == [(before,), (after,)]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_log_that_cannot_grow_stays_as_it_is(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.accept("read", "test")
    before = wal.size(ledger.archive)
    with failing_disk():
        wal.grow(ledger)
    assert wal.size(ledger.archive) == before
