"""Hours: mean, minimum and maximum of a series for each full hour, for views of months.

An hour is calculated when it is over. It is calculated again if readings are added or moved later,
for example because the clock was set. The transaction that writes the readings also marks the hours
that changed, so a power cut cannot hide one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from operator import itemgetter

from beemon.base.moments import LATEST_US, US_PER_HOUR
from beemon.ledger.ledger import Ledger

AT_A_TIME = 24
"""Number of hours calculated in one transaction, so that others can write in between."""

_SUMS = """
count(value) FILTER (WHERE quality IS NOT 'inspection') AS count,
count(reason) AS missing,
avg(value) FILTER (WHERE quality IS NOT 'inspection') AS mean,
min(value) FILTER (WHERE quality IS NOT 'inspection') AS minimum,
max(value) FILTER (WHERE quality IS NOT 'inspection') AS maximum
"""
_CLEAR = """
DELETE FROM hours
WHERE series IN (SELECT series FROM series) AND hour = :hour AND thinned = 0
"""
_RECKON = """
INSERT OR IGNORE INTO hours (series, hour, count, missing, mean, minimum, maximum)
SELECT series, :hour, {SUMS} FROM sound_readings AS readings
WHERE utc_us >= :hour * 3600000000 AND utc_us < (:hour + 1) * 3600000000 GROUP BY series
""".replace("{SUMS}", _SUMS)
_RECKONED = """
SELECT hour, count, missing, mean, minimum, maximum, thinned FROM sound_hours
WHERE series = :series AND hour >= :hour AND hour < :until ORDER BY hour DESC LIMIT :most
"""
_CHANGED = """
SELECT hour, {SUMS} FROM unreckoned JOIN sound_readings AS readings
    ON utc_us >= hour * 3600000000 AND utc_us < (hour + 1) * 3600000000
WHERE hour >= :hour AND hour < :until AND readings.series = :series AND hour NOT IN (
    SELECT hour FROM hours WHERE hours.series = :series AND hours.hour >= :hour AND thinned)
GROUP BY hour
""".replace("{SUMS}", _SUMS)


def note_changes(db: sqlite3.Connection, times_us: Iterable[int]) -> None:
    """Note that readings of these times came or went, so that their hours are calculated again."""
    hours = {utc_us // US_PER_HOUR for utc_us in times_us}
    db.executemany("INSERT OR IGNORE INTO unreckoned VALUES (?)", [(hour,) for hour in hours])


def reckon(ledger: Ledger, now_us: int) -> bool:
    """Calculate some of the hours that changed and are over, within a transaction.

    Return whether more are waiting. Readings during an inspection count neither as values nor as
    missing. An hour whose readings were deleted in the meantime keeps its values.
    """
    rows = ledger.db.execute(
        "SELECT hour FROM unreckoned WHERE hour <> ? ORDER BY hour LIMIT ?",
        (now_us // US_PER_HOUR, AT_A_TIME),
    ).fetchall()
    for row in rows:
        for query in (_CLEAR, _RECKON, "DELETE FROM unreckoned WHERE hour = :hour"):
            ledger.db.execute(query, {"hour": row["hour"]})
    return len(rows) == AT_A_TIME


def since(
    db: sqlite3.Connection, number: int, from_us: int, most: int, until_us: int = LATEST_US
) -> list[sqlite3.Row]:
    """The hours of a series from a time on, the newest ``most`` of them, in order of time.

    Those that begin before ``until_us``.

    Hours that are not calculated yet, this one among them, are summed up for the answer.
    """
    until = -(-until_us // US_PER_HOUR)
    values = {"series": number, "hour": from_us // US_PER_HOUR, "until": until, "most": most}
    unreckoned = {
        hour for (hour,) in db.execute("SELECT hour FROM unreckoned WHERE hour >= :hour", values)
    }
    reckoned = [
        row for row in reversed(db.execute(_RECKONED, values).fetchall())
        if row["thinned"] or row["hour"] not in unreckoned
    ]
    changed = db.execute(_CHANGED, values).fetchall()
    return sorted(reckoned + changed, key=itemgetter("hour"))[-most:]
