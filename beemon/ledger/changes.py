"""Changes: the sequence that a reader follows to hold the same jobs and events elsewhere.

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
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from beemon.base.values import value_class
from beemon.ledger.events import Readable
from beemon.ledger.ledger import Ledger

MOST = 1000
"""Maximum number of changes that :func:`follow` returns at a time."""

_BELOW_ALL = -(2**63)
_PAGE = "SELECT change, job, event FROM sound_changes WHERE change > ? ORDER BY change LIMIT ?"
_JOBS = (
    "SELECT job FROM sound_jobs WHERE job > ? AND outcome IS NOT NULL ORDER BY job LIMIT ?"
)
_EVENTS = "SELECT event FROM sound_events WHERE event > ? ORDER BY event LIMIT ?"


@value_class
class Cursor:
    """The position of a reader; all fields are numbers or None, to be kept as JSON.

    ``ledger`` distinguishes the ledgers of one archive. The reader knows all changes up to
    ``change``, once it has been led through the whole ledger. Until then, ``job`` and ``event`` are
    the positions in it; afterwards they are None.
    """

    ledger: int
    change: int
    job: int | None = None
    event: int | None = None


@value_class
class Change:
    """A ``job`` or an ``event`` that is new or differs; of two for the same one, the later
    ``change`` wins."""

    change: int
    job: int | None
    event: int | None


class Page(NamedTuple):
    """Some changes, and the ``cursor`` for the next call; ``is_first``: the reader is led through
    the whole ledger from here on, and what it held so far may be gone."""

    changes: list[Change]
    cursor: Cursor
    is_first: bool = False


def follow(reader: Readable, cursor: Cursor | None, most: int = MOST) -> Page:
    """The changes after a cursor, at most ``most``.

    Look each job and event up after this call. The ledger may be ahead of the change, and a later
    change then repeats it. The reader is up to date when the cursor stays the same. Raises
    ``sqlite3.OperationalError``.
    """
    ledger = _number_of_ledger(reader.db)
    if cursor is None or cursor.ledger != ledger:
        return _begin(reader.db, ledger, most)
    if cursor.job is not None:
        return _lead_through_jobs(reader.db, cursor, most)
    if cursor.event is not None:
        return _lead_through_events(reader.db, cursor, most)
    found = _next_changes(reader.db, cursor.change, most)
    if found is None:
        return _begin(reader.db, ledger, most)
    last = found[-1].change if found else cursor.change
    return Page(_last_of_each(found), replace(cursor, change=last))


def find_end(reader: Readable) -> Cursor:
    """The cursor of a reader that knows all changes up to now."""
    return Cursor(_number_of_ledger(reader.db), _latest(reader.db))


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


def _next_changes(db: sqlite3.Connection, behind: int, most: int) -> list[Change] | None:
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


def _begin(db: sqlite3.Connection, ledger: int, most: int) -> Page:
    """The first page for a reader that knows nothing of this ledger."""
    cursor = Cursor(ledger, _latest(db), _BELOW_ALL, _BELOW_ALL)
    return _lead_through_jobs(db, cursor, most)._replace(is_first=True)


def _lead_through_jobs(db: sqlite3.Connection, cursor: Cursor, most: int) -> Page:
    jobs = [int(job) for (job,) in db.execute(_JOBS, (cursor.job, most))]
    ahead = replace(cursor, job=jobs[-1] if jobs else None)
    return Page([Change(cursor.change, job, None) for job in jobs], ahead)


def _lead_through_events(db: sqlite3.Connection, cursor: Cursor, most: int) -> Page:
    events = [int(event) for (event,) in db.execute(_EVENTS, (cursor.event, most))]
    ahead = replace(cursor, event=events[-1] if events else None)
    return Page([Change(cursor.change, None, event) for event in events], ahead)


def _latest(db: sqlite3.Connection) -> int:
    (latest,) = db.execute("SELECT ifnull(max(change), 0) FROM sound_changes").fetchone()
    return int(latest)


def _number_of_ledger(db: sqlite3.Connection) -> int:
    """When the ledger was made, for it alone; 0 if this is unknown."""
    row = db.execute("SELECT made_us FROM sound_archive").fetchone()
    return int(row[0]) if row else 0
