"""Changes: what a reader of the ledger follows, to hold the same jobs and events elsewhere.

The unit is a job that has ended, with its recordings and its readings, or an event. Triggers
(:mod:`beemon.ledger.schema`) enter a row in ``changes`` within the transaction that ends a job,
enters an event, or later changes either. Two things are no change: a reading that
:mod:`beemon.retention.thinning` deletes, and whatever belongs to a job that has not ended yet.

A reader begins without a cursor and is led through the whole ledger first. It is led through the
whole ledger again if its cursor is of another ledger, or if the changes behind it were thinned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from beemon.ledger.events import Readable
from beemon.ledger.ledger import Ledger

MOST = 1000
"""How many changes :func:`follow` returns at a time."""

_BELOW_ALL = -(2**63)
_PAGE = "SELECT change, job, event FROM sound_changes WHERE change > ? ORDER BY change LIMIT ?"
_JOBS = (
    "SELECT job FROM sound_jobs WHERE job > ? AND outcome IS NOT NULL ORDER BY job LIMIT ?"
)
_EVENTS = "SELECT event FROM sound_events WHERE event > ? ORDER BY event LIMIT ?"


@dataclass(frozen=True)
class Cursor:
    """How far a reader has come; all fields are numbers or None, to be kept as JSON.

    ``ledger`` tells one ledger of an archive from the next. All up to ``change`` is known, once
    the reader was led through the whole ledger: ``job`` and ``event`` say from where that goes on,
    and are None when it is over.
    """

    ledger: int
    change: int
    job: int | None = None
    event: int | None = None


@dataclass(frozen=True)
class Change:
    """A ``job`` or an ``event`` that is new or differs; of two for the same one, the later
    ``change`` wins."""

    change: int
    job: int | None
    event: int | None


def follow(
    reader: Readable, cursor: Cursor | None, most: int = MOST
) -> tuple[list[Change], Cursor]:
    """The changes behind a cursor, at most ``most``, and the cursor for the next call.

    Look each job and event up after this call: the ledger may be ahead of the change, and a later
    change then tells of it again. The reader is up to date when the cursor stays the same.
    Raises ``sqlite3.OperationalError``.
    """
    ledger = _number_of_ledger(reader.db)
    if cursor is None or cursor.ledger != ledger:
        cursor = _beginning(reader.db, ledger)
    if cursor.job is not None:
        return _lead_through_jobs(reader.db, cursor, cursor.job, most)
    if cursor.event is not None:
        return _lead_through_events(reader.db, cursor, cursor.event, most)
    found = _page(reader.db, cursor.change, most)
    if found is None:
        return follow(reader, _beginning(reader.db, ledger), most)
    last = found[-1].change if found else cursor.change
    return _last_of_each(found), replace(cursor, change=last)


def thin(ledger: Ledger, acknowledged: Cursor) -> int:
    """Delete the changes up to a cursor; return how many there were.

    The latest stays, so that no number is given twice. A cursor of another ledger deletes none.
    Stands within ``ledger.transaction()``.
    """
    if acknowledged.ledger != _number_of_ledger(ledger.db):
        return 0
    return ledger.db.execute(
        "DELETE FROM changes WHERE change <= ? AND change < (SELECT max(change) FROM changes)",
        (acknowledged.change,),
    ).rowcount


def _page(db: sqlite3.Connection, behind: int, most: int) -> list[Change] | None:
    """The next changes without a gap; None if some are missing: thinned, or damaged."""
    latest = _latest(db)  # asked first: another change may come before the next query
    rows = [Change(*row) for row in db.execute(_PAGE, (behind, most))]
    pairs = takewhile(lambda pair: pair[0] == pair[1].change, enumerate(rows, behind + 1))
    found = [row for _, row in pairs]
    return found if found or (not rows and latest == behind) else None


def _last_of_each(found: Iterable[Change]) -> list[Change]:
    """The last change of each job and event, in order."""
    last = {(one.job, one.event): one for one in found}
    return sorted(last.values(), key=lambda one: one.change)


def _beginning(db: sqlite3.Connection, ledger: int) -> Cursor:
    """The cursor of a reader that knows nothing."""
    return Cursor(ledger, _latest(db), _BELOW_ALL, _BELOW_ALL)


def _lead_through_jobs(
    db: sqlite3.Connection, cursor: Cursor, behind: int, most: int
) -> tuple[list[Change], Cursor]:
    jobs = [int(job) for (job,) in db.execute(_JOBS, (behind, most))]
    ahead = replace(cursor, job=jobs[-1] if jobs else None)
    return [Change(cursor.change, job, None) for job in jobs], ahead


def _lead_through_events(
    db: sqlite3.Connection, cursor: Cursor, behind: int, most: int
) -> tuple[list[Change], Cursor]:
    events = [int(event) for (event,) in db.execute(_EVENTS, (behind, most))]
    ahead = replace(cursor, event=events[-1] if events else None)
    return [Change(cursor.change, None, event) for event in events], ahead


def _latest(db: sqlite3.Connection) -> int:
    (latest,) = db.execute("SELECT ifnull(max(change), 0) FROM sound_changes").fetchone()
    return int(latest)


def _number_of_ledger(db: sqlite3.Connection) -> int:
    """When the ledger was made, for it alone; 0 if that cannot be told."""
    row = db.execute("SELECT made_us FROM sound_archive").fetchone()
    return int(row[0]) if row else 0
