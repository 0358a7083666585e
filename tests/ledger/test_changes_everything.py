"""Changes, whatever happens: each reader that follows them holds exactly the ledger's state.

Each seed is one long life of a ledger: jobs, events, a clock that is set right, salvages and
deletions, transactions that are given up, crashes, rebuilds of a sound and of a damaged ledger. In
between, readers begin, follow some changes, look the units up later, and acknowledge.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.ledger import changes, events, identity, quarantine, recovery, redating, uploads
from beemon.ledger import readings as series
from beemon.ledger import recordings as catalog
from beemon.ledger.changes import Change, Cursor
from beemon.ledger.identity import Known
from beemon.ledger.ledger import Ledger, LedgerReader
from beemon.ledger.session import ArchiveSession
from beemon.repair.rebuild import rebuild
from tests.ledger.test_redating import RIGHT_OFFSET_US, TurnedClock, set_right

SEEDS = range(1, 31)
STEPS = 120

Unit = tuple[Any, ...]


def unit_of(reader: LedgerReader, change: Change) -> Unit | None:
    """All that the ledger holds of a job that has ended, or of an event; None for nothing."""
    db = reader.db
    if change.event is not None:
        event = db.execute("SELECT * FROM events WHERE event = ?", (change.event,)).fetchone()
        return tuple(event) if event else None
    ended = "SELECT * FROM jobs WHERE job = ? AND outcome IS NOT NULL"
    job = db.execute(ended, (change.job,)).fetchone()
    parts = (
        db.execute(f"SELECT * FROM {table} WHERE job = ? ORDER BY 1, 2", (change.job,))
        for table in ("recordings", "readings")
    )
    return (*job, *(tuple(row) for part in parts for row in part)) if job else None


def state_of(reader: LedgerReader) -> dict[tuple[str, int], Unit]:
    jobs = [Change(0, job, None) for (job,) in
            reader.db.execute("SELECT job FROM jobs WHERE outcome IS NOT NULL")]
    all_events = [Change(0, None, event) for (event,) in
                  reader.db.execute("SELECT event FROM events")]
    return {key(one): unit for one in jobs + all_events if (unit := unit_of(reader, one))}


def key(change: Change) -> tuple[str, int]:
    return ("job", change.job) if change.job is not None else ("event", change.event or 0)


class Follower:
    """Holds what the changes led it to; it looks units up some time after it learnt of them."""

    def __init__(self) -> None:
        self.cursor: Cursor | None = None
        self.held: dict[tuple[str, int], Unit] = {}
        self._learnt: list[Change] = []

    def learn(self, reader: LedgerReader, most: int) -> bool:
        """Follow one page further; whether there was anything new."""
        before = self.cursor
        self._learnt, self.cursor, is_first = changes.follow(reader, self.cursor, most)
        if is_first:
            self.held.clear()
        return self.cursor != before

    def look_up(self, reader: LedgerReader) -> None:
        for change in self._learnt:
            unit = unit_of(reader, change)
            if unit is not None:  # else the ledger was replaced meanwhile
                self.held[key(change)] = unit
        self._learnt = []


class Life:
    """A ledger to which anything may happen."""

    def __init__(self, archive: Path, chance: random.Random) -> None:
        self.archive, self.chance = archive, chance
        self.clock = TurnedClock(wrong_us=-RIGHT_OFFSET_US)
        self.dating = redating.Redating()
        self.known: Known | None = None
        self._reader: LedgerReader | None = None
        self.open_ledger()

    @property
    def reader(self) -> LedgerReader:
        """One that stays open until the ledger is closed, as opening it takes longest here."""
        self._reader = self._reader or LedgerReader(self.archive)
        return self._reader

    def open_ledger(self) -> None:
        """What a start of the service does."""
        self.ledger = Ledger(self.archive, clock=self.clock)
        self.ledger.db.execute("PRAGMA synchronous=OFF")
        self.ledger.prepare()
        with self.ledger.transaction():
            self.ledger.begin_run()
            self.known = Known(identity.settle(self.ledger, self.known, follows=True), 1000)
            recovery.close_earlier_runs(self.ledger)
        self.dating = redating.Redating()

    def close(self) -> None:
        if self._reader:
            self._reader.close()
        self._reader = None
        self.ledger.close()

    def pick(self, query: str) -> Any:
        rows = self.ledger.db.execute(query).fetchall()
        return self.chance.choice(rows)[0] if rows else None

    # What happens within a transaction

    def accept(self) -> None:
        job = self.ledger.accept("record microphone.a", "test")
        if self.chance.random() < 0.3:
            self.ledger.db.execute(
                "UPDATE jobs SET device = 'microphone.a', started_us = accepted_us,"
                " temporary = ?1, final = ?2 WHERE job = ?3",
                (f"recording/{job}.part", f"recordings/{job}.flac", job),
            )

    def read(self) -> None:
        job = self.pick("SELECT job FROM jobs")
        if job is not None:
            self.keep_readings(job)

    def record(self) -> None:
        job = self.pick("SELECT job FROM jobs")
        if job is not None:
            self.enter_recording(job)

    def keep_readings(self, job: int) -> None:
        series.keep(self.ledger, job, [
            Reading(f"sensor.{n}", "temperature", "°C", self.chance.random(), None,
                    self.clock.stamp())
            for n in range(self.chance.randrange(4))
        ])

    def end(self) -> None:
        job = self.pick("SELECT job FROM jobs WHERE outcome IS NULL")
        if job is None:
            return
        self.keep_readings(job)
        leftover = {"leftover": f"recording/{job}.part"}
        if self.chance.random() < 0.5:
            self.enter_recording(job)
        self.ledger.end(job, self.chance.choice([
            outcomes.done(), outcomes.failed("timeout", "it took too long"),
            outcomes.skipped("late"), outcomes.interrupted("crash", "cut", **leftover),
        ]))

    def enter_recording(self, job: int) -> None:
        path = self.archive / "recordings" / f"{job}-{self.chance.random()}.flac"
        at = self.clock.stamp()
        catalog.enter(self.ledger, job, "microphone.a", path, RecordingFacts(
            at.utc_us, at.monotonic, at.quality, size=1, sha256="5e"
        ))

    def salvage(self) -> None:
        for leftover in recovery.leftovers(self.ledger)[:1]:
            recovery.settle(self.ledger, leftover, self.chance.choice([
                None, RecordingFacts(size=1, sha256="5e", seconds=2.0),
            ]))

    def enter_event(self) -> None:
        events.enter(self.ledger, "note", "something happened", "microphone.a", some=1)

    def delete(self) -> None:
        recording = self.pick("SELECT recording FROM recordings")
        if recording is not None:
            step = self.chance.choice([catalog.begin_deletion, catalog.end_deletion])
            step(self.ledger, recording, self.clock.now().utc_us)

    def upload(self) -> None:
        recording = self.pick("SELECT recording FROM recordings")
        if recording is not None:
            uploads.mark_uploaded(self.ledger, recording, "5e", "hash")

    def redate(self) -> None:
        if self.clock.quality is not Quality.UNSURE:
            self.dating.step(self.ledger, self.clock.stamp())

    # What happens between transactions

    def set_clock(self) -> None:
        if self.chance.random() < 0.5:
            set_right(self.clock)
        else:
            self.clock.quality = Quality.UNSURE
            self.clock.wrong_us = -self.chance.randrange(RIGHT_OFFSET_US // 2)

    def crash(self) -> None:
        self.ledger.db.execute("BEGIN IMMEDIATE")
        self.enter_event()
        self.end()
        self.close()
        if self.chance.random() < 0.5:
            self.clock.boot += "'"
        self.open_ledger()

    def rebuild(self) -> None:
        self.close()
        if self.chance.random() < 0.5:
            quarantine.mark(self.archive, "somebody said so")
        rebuild(self.archive)
        self.open_ledger()

    def begin_anew(self) -> None:
        """A damaged ledger is set aside, and a new one goes on until somebody rebuilds."""
        self.close()
        quarantine.mark(self.archive, "somebody said so")
        with closing(ArchiveSession(self.archive)) as session:
            session.open()
        self.open_ledger()

    def go_on(self) -> None:
        """One thing that happens, in a transaction that may be given up, or between two."""
        self.clock.pass_by(self.chance.randrange(1, 5_000_000))
        if self.chance.random() < 0.1:
            common, rare = [self.set_clock, self.crash], [self.rebuild, self.begin_anew]
            self.chance.choice(common * 3 + rare)()
            return
        steps: list[Callable[[], None]] = [
            self.accept, self.accept, self.end, self.end, self.end, self.enter_event, self.salvage,
            self.read, self.record, self.upload, self.delete, self.redate, self.redate,
        ]
        with suppress(InterruptedError), self.ledger.transaction():
            for step in self.chance.choices(steps, k=self.chance.randrange(1, 4)):
                step()
            if self.chance.random() < 0.15:
                raise InterruptedError

    def acknowledge(self, cursor: Cursor) -> None:
        with self.ledger.transaction():
            changes.thin(self.ledger, cursor)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_follower_holds_exactly_what_the_ledger_holds(tmp_path, seed):
    chance = random.Random(seed)
    life, followers = Life(tmp_path, chance), [Follower()]
    for _ in range(STEPS):
        life.go_on()
        reader = life.reader
        one = chance.choice(followers)
        one.look_up(reader)
        if chance.random() < 0.6:
            one.learn(reader, chance.choice([1, 2, 5, 50]))
        if chance.random() < 0.05:
            followers.append(Follower())
        if one.cursor and chance.random() < 0.1:
            life.acknowledge(one.cursor)
    reader = life.reader
    expected = state_of(reader)
    assert expected
    for one in [*followers, Follower()]:
        one.look_up(reader)
        while one.learn(reader, chance.choice([1, 7, 50])):
            one.look_up(reader)
        assert one.held == expected
    life.close()
