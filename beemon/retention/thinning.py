"""Thinning: delete individual readings of old hours, as the last way to gain space.

The hourly sums are kept (:mod:`beemon.ledger.hours`). The ledger's file does not become smaller,
but new entries use the space in it. An hour is old if many jobs came after it, so a wrong clock
does not matter.
"""

from __future__ import annotations

import sqlite3

from beemon.base.moments import US_PER_HOUR
from beemon.ledger.ledger import Ledger

JOBS_KEPT = 20_000
"""Readings of the latest jobs stay; two jobs a minute make these a week."""
FREE_BYTES = 1 << 20
"""Space in bytes to keep free in the ledger for new entries."""
_MOST_HOURS = 48  # that are looked at for one that can go

_FIRST_FROM = "SELECT utc_us FROM readings WHERE utc_us >= ? ORDER BY utc_us LIMIT 1"
_STAYS = (
    "SELECT 1 FROM readings LEFT JOIN hours"
    " ON hours.series = readings.series AND hours.hour = ?1"
    " WHERE utc_us >= ?1 * 3600000000 AND utc_us < (?1 + 1) * 3600000000"
    " AND (job > ?2 OR hours.hour IS NULL) LIMIT 1"
)
_OF_HOUR = "FROM readings WHERE utc_us >= ?1 * 3600000000 AND utc_us < (?1 + 1) * 3600000000"
_NOTE = (
    "UPDATE hours SET thinned = 1 WHERE hour = ?1"  # noqa: S608
    f" AND series IN (SELECT series {_OF_HOUR})"
)
_DELETE = f"DELETE {_OF_HOUR}"


def is_wanted(db: sqlite3.Connection) -> bool:
    """Whether the ledger has too little room inside."""
    (pages,) = db.execute("PRAGMA freelist_count").fetchone()
    (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    return int(pages * page_bytes) < FREE_BYTES


def thin(ledger: Ledger, jobs_kept: int = JOBS_KEPT) -> int:
    """Delete the readings of the oldest hour that can be spared; return how many there were."""
    hour = _oldest_spare_hour(ledger.db, jobs_kept)
    if hour is None:
        return 0
    ledger.db.execute(_NOTE, (hour,))
    return ledger.db.execute(_DELETE, (hour,)).rowcount


def _oldest_spare_hour(db: sqlite3.Connection, jobs_kept: int) -> int | None:
    (latest,) = db.execute("SELECT coalesce(max(job), 0) FROM jobs").fetchone()
    after = -(2**63)
    for _ in range(_MOST_HOURS):
        row = db.execute(_FIRST_FROM, (after,)).fetchone()
        if row is None:
            return None
        hour = int(row[0] // US_PER_HOUR)
        unreckoned = db.execute("SELECT 1 FROM unreckoned WHERE hour = ?", (hour,)).fetchone()
        if not unreckoned and not db.execute(_STAYS, (hour, latest - jobs_kept)).fetchone():
            return hour
        after = (hour + 1) * US_PER_HOUR
    return None
