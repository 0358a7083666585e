"""Leftovers: unfinished recordings are repaired, by a worker of their own."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beemon.base import outcomes
from beemon.base.clock import now
from beemon.ledger import recovery
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.orchestrator.leftovers import Leftovers
from beemon.storage import files
from tests.hive import until

pytest.importorskip("soundfile")

SOON = 60.0


class Archive:
    """An archive in which a recording was left unfinished."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder)
        self.ledger.prepare()
        self.mail: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        place = files.find_place(folder, "hive", "microphone.a", ".flac", 0)
        with self.ledger.transaction() as ledger:
            self.run = ledger.begin_run()
            self.job = ledger.accept("record microphone.a 1", "test")
            ledger.begin(self.job, "microphone.a", place)
            place.temporary.write_bytes(b"no sound at all")
            message, facts = recovery.keep_rest(ledger, place)
            ledger.end(self.job, outcomes.interrupted("crash", message, **facts))

    def write(self, write: Any, written: Any) -> None:
        with self.ledger.transaction() as ledger:
            result = write(ledger)
        written(result)


@pytest.mark.process
def test_what_a_job_left_is_looked_at_and_the_worker_goes(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    leftovers = Leftovers(
        tmp_path, archive.run, archive.write, Looks(archive.write), archive.mail.put
    )
    leftovers.look()
    while recovery.leftovers(archive.ledger):
        archive.mail.get(timeout=SOON)()
        leftovers.tick(now().monotonic)
    until(lambda: [leftovers.tick(now().monotonic)] and leftovers.is_idle, SOON)
    row = archive.ledger.db.execute("SELECT * FROM jobs WHERE job = ?", (archive.job,)).fetchone()
    assert row["outcome"] == "interrupted"
    assert "none of it was usable" in row["message"]
    assert list(tmp_path.rglob("*.part")) == []
    archive.ledger.close()


def test_where_nothing_is_unfinished_no_worker_is_started(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for leftover in recovery.leftovers(archive.ledger):
        with archive.ledger.transaction() as ledger:
            recovery.settle(ledger, leftover, None)
    leftovers = Leftovers(
        tmp_path, archive.run, archive.write, Looks(archive.write), archive.mail.put
    )
    leftovers.look()
    archive.mail.get(timeout=SOON)()
    leftovers.tick(now().monotonic)
    assert leftovers.is_idle
    archive.ledger.close()
