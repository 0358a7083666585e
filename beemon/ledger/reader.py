"""Reader: every query of an archive. It takes no lock, begins no run and writes nothing.

Any process that may read the archive's files can use it, with or without a running service.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from beemon.base.clock import MACHINE, Clock
from beemon.base.recording import Recording
from beemon.ledger import calibrations, changes, completeness, events, recordings, rows, usage
from beemon.ledger import readings as series
from beemon.ledger.changes import Cursor, Page
from beemon.ledger.history import history
from beemon.ledger.ledger import LedgerReader, open_reader
from beemon.ledger.usage import Usage
from beemon.protocol.replies import (
    CalibrationFacts,
    Completeness,
    EventFacts,
    History,
    JobFacts,
    ReadingFacts,
)

_HAS_DONE_WORK = """
SELECT EXISTS (SELECT 1 FROM jobs WHERE run = ?1 AND outcome = 'done' AND job >
    ifnull((SELECT job FROM jobs WHERE run < ?1 ORDER BY job DESC LIMIT 1), -9223372036854775808))
"""
"""Of the jobs behind those of earlier runs: others are not looked at."""


class ArchiveReader:
    """One archive, for reading, until :meth:`close`.

    It can be used from any thread. A query never waits for a write. Times are microseconds since
    1970; ``clock`` returns the present one. Raises ``sqlite3.Error`` if there is no readable
    ledger, and after the close.
    """

    def __init__(self, archive: Path, clock: Clock = MACHINE) -> None:
        self._archive = archive
        self._clock = clock
        self._mutex = threading.Lock()
        self._ledger: LedgerReader | None = None
        self._closed = False

    def close(self) -> None:
        """Close the ledger, for good, once the question that is being answered is answered."""
        with self._mutex:
            self._closed = True
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None

    def job(self, job: int) -> JobFacts | None:
        """All details of one job."""
        with self._reading() as ledger:
            return ledger.job(job)

    def jobs(self, count: int) -> list[JobFacts]:
        """The latest jobs, the newest first."""
        with self._reading() as ledger:
            return ledger.jobs(count)

    def has_done_work(self, run: int) -> bool:
        """Whether a job of this run was done."""
        with self._reading() as ledger:
            (has,) = ledger.db.execute(_HAS_DONE_WORK, (run,)).fetchone()
            return bool(has)

    def recordings(
        self, from_us: int, until_us: int, device: str | None = None
    ) -> list[Recording]:
        """The recordings that began in a period and are not deleted, in order of time."""
        with self._reading() as ledger:
            found = recordings.between(ledger.db, from_us, until_us, device)
            return list(rows.readable(found, recordings.of_row))

    def latest(self) -> list[ReadingFacts]:
        """The latest reading of each quantity."""
        with self._reading() as ledger:
            return series.latest(ledger.db)

    def quantities(self, device: str) -> list[str]:
        """The quantities that a device has ever measured."""
        with self._reading() as ledger:
            return series.quantities(ledger.db, device)

    def history(self, device: str, quantity: str, from_us: int) -> History | None:
        """One quantity from a time on, by the reading or by the hour; None where the device has
        no such quantity."""
        with self._reading() as ledger:
            return history(ledger.db, device, quantity, from_us, self._clock.now().utc_us)

    def calibrations(self, sensors: Collection[str]) -> list[CalibrationFacts]:
        """The calibrations of these sensors, or of all."""
        with self._reading() as ledger:
            return calibrations.history(ledger.db, sensors)

    def events(self, from_us: int, most: int, kind: str | None) -> list[EventFacts]:
        """The newest ``most`` events since a time, of one kind or of all kinds."""
        with self._reading() as ledger:
            return [events.describe(one) for one in events.since(ledger, from_us, most, kind)]

    def event_kinds(self) -> list[str]:
        """The kinds of all events so far."""
        with self._reading() as ledger:
            return events.kinds(ledger)

    def changes(self, cursor: Cursor | None, most: int = changes.MOST) -> Page:
        """The jobs and events that changed after a cursor; see :mod:`beemon.ledger.changes`."""
        with self._reading() as ledger:
            return changes.follow(ledger, cursor, most)

    def usage(self) -> dict[str, Usage]:
        """The bytes per day on disk, by device, and those of the ledger."""
        now_us = self._clock.now().utc_us
        with self._reading() as ledger:
            found = usage.recordings(ledger.db, now_us)
            own = usage.ledger(ledger.db, self._archive, now_us)
        return {**found, **({"ledger": own} if own else {})}

    def completeness(self, since_us: int) -> Completeness:
        """The outcomes of the slots since a time. It can take a while and blocks no writer."""
        with self.one_moment() as ledger:
            return completeness.of(ledger, since_us)

    @contextmanager
    def one_moment(self) -> Iterator[LedgerReader]:
        """A snapshot of the ledger at one moment, for long queries; it blocks no writer."""
        if self._closed:
            raise sqlite3.ProgrammingError("it is closed")
        with closing(open_reader(self._archive)) as ledger, rows.one_moment(ledger.db):
            yield ledger

    @contextmanager
    def _reading(self) -> Iterator[LedgerReader]:
        with self._mutex:
            if self._closed:
                raise sqlite3.ProgrammingError("it is closed")
            if self._ledger is None:
                self._ledger = open_reader(self._archive)
            yield self._ledger
