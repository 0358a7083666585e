"""Redating: records with an unsure clock get their true time once the clock is right.

A Pi without a battery-backed clock starts with a wrong date. Its monotonic clock is right within
one boot. Once the time is known, the difference of the two clocks gives the true time
of every earlier record of the same boot. Records of earlier boots cannot be corrected and stay
unsure. Files keep their names: a path is an identifier, not a date. No slot is entered while the
clock is unsure, so slots need no correction.
"""

from __future__ import annotations

import sqlite3

from beemon.base.clock import Stamp
from beemon.ledger import hours
from beemon.ledger.ledger import Ledger

ROWS_AT_A_TIME = 2000
"""Number of rows of a table in one transaction, so that others can write in between."""

_ANY = """
SELECT EXISTS (SELECT 1 FROM sound_runs WHERE clock = 'unsure')
    OR EXISTS (SELECT 1 FROM sound_jobs WHERE clock = 'unsure')
    OR EXISTS (SELECT 1 FROM sound_recordings WHERE clock = 'unsure')
    OR EXISTS (SELECT 1 FROM sound_readings WHERE clock = 'unsure')
    OR EXISTS (SELECT 1 FROM sound_events WHERE clock = 'unsure')
"""
_JOBS = """
UPDATE jobs SET
    accepted_us = round(accepted_monotonic * 1e6) + :offset,
    started_us = CASE WHEN started_us IS NOT NULL
        THEN ifnull(round(started_monotonic * 1e6) + :offset, started_us) END,
    ended_us = ifnull(round(ended_monotonic * 1e6) + :offset, ended_us),
    facts = CASE WHEN json_extract(facts, '$.clock') IS NOT 'unsure'
            OR json_extract(facts, '$.start_monotonic') IS NULL THEN facts ELSE
        json_set(facts, '$.clock', 'redated',
                 '$.redated_from_us', json_extract(facts, '$.start_utc_us'),
                 '$.start_utc_us',
                 CAST(round(json_extract(facts, '$.start_monotonic') * 1e6) + :offset AS INTEGER))
        END,
    clock = 'redated'
WHERE job IN (SELECT job FROM sound_jobs
              WHERE clock = 'unsure' AND job > :before AND outcome IS NOT NULL LIMIT :rows)
"""
_RECORDINGS = """
UPDATE recordings SET
    facts = json_set(facts, '$.redated_from_us', start_us, '$.start_utc_us',
                     CAST(round(start_monotonic * 1e6) + :offset AS INTEGER)),
    start_us = round(start_monotonic * 1e6) + :offset,
    clock = 'redated'
WHERE recording IN (
    SELECT recording FROM sound_recordings
    WHERE clock = 'unsure' AND job > :before AND start_monotonic IS NOT NULL LIMIT :rows)
"""
_EVENTS = """
UPDATE events SET
    facts = json_set(ifnull(facts, '{}'), '$.redated_from_us', utc_us),
    utc_us = round(monotonic * 1e6) + :offset,
    clock = 'redated'
WHERE event IN (
    SELECT event FROM sound_events WHERE clock = 'unsure' AND run >= :first_run LIMIT :rows)
"""
_RUNS = """
UPDATE runs SET
    started_us = round(started_monotonic * 1e6) + :offset, sure_us = ifnull(sure_us, :sure_us),
    clock = 'redated'
WHERE clock = 'unsure' AND run >= :first_run
"""


class Redating:
    """Dates the records of this boot again, some at a time."""

    def __init__(self) -> None:
        self._first_run = self._before = 0

    def step(self, ledger: Ledger, right: Stamp) -> bool:
        """Date some records again, within a transaction; whether there are more of them.

        ``right`` is a moment of the clock since it is right. May be repeated at any time, also by
        the next run of the service; a job that has not ended yet waits for a later step.
        """
        if not ledger.db.execute(_ANY).fetchone()[0]:
            return False
        if not self._first_run:
            self._find_beginning(ledger)
        values = {
            "offset": right.offset_us, "before": self._before, "rows": ROWS_AT_A_TIME,
            "first_run": self._first_run, "sure_us": right.utc_us,
        }
        counts = [
            ledger.db.execute(table, values).rowcount
            for table in (_JOBS, _RECORDINGS, _EVENTS)
        ]
        counts.append(_redate_readings(ledger.db, right.offset_us, self._before))
        more = max(counts) >= ROWS_AT_A_TIME
        if not more:
            ledger.db.execute(_RUNS, values)
        return more

    def _find_beginning(self, ledger: Ledger) -> None:
        """Find the first run of this boot, and the last job before it."""
        (self._first_run,) = ledger.db.execute(
            "SELECT ifnull(min(run), :run) FROM sound_runs WHERE boot_id = :boot",
            {"run": ledger.run, "boot": ledger.clock.boot_id()},
        ).fetchone()
        row = ledger.db.execute(
            "SELECT job FROM sound_jobs WHERE run < ? ORDER BY job DESC LIMIT 1", (self._first_run,)
        ).fetchone()
        self._before = row["job"] if row else 0


def _redate_readings(db: sqlite3.Connection, offset_us: int, before: int) -> int:
    rows = db.execute(
        "SELECT utc_us, series, monotonic_ms FROM sound_readings WHERE clock = 'unsure' AND job > ?"
        " ORDER BY job, monotonic_ms, utc_us LIMIT ?",
        (before, ROWS_AT_A_TIME),
    ).fetchall()
    moved = [(row, _move(db, row, row["monotonic_ms"] * 1000 + offset_us)) for row in rows]
    db.executemany(
        "UPDATE latest SET utc_us = ?, clock = 'redated' WHERE utc_us = ? AND series = ?",
        [(utc_us, row["utc_us"], row["series"]) for row, utc_us in moved],
    )
    hours.note_changes(db, [row["utc_us"] for row in rows] + [utc_us for _, utc_us in moved])
    return len(rows)


def _move(db: sqlite3.Connection, row: sqlite3.Row, utc_us: int) -> int:
    """Give a reading its true time, or the next free microsecond; return that."""
    while not db.execute(
        "UPDATE OR IGNORE readings SET utc_us = ?, clock = 'redated'"
        " WHERE utc_us = ? AND series = ?",
        (utc_us, row["utc_us"], row["series"]),
    ).rowcount:
        utc_us += 1
    return utc_us
