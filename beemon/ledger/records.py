"""Records: a job that has ended, with all that belongs to it, for those who hold it elsewhere.

:mod:`beemon.ledger.changes` gives the numbers of the jobs; this module gives the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.base.recording import Recording
from beemon.base.values import value_class
from beemon.ledger import recordings, rows
from beemon.ledger.ledger import LedgerReader
from beemon.protocol.replies import JobFacts

_SLACK_US = 2_000_000
"""For the rounding of times, and for a clock that is slewed."""
_LONGEST_US = 3_600_000_000
"""No job measures for longer than this."""
_SPAN = (
    "SELECT accepted_us, accepted_monotonic, ended_us, ended_monotonic FROM sound_jobs"
    " WHERE job = ?"
)
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
    """A job that has ended, its readings in order of time, and its recording unless deleted.

    An import has no readings here: they are of other times than the job.
    """

    job: JobFacts
    readings: tuple[Reading, ...] = ()
    recording: Recording | None = None


def find(ledger: LedgerReader, number: int) -> JobRecord | None:
    """The record of a job; None if it does not exist, has not ended, or is damaged."""
    facts = ledger.job(number)
    if facts is None or facts.damaged or not facts.outcome:
        return None
    return JobRecord(facts, tuple(_readings(ledger.db, number)), _recording(ledger.db, facts))


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


def _readings(db: sqlite3.Connection, job: int) -> Iterator[Reading]:
    """Readings have no index by their job, so they are looked for by its time."""
    row = db.execute(_SPAN, (job,)).fetchone()
    if row is None or None in tuple(row):
        return
    query = _READINGS.format(is_sound=rows.condition_of_sound(db, "readings"))
    for span in _spans(row):
        found = db.execute(query, (*span, job)).fetchall()
        yield from rows.readable(found, lambda row: _reading(row, row["monotonic_ms"] / 1000))


def _spans(row: sqlite3.Row) -> list[tuple[int, int]]:
    """The times in which a job's readings can be: from its begin to its end.

    If the clock was set meanwhile, some are of the clock before that, and some of the one after.
    """
    took_us = int((row["ended_monotonic"] - row["accepted_monotonic"]) * 1e6)
    begin_us, end_us = row["accepted_us"], row["ended_us"]
    if abs(end_us - begin_us - took_us) <= _SLACK_US:
        return [(end_us - took_us - _SLACK_US, end_us + _SLACK_US)]
    took_us = max(took_us, _LONGEST_US)  # it may have ended in another boot
    spans = [
        (begin_us - _SLACK_US, begin_us + took_us + _SLACK_US),
        (end_us - took_us - _SLACK_US, end_us + _SLACK_US),
    ]
    (first, second) = sorted(spans)
    return [first, (max(first[1] + 1, second[0]), second[1])]


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
