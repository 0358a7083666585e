"""Reader: every query of an archive. It takes no lock, begins no run and writes nothing.

Any process that may read the archive's files can use it, with or without a running service.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from beemon.base.clock import MACHINE, Clock
from beemon.base.recording import Recording
from beemon.ledger import calibrations, changes, completeness, events, recordings, rows, usage
from beemon.ledger import readings as series
from beemon.ledger.changes import Cursor, Page
from beemon.ledger.history import history
from beemon.ledger.ledger import LedgerReader, open_reader
from beemon.ledger.quarantine import code_of
from beemon.ledger.recordings import KeptFile
from beemon.ledger.usage import Usage
from beemon.protocol.replies import (
    CalibrationFacts,
    Completeness,
    EventFacts,
    FindingFacts,
    FindingList,
    History,
    JobFacts,
    ReadingFacts,
)

if TYPE_CHECKING:
    from beemon.base.readings import Reading
    from beemon.ledger.records import JobRecord

LONGEST_SECONDS = 9.0
"""The longest time of a history or a count of slots: a client waits 10 s for a reply."""
_STEPS = 100_000  # of SQLite's machine, between two looks at the clock: some milliseconds

_HAS_DONE_WORK = """
SELECT run = ?1 FROM jobs WHERE outcome = 'done' OR run <> ?1 ORDER BY job DESC LIMIT 1
"""
"""Back to the latest job that was done, or that is of an earlier run; most often it is the first.
"""


class SlowQueryError(sqlite3.OperationalError):
    """A query was stopped because it would have taken longer than :data:`LONGEST_SECONDS`."""

    def __init__(self) -> None:
        super().__init__(f"it was stopped after {LONGEST_SECONDS:g} s")


class ArchiveReader:
    """One archive, for reading, until :meth:`close`.

    It can be used from any thread. A query never waits for a write, nor for one that may take long:
    these have connections of their own, and raise :class:`SlowQueryError`. Times are microseconds
    since 1970; ``clock`` returns the present one. Raises ``sqlite3.Error`` if there is no readable
    ledger, and after the close.
    """

    def __init__(self, archive: Path, clock: Clock = MACHINE) -> None:
        self._archive = archive
        self._clock = clock
        self._mutex = threading.Lock()
        self._ledger: LedgerReader | None = None
        self._spare: LedgerReader | None = None
        self._closed = False

    def close(self) -> None:
        """Close the ledger, for good, once the question that is being answered is answered."""
        with self._mutex:
            self._closed = True
            for ledger in (self._ledger, self._spare):
                if ledger is not None:
                    ledger.close()
            self._ledger = self._spare = None

    def job(self, job: int) -> JobFacts | None:
        """All details of one job."""
        with self._reading() as ledger:
            return ledger.job(job)

    def jobs(self, count: int, begin_us: int | None = None) -> list[JobFacts]:
        """The latest jobs, the newest first; of these, only those accepted since a begin."""
        with self._reading() as ledger:
            return ledger.jobs(count, begin_us)

    def has_done_work(self, run: int) -> bool:
        """Whether a job of this run, the latest one, was done."""
        with self._reading() as ledger:
            found = ledger.db.execute(_HAS_DONE_WORK, (run,)).fetchone()
            return found is not None and bool(found[0])

    def recordings(
        self, from_us: int, until_us: int, device: str | None = None
    ) -> list[Recording]:
        """The recordings that began in a period and are not deleted, in order of time."""
        with self._reading() as ledger:
            found = recordings.between(ledger.db, from_us, until_us, device)
            return list(rows.readable(found, recordings.of_row))

    def kept_file(self, job: int) -> KeptFile | None:
        """The file of a job's recording; None if there is none, or if a row is damaged."""
        with self._reading() as ledger:
            return recordings.file_of_job(ledger.db, job)

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
        no such quantity. It can take a while."""
        with self._apart() as ledger:
            return history(ledger.db, device, quantity, from_us, self._clock.now().utc_us)

    def calibrations(self, sensors: Collection[str]) -> list[CalibrationFacts]:
        """The calibrations of these sensors, or of all."""
        with self._reading() as ledger:
            return calibrations.history(ledger.db, sensors)

    def events(self, from_us: int, most: int, kind: str | None) -> list[EventFacts]:
        """The newest ``most`` events since a time, of one kind or of all kinds."""
        with self._reading() as ledger:
            return [events.describe(one) for one in events.since(ledger, from_us, most, kind)]

    def findings(self, from_us: int, until_us: int) -> FindingList:
        """The latest finding of each matter that a period touches, of those entered last."""
        from beemon.ledger import findings  # the Server seldom needs them

        with self._apart() as ledger:
            return findings.newest(ledger, from_us, until_us)

    def chain_of_finding(self, number: int) -> list[FindingFacts]:
        """All findings about the matter of one finding; empty if there is no such finding."""
        from beemon.ledger import findings

        with self._apart() as ledger:
            return findings.chain_of(ledger, number)

    def event_kinds(self) -> list[str]:
        """The kinds of all events so far."""
        with self._reading() as ledger:
            return events.kinds(ledger)

    def changes(self, cursor: Cursor | None, most: int = changes.MOST) -> Page:
        """The jobs and events that changed after a cursor; see :mod:`beemon.ledger.changes`."""
        with self._reading() as ledger:
            return changes.follow(ledger, cursor, most)

    def record(self, job: int) -> JobRecord | None:
        """A job that has ended, with its readings and its recording; see
        :mod:`beemon.ledger.records`."""
        from beemon.ledger import records  # the Server needs none

        with self._reading() as ledger:
            return records.find(ledger, job)

    def latest_readings(self) -> list[Reading]:
        """The latest reading of each quantity, as :meth:`record` has it."""
        from beemon.ledger import records

        with self._reading() as ledger:
            return records.latest(ledger.db)

    def event(self, number: int) -> EventFacts | None:
        """One event."""
        with self._reading() as ledger:
            found = events.find(ledger, number)
            return None if found is None else events.describe(found)

    def not_uploaded(self, after: int, most: int) -> list[Recording]:
        """The first recordings above a number that are kept and are not uploaded."""
        from beemon.ledger import records

        with self._reading() as ledger:
            return records.not_uploaded(ledger.db, after, most)

    def uploaded(self, after: int, most: int) -> list[Recording]:
        """The first recordings above a number that are kept and are uploaded."""
        from beemon.ledger import records

        with self._reading() as ledger:
            return records.uploaded(ledger.db, after, most)

    def waiting_for_upload(self) -> tuple[int, int]:
        """The number of recordings that are kept and are not uploaded, and their bytes."""
        from beemon.ledger import records

        with self._reading() as ledger:
            return records.waiting_for_upload(ledger.db)

    def uuid(self) -> str | None:
        """The UUID of the archive; None if the ledger has none that can be read."""
        with self._reading() as ledger:
            row = ledger.db.execute("SELECT uuid FROM sound_archive").fetchone()
            return str(row["uuid"]) if row else None

    def end_of_changes(self) -> Cursor:
        """The cursor of a reader that knows all changes up to now."""
        with self._reading() as ledger:
            return changes.find_end(ledger)

    def version(self) -> int:
        """A number that differs after each change of the ledger by another connection."""
        with self._reading() as ledger:
            return int(ledger.db.execute("PRAGMA data_version").fetchone()[0])

    def usage(self) -> dict[str, Usage]:
        """The bytes per day on disk, by device, and those of the ledger."""
        now_us = self._clock.now().utc_us
        with self._reading() as ledger:
            found = usage.recordings(ledger.db, now_us)
            own = usage.ledger(ledger.db, self._archive, now_us)
        return {**found, **({"ledger": own} if own else {})}

    def completeness(self, since_us: int) -> Completeness:
        """The outcomes of the slots since a time. It can take a while and blocks no writer."""
        with self._apart() as ledger:
            return completeness.of(ledger, since_us)

    @contextmanager
    def one_moment(self) -> Iterator[LedgerReader]:
        """A snapshot of the ledger at one moment, for long queries; it blocks no writer."""
        self._check_open()
        with closing(open_reader(self._archive)) as ledger, rows.one_moment(ledger.db):
            yield ledger

    @contextmanager
    def _apart(self) -> Iterator[LedgerReader]:
        """A snapshot for one query with a deadline, by a connection that no other query uses."""
        with self._mutex:
            self._check_open()
            ledger, self._spare = self._spare, None
        ledger = ledger or open_reader(self._archive)
        try:
            with _deadline(ledger.db, self._clock), rows.one_moment(ledger.db):
                yield ledger
        finally:
            with self._mutex:
                if self._closed or self._spare is not None:
                    ledger.close()
                else:
                    self._spare = ledger

    def _check_open(self) -> None:
        if self._closed:
            raise sqlite3.ProgrammingError("it is closed")

    @contextmanager
    def _reading(self) -> Iterator[LedgerReader]:
        with self._mutex:
            self._check_open()
            if self._ledger is None:
                self._ledger = open_reader(self._archive)
            yield self._ledger


@contextmanager
def _deadline(db: sqlite3.Connection, clock: Clock) -> Iterator[None]:
    """A query that takes too long within this context raises :class:`SlowQueryError`."""
    until = clock.now().monotonic + LONGEST_SECONDS
    db.set_progress_handler(lambda: clock.now().monotonic > until, _STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if code_of(error) == sqlite3.SQLITE_INTERRUPT:
            raise SlowQueryError from error
        raise
    finally:
        db.set_progress_handler(None, 0)
