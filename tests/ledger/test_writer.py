"""The ledger's writer: in order, in batches, and nothing lost while the disk fails."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.ledger import quarantine
from beemon.ledger.ledger import PAGE_BYTES, Ledger, LedgerReader
from beemon.ledger.session import ArchiveSession
from beemon.ledger.writer import LedgerWriter
from tests.faults import failing_disk

SOON = 20.0  # seconds; only a defect takes that long


class Desk:
    """A writer with the mailbox that it calls back into, as the Orchestrator has."""

    def __init__(self, archive: Path, run: int) -> None:
        self.mail: queue.SimpleQueue = queue.SimpleQueue()
        self.trouble: queue.SimpleQueue = queue.SimpleQueue()
        self.writer = LedgerWriter(archive, run, self.trouble.put, retry_seconds=0.01)
        self.reader = LedgerReader(archive)

    def enter(self, command: str) -> None:
        self.writer.write(lambda ledger: ledger.accept(command, "test"), self.mail.put)

    def written(self, count: int) -> list[int]:
        return [self.mail.get(timeout=SOON) for _ in range(count)]

    def commands(self) -> list[str]:
        return [job.command for job in reversed(self.reader.jobs(1000))]


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    register = ArchiveSession(tmp_path)
    register.open()
    desk = Desk(tmp_path, register.run_number)
    yield desk
    if desk.writer.is_alive():
        desk.writer.finish(SOON)
    desk.reader.close()
    register.close()


def test_what_is_written_is_durable_before_anyone_is_told(desk):
    desk.writer.start()
    told = queue.SimpleQueue()
    desk.writer.write(
        lambda ledger: ledger.accept("read", "test"), lambda job: told.put(desk.reader.job(job))
    )
    assert told.get(timeout=SOON).command == "read"


def test_everything_is_written_in_its_order(desk):
    desk.writer.start()
    for number in range(200):
        desk.enter(f"read {number}")
    assert desk.written(200) == list(range(1, 201))
    assert desk.commands() == [f"read {number}" for number in range(200)]


def test_what_waits_goes_into_one_transaction(desk):
    inside = []
    for _ in range(50):
        desk.writer.write(lambda ledger: inside.append(len(desk.reader.jobs(100)))
                          or ledger.accept("read", "test"), desk.mail.put)
    desk.writer.start()
    desk.written(50)
    assert inside == [0] * 50  # nobody saw any of it before all of it was kept


def test_a_finished_writer_has_written_all_that_waited(desk):
    for number in range(20):
        desk.enter(f"read {number}")
    desk.writer.start()
    assert desk.writer.finish(SOON)
    assert len(desk.commands()) == 20
    assert not desk.writer.is_alive()


def test_a_writer_with_nothing_to_do_finishes_at_once(desk):
    desk.writer.start()
    assert desk.writer.finish(SOON)


def test_while_the_disk_fails_everything_waits_and_trouble_is_told_once(desk):
    desk.writer.start()
    with failing_disk():
        desk.enter("first")
        trouble = desk.trouble.get(timeout=SOON)
        desk.enter("second")
        desk.enter("third")
    assert trouble.startswith("the database cannot be written: ")
    assert desk.written(3) == [1, 2, 3]
    assert desk.trouble.get(timeout=SOON) is None
    assert desk.trouble.empty()
    assert desk.commands() == ["first", "second", "third"]


def test_trouble_that_goes_on_is_not_told_again(desk):
    attempts = threading.Semaphore(0)
    desk.writer.start()
    with failing_disk():
        desk.writer.write(lambda ledger: attempts.release() or ledger.accept("read", "test"),
                          desk.mail.put)
        for _ in range(5):
            assert attempts.acquire(timeout=SOON)
    assert desk.written(1) == [1]
    assert desk.trouble.get(timeout=SOON).startswith("the database cannot be written")
    assert desk.trouble.get(timeout=SOON) is None
    assert desk.trouble.empty()


def test_a_file_that_cannot_be_made_holds_the_writes_up_too(desk):
    fails = iter([OSError(28, "No space left on device")])

    def write(ledger: Ledger) -> int:
        for error in fails:
            raise error
        return ledger.accept("read", "test")

    desk.writer.start()
    desk.writer.write(write, desk.mail.put)
    assert desk.trouble.get(timeout=SOON).endswith("No space left on device")
    assert desk.written(1) == [1]


def test_a_ledger_that_cannot_be_opened_yet_is_waited_for(desk, tmp_path):
    (tmp_path / "ledger.db").rename(tmp_path / "elsewhere")
    (tmp_path / "ledger.db").mkdir()
    desk.writer.start()
    desk.enter("read")
    assert "unable to open" in desk.trouble.get(timeout=SOON)
    (tmp_path / "ledger.db").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "ledger.db")
    assert desk.written(1) == [1]


def test_a_damaged_ledger_ends_the_thread_and_is_marked(desk, tmp_path, monkeypatch):
    ended = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", ended.put)  # as the Orchestrator's crashes
    (root,) = desk.reader.db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'jobs'")
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with (tmp_path / "ledger.db").open("r+b") as file:
        file.seek((root[0] - 1) * PAGE_BYTES)
        file.write(b"\xff" * PAGE_BYTES)
    desk.writer.start()
    desk.enter("read")
    assert ended.get(timeout=SOON).exc_type is sqlite3.DatabaseError
    assert quarantine.marked(tmp_path).why == "database disk image is malformed"


def test_a_writer_that_cannot_finish_in_time_says_so_and_ends(desk):
    desk.writer.start()
    with failing_disk():
        desk.enter("lost")
        assert desk.trouble.get(timeout=SOON)
        assert not desk.writer.finish(0.01)
        desk.writer.join(SOON)
    assert not desk.writer.is_alive()
    assert desk.mail.empty()
    assert desk.commands() == []


def test_another_connection_that_writes_is_waited_for(desk, tmp_path):
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    desk.writer.start()
    desk.enter("read")
    assert desk.commands() == []
    other.execute("COMMIT")
    other.close()
    assert desk.written(1) == [1]
    assert desk.trouble.empty()
