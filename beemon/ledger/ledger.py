"""The ledger: every job with its one outcome, in the database that holds everything else as well.

It is an SQLite database in WAL mode with ``synchronous=FULL``. The Server enters the commands that
it accepts, and the Orchestrator everything else, both in short transactions. Each other kind of
record has a module beside this one, such as ``recordings``, ``readings`` and ``events``.
``recovery`` ends the jobs that a crash left open.

Times are microseconds since 1970 (UTC). Monotonic times are seconds since boot, and are valid
within the boot named in the run's row.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from beemon import __version__
from beemon.base.clock import MACHINE, Clock, Moment, Stamp
from beemon.base.facts import Json, from_json
from beemon.base.moments import iso
from beemon.base.outcomes import Ending
from beemon.ledger import rows, schema
from beemon.protocol.replies import JobFacts
from beemon.storage import files, lock

NAME = "ledger.db"
BUSY_SECONDS = 5.0
PAGE_BYTES = 1024
"""Of a new ledger. A minute's readings touch some ten pages, and each is written whole."""
WAL_PAGES = 4000
"""From this number of pages, the log is copied into the file; less often, and a page goes there
once."""
LOG_BYTES = 32 + (WAL_PAGES + WAL_PAGES // 8) * (PAGE_BYTES + 24)
"""Usual size of the log: its header, and its pages with a header each, some more than
:data:`WAL_PAGES` because a transaction is never divided. A longer log is cut down to this once it
is in the file."""

_NEXT_JOB = (
    "max(ifnull((SELECT max(job) FROM main.jobs WHERE job < {most}), 0) + 1,"
    " ifnull((SELECT max(first_job) FROM sound_archive), 1))"
).replace("{most}", str(rows.MOST_NUMBER))
_ACCEPT = (
    "INSERT INTO jobs"
    " (job, run, command, origin, slot_us, accepted_us, accepted_monotonic, clock)"
    " VALUES ({next}, ?, ?, ?, ?, ?, ?, ?)"
).replace("{next}", _NEXT_JOB)
_ENTER_ENDED = (
    "INSERT INTO jobs (job, run, command, origin, slot_us, accepted_us, accepted_monotonic, clock,"
    " ended_us, ended_monotonic, outcome, reason, message, facts, leftover)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

_LATEST_JOBS = (
    "SELECT * FROM (SELECT * FROM sound_jobs ORDER BY job DESC LIMIT ?1)"
    " WHERE ?2 IS NULL OR accepted_us >= ?2"
)
_ACCEPTED = "SELECT accepted_us, accepted_monotonic FROM jobs WHERE job = ?"
_VALUES = (
    "SELECT sensor, quantity, value FROM main.readings JOIN sound_series USING (series)"
    " WHERE utc_us BETWEEN ? AND ? AND job = ?"
    " AND value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308"
)
"""All that is asked of a row's damage is its value: it is a number, and finite."""
_SLACK_US = 2_000_000
"""For the rounding of times, and for a clock that is slewed."""
_LONGEST_US = 3_600_000_000
"""No job measures for longer than this."""

_BEGIN_RUN = """
INSERT INTO runs (run, started_us, started_monotonic, boot_id, clock, version) VALUES
((SELECT ifnull(max(run), 0) + 1 FROM (
    SELECT max(run) AS run FROM main.runs WHERE run < {most}
    UNION ALL SELECT * FROM (SELECT run FROM sound_jobs ORDER BY job DESC LIMIT 1)
    UNION ALL SELECT * FROM (SELECT run FROM sound_events ORDER BY event DESC LIMIT 1))),
?, ?, ?, ?, ?)
""".replace("{most}", str(rows.MOST_NUMBER))
"""Its number is behind those that jobs and events name, too: rows of theirs may have been lost."""


class LedgerVersionError(OSError):
    """The ledger was written by a newer beemon than this one."""


class LedgerGoneError(sqlite3.OperationalError):
    """The file was removed or replaced, so everything written to it is lost at the end of the run.
    """


class Ledger:
    """The ledger, for writing. Call each method within :meth:`transaction`.

    ``clock`` returns the time of entries that have none. Raises ``sqlite3.OperationalError`` if the
    disk is full or fails.
    """

    def __init__(self, archive: Path, run: int = 0, clock: Clock = MACHINE) -> None:
        self.archive = archive
        self.run = run
        self.clock = clock
        self.db = sqlite3.connect(
            archive / NAME, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self.db.execute(f"PRAGMA page_size={PAGE_BYTES}")
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
            self.db.execute("PRAGMA synchronous=FULL")
            self.db.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
            self._path = archive / NAME
            self._file = self._path.stat()
            rows.show_sound(self.db)
        except (sqlite3.Error, OSError):
            self.db.close()
            raise
        self.db.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the file; committed entries are kept."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[Ledger]:
        """All that is written inside is kept, durably, or none of it."""
        self._check_file()
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def prepare(self) -> None:
        """Make the tables where the ledger is new or old. Raises :class:`LedgerVersionError`."""
        version = schema.version(self.db)
        if version > schema.VERSION:
            raise LedgerVersionError(
                f"{self.archive / NAME} was written by a newer beemon (layout {version}; this one "
                f"supports {schema.VERSION}): install that version again"
            )
        if schema.bring_up_to_date(self.db):
            files.sync_folder(self.archive)
            rows.show_sound(self.db)

    def begin_run(self) -> int:
        """Enter a new run of the service; rows that are written from now on belong to it."""
        utc_us, monotonic, quality = self.clock.stamp()
        values = (utc_us, monotonic, self.clock.boot_id(), quality, __version__)
        cursor = self.db.execute(_BEGIN_RUN, values)
        self.run = int(cursor.lastrowid or 0)
        return self.run

    def accept(
        self,
        command: str,
        origin: str,
        came: Stamp | None = None,
        slot_us: int | None = None,
    ) -> int:
        """Enter a command that was accepted now, or when it ``came``; return its job number.

        ``slot_us`` is the scheduled moment that it stands for.
        """
        values = (self.run, command, origin, slot_us, *(came or self.clock.stamp()))
        return int(self.db.execute(_ACCEPT, values).lastrowid or 0)

    def next_job(self) -> int:
        """The number of the next job that is entered in this transaction."""
        return int(self.db.execute(f"SELECT {_NEXT_JOB}").fetchone()[0])

    def enter_ended(
        self, job: int, command: str, origin: str, came: Stamp, slot_us: int | None, ending: Ending
    ) -> None:
        """Enter a command that came, and its outcome, as the :meth:`next_job`.

        Its readings are entered before it, so that they are one change with it.
        """
        self.db.execute(
            _ENTER_ENDED,
            (job, self.run, command, origin, slot_us, *came,
             *self._end_of(job, ending, Moment(came.utc_us, came.monotonic))),
        )

    def begin(self, job: int, device: str, where: files.Place) -> None:
        """Enter that a recording is about to be written, and where."""
        self.db.execute(
            "UPDATE jobs SET device = ?, started_us = ?, started_monotonic = ?, temporary = ?,"
            " final = ? WHERE job = ?",
            (
                device, *self.clock.now(),
                self.relative(where.temporary), self.relative(where.final), job,
            ),
        )

    def end(self, job: int, ending: Ending) -> bool:
        """Enter a job's outcome; return False if it already had one, which is then kept."""
        cursor = self.db.execute(
            "UPDATE jobs SET ended_us = ?, ended_monotonic = ?, outcome = ?, reason = ?,"
            " message = ?, facts = ?, leftover = ? WHERE job = ? AND outcome IS NULL",
            (*self._end_of(job, ending), job),
        )
        return cursor.rowcount == 1

    def _end_of(
        self, job: int, ending: Ending, accepted: Moment | None = None
    ) -> tuple[object, ...]:
        """The columns of an outcome, from ``ended_us`` to ``leftover``.

        Values that :func:`_values_of` finds again are not copied into the facts.
        """
        now, facts = self.clock.now(), ending.facts
        if facts.get("readings"):
            if accepted is None:
                found = self.db.execute(_ACCEPTED, (job,)).fetchone()
                accepted = Moment(*found) if found else now
            if _values_of(self.db, job, spans_of(accepted, now)) == facts["readings"]:
                facts = {name: fact for name, fact in facts.items() if name != "readings"}
        return (
            *now, ending.outcome, ending.reason, ending.message,
            json.dumps(facts) if facts else None, facts.get("leftover"),
        )

    def _check_file(self) -> None:
        """Check that the file still has its name, because SQLite continues without an error if it
        has not."""
        if not self.is_in_place:
            raise LedgerGoneError(f"{self._path} was removed or replaced; restart beemon")

    @property
    def is_in_place(self) -> bool:
        """Whether the file that is open is the one that has the ledger's name."""
        try:
            return os.path.samestat(self._path.stat(), self._file)
        except FileNotFoundError:
            return False

    def relative(self, path: Path) -> str:
        """A file of the archive as the ledger names it."""
        return str(path.relative_to(self.archive))


class LedgerReader:
    """The ledger, for reading. Raises ``sqlite3.OperationalError`` if it cannot be read.

    ``at_rest`` means that nobody writes to it. It can then be read even if this process may not
    write files beside it.
    """

    def __init__(self, archive: Path, *, at_rest: bool = False) -> None:
        self.db = sqlite3.connect(
            f"{(archive / NAME).absolute().as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}",
            uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False,
        )
        try:
            rows.show_sound(self.db, instead=True)
        except sqlite3.Error:
            self.db.close()
            raise
        self.db.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def job(self, job: int) -> JobFacts | None:
        """All details of one job; if its row is damaged, the kind of damage."""
        row = self.db.execute("SELECT * FROM sound_jobs WHERE job = ?", (job,)).fetchone()
        found = list(rows.readable([row], self._facts)) if row else []
        if found:
            return found[0]
        why = "it cannot be read" if row else rows.why_damaged(self.db, "jobs", job)
        return JobFacts(job, damaged=why) if why else None

    def jobs(self, count: int, begin_us: int | None = None) -> list[JobFacts]:
        """The latest jobs, the newest first; of these, only those accepted since a begin."""
        found = self.db.execute(_LATEST_JOBS, (count, begin_us))
        return list(rows.readable(found, self._facts))

    def _facts(self, row: sqlite3.Row) -> JobFacts:
        """The facts of a job, with the values that it measured."""
        spans = spans_of_row(row) if row["command"].startswith("read") else []
        return job_facts(row, _values_of(self.db, row["job"], spans))


def open_reader(archive: Path) -> LedgerReader:
    """A reader of a ledger that a service may write in, or that lies there since it stopped.

    Raises ``sqlite3.OperationalError``.
    """
    try:
        return LedgerReader(archive)
    except sqlite3.OperationalError:  # no log beside it, and none can be made
        if lock.holder(archive) is not None or (archive / f"{NAME}-wal").exists():
            raise
        return LedgerReader(archive, at_rest=True)


def job_facts(row: sqlite3.Row, values: Mapping[str, float] | None = None) -> JobFacts:
    """The facts of a job, of its row, with the values that it measured."""
    return _job_facts({"readings": values or None, **rows.parse(row["facts"])}, {
        "job": row["job"],
        "command": row["command"],
        "origin": row["origin"],
        "slot": _iso(row["slot_us"]),
        "accepted": iso(row["accepted_us"]),
        "started": _iso(row["started_us"]),
        "ended": _iso(row["ended_us"]),
        "outcome": row["outcome"],
        "reason": row["reason"],
        "message": row["message"],
    })


def ended_facts(job: int, command: str, ending: Ending) -> JobFacts:
    """The facts of a job that has just ended, for those who wait for it."""
    return _job_facts(ending.facts, {
        "job": job, "command": command, "outcome": ending.outcome.value, "reason": ending.reason,
        "message": ending.message,
    })


def _job_facts(rest: Mapping[str, Json], own: Mapping[str, Json]) -> JobFacts:
    """A job's ``own`` facts, and those that depend on its command and never replace one of these.
    """
    return from_json(JobFacts, {**rest, **own})


def spans_of_row(row: sqlite3.Row) -> list[tuple[int, int]]:
    """The :func:`spans_of` a job by its row; none if it has not ended."""
    ended = (row["ended_us"], row["ended_monotonic"])
    if None in ended:
        return []
    return spans_of(Moment(row["accepted_us"], row["accepted_monotonic"]), Moment(*ended))


def spans_of(accepted: Moment, ended: Moment) -> list[tuple[int, int]]:
    """The times (microseconds since 1970) in which a job's readings can be: while it was open.

    Readings have no index by their job, so they are looked for by its time. If the clock was set
    meanwhile, some are of the clock before that, and some of the one after.
    """
    took_us = int((ended.monotonic - accepted.monotonic) * 1e6)
    if abs(ended.utc_us - accepted.utc_us - took_us) <= _SLACK_US:
        return [(ended.utc_us - took_us - _SLACK_US, ended.utc_us + _SLACK_US)]
    took_us = max(took_us, _LONGEST_US)  # it may have ended in another boot
    first, second = sorted([
        (accepted.utc_us - _SLACK_US, accepted.utc_us + took_us + _SLACK_US),
        (ended.utc_us - took_us - _SLACK_US, ended.utc_us + _SLACK_US),
    ])
    return [first, (max(first[1] + 1, second[0]), second[1])]


def _values_of(
    db: sqlite3.Connection, job: int, spans: Iterable[tuple[int, int]]
) -> dict[str, float]:
    """The values that a job measured within these times, by sensor and quantity."""
    return {
        f"{sensor} {quantity}": value
        for span in spans for sensor, quantity, value in db.execute(_VALUES, (*span, job))
    }


def _iso(us: int | None) -> str | None:
    return None if us is None else iso(us)
