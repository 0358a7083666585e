"""Records: a job that has ended, with all that belongs to it, for those who hold it elsewhere.

:mod:`beemon.ledger.changes` gives the numbers of the jobs; this module gives the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace

from beemon.base.clock import Quality, Stamp
from beemon.base.moments import US_PER_SECOND, from_iso
from beemon.base.readings import Reading
from beemon.base.recording import Recording
from beemon.base.values import value_class
from beemon.ledger import recordings, rows
from beemon.ledger.ledger import LedgerReader, job_facts, spans_of_row
from beemon.protocol.replies import JobFacts

_JOB = "SELECT * FROM sound_jobs WHERE job = ? AND outcome IS NOT NULL"
_READINGS = (
    "SELECT readings.*, sensor, quantity, unit FROM main.readings JOIN sound_series USING (series)"
    " WHERE utc_us BETWEEN ? AND ? AND job = ? AND {is_sound} ORDER BY utc_us, series"
)
_LATEST = "SELECT * FROM sound_latest JOIN sound_series USING (series) ORDER BY sensor, quantity"
_NOT_UPLOADED = (
    "SELECT * FROM recordings WHERE recording > ? AND uploaded_us IS NULL AND deleting_us IS NULL"
    " ORDER BY recording LIMIT ?"
)
_UPLOADED = (
    "SELECT * FROM recordings WHERE recording > ? AND uploaded_us IS NOT NULL"
    " AND deleting_us IS NULL ORDER BY recording LIMIT ?"
)
_WAITING = (
    "SELECT count(*), ifnull(sum(size), 0) FROM recordings"
    " WHERE device > '' AND uploaded_us IS NULL AND deleting_us IS NULL"
)
"""By the index of kept recordings, which has no deleted ones."""


@value_class
class JobRecord:
    """A job that has ended, its readings in order of time, and its recording unless deleted."""

    job: JobFacts
    readings: tuple[Reading, ...] = ()
    recording: Recording | None = None


def find(ledger: LedgerReader, number: int) -> JobRecord | None:
    """The record of a job; None if it does not exist, has not ended, or is damaged."""
    row = ledger.db.execute(_JOB, (number,)).fetchone()
    return next(rows.readable([row] if row else [], lambda row: _record(ledger.db, row)), None)


def _record(db: sqlite3.Connection, row: sqlite3.Row) -> JobRecord:
    facts = job_facts(row)
    spans = _spans_of_import(facts) if facts.first else spans_of_row(row)
    readings = tuple(_readings(db, facts.job, spans))
    if facts.readings is None and row["command"].startswith("read"):
        values = {f"{one.sensor} {one.quantity}": one.value for one in readings
                  if one.value is not None}
        facts = replace(facts, readings=values or None)
    return JobRecord(facts, readings, _recording(db, facts))


def latest(db: sqlite3.Connection) -> list[Reading]:
    """The latest reading of each quantity, with its exact time; its monotonic time is unknown."""
    found = db.execute(_LATEST)
    return list(rows.readable(found, lambda row: _reading(row, 0.0)))


def not_uploaded(db: sqlite3.Connection, after: int, most: int) -> list[Recording]:
    """The first recordings above a number that are kept and are not uploaded."""
    found = db.execute(_NOT_UPLOADED, (after, most))
    return list(rows.readable(found, recordings.of_row))


def uploaded(db: sqlite3.Connection, after: int, most: int) -> list[Recording]:
    """The first recordings above a number that are kept and are uploaded."""
    return list(rows.readable(db.execute(_UPLOADED, (after, most)), recordings.of_row))


def waiting_for_upload(db: sqlite3.Connection) -> tuple[int, int]:
    """The number of recordings that are kept and are not uploaded, and their bytes."""
    count, size = db.execute(_WAITING).fetchone()
    return int(count), int(size)


def _readings(
    db: sqlite3.Connection, job: int, spans: Iterable[tuple[int, int]]
) -> Iterator[Reading]:
    query = _READINGS.format(is_sound=rows.condition_of_sound(db, "readings"))
    for span in spans:
        found = db.execute(query, (*span, job)).fetchall()
        yield from rows.readable(found, lambda row: _reading(row, row["monotonic_ms"] / 1000))


def _spans_of_import(facts: JobFacts) -> list[tuple[int, int]]:
    """The times of its readings, which are others than those of the job."""
    first, last = facts.first or "", facts.last or facts.first or ""
    return [(from_iso(first), from_iso(last) + US_PER_SECOND)]


def _reading(row: sqlite3.Row, monotonic: float) -> Reading:
    at = Stamp(row["utc_us"], monotonic, Quality(row["clock"]))
    return Reading(
        sensor=row["sensor"], quantity=row["quantity"], unit=row["unit"], value=row["value"],
        reason=row["reason"], at=at, quality=row["quality"] or "good", raw=row["raw"],
        uncertainty=row["uncertainty"],
    )


def _recording(db: sqlite3.Connection, facts: JobFacts) -> Recording | None:
    row = recordings.find(db, facts.recording) if facts.recording else None
    if row is None or row["deleting_us"] is not None:
        return None
    return next(rows.readable([row], recordings.of_row), None)
