"""Series: the readings that the ledger keeps, each quantity of each sensor by itself.

What was measured stays as it was measured. Beside it stands each whole hour as mean, minimum and
maximum, for what looks at months: it is reckoned when the hour is over, and again when readings
came to it or left it later, as a clock that was set makes them do.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from typing import Any

from beemon import clock
from beemon.archive.ledger import Ledger
from beemon.readings import UNKNOWN_QUANTITY, Reading

US_PER_HOUR = 3_600_000_000
HOURS_AT_A_TIME = 24
"""How many hours are reckoned in one transaction, so that others may write in between."""

_ENTER = (
    "INSERT INTO readings VALUES (:utc_us, :series, :value, :reason, :quality, :raw, :calibration,"
    " :monotonic_ms, :clock, :job) ON CONFLICT (utc_us, series) DO NOTHING"
)
_RECKONED = """
SELECT series, utc_us / 3600000000 AS hour,
       count(value) FILTER (WHERE quality IS NOT 'inspection') AS count,
       count(reason) AS missing,
       avg(value) FILTER (WHERE quality IS NOT 'inspection') AS mean,
       min(value) FILTER (WHERE quality IS NOT 'inspection') AS minimum,
       max(value) FILTER (WHERE quality IS NOT 'inspection') AS maximum,
       0 AS thinned
FROM readings WHERE utc_us >= :from_us AND utc_us < :until_us GROUP BY series, hour
"""


def keep(ledger: Ledger, job: int, readings: Iterable[Reading]) -> None:
    """Enter readings, within a transaction, and make each the latest of its quantity.

    Two of a series never share a microsecond: a clock that was set back moves the later one on.
    What stood for a sensor before it named its quantities is out of date when it does.
    """
    rows = [_row(ledger.db, job, reading) for reading in readings]
    for row in rows:
        while not ledger.db.execute(_ENTER, row).rowcount:
            row["utc_us"] += 1
    note_changes(ledger.db, [row["utc_us"] for row in rows])
    ledger.db.executemany(
        "INSERT OR REPLACE INTO latest VALUES"
        " (:series, :utc_us, :value, :reason, :quality, :clock)",
        rows,
    )
    named = {row["sensor"] for row in rows if row["quantity"] != UNKNOWN_QUANTITY}
    ledger.db.executemany(
        "DELETE FROM latest WHERE series IN"
        " (SELECT series FROM series WHERE sensor = ? AND quantity = ?)",
        [(sensor, UNKNOWN_QUANTITY) for sensor in named],
    )


def note_changes(db: sqlite3.Connection, times_us: Iterable[int]) -> None:
    """Note that readings of these times came or went, so that their hours are reckoned again."""
    hours = {utc_us // US_PER_HOUR for utc_us in times_us}
    db.executemany("INSERT OR IGNORE INTO unreckoned VALUES (?)", [(hour,) for hour in hours])


def reckon(ledger: Ledger, now_us: int) -> bool:
    """Reckon hours that changed and are over, some at a time, within a transaction.

    Whether more are waiting. What was measured during an inspection counts neither as a value nor
    as missing. An hour whose readings were deleted in the meantime stays as it was reckoned.
    """
    rows = ledger.db.execute(
        "SELECT hour FROM unreckoned WHERE hour <> ? ORDER BY hour LIMIT ?",
        (now_us // US_PER_HOUR, HOURS_AT_A_TIME),
    ).fetchall()
    for row in rows:
        _reckon(ledger.db, row["hour"])
    return len(rows) == HOURS_AT_A_TIME


def _reckon(db: sqlite3.Connection, hour: int) -> None:
    span = {"hour": hour, "from_us": hour * US_PER_HOUR, "until_us": (hour + 1) * US_PER_HOUR}
    db.execute(
        "DELETE FROM hours WHERE hour = :hour AND series IN (SELECT series FROM series)"
        " AND thinned = 0",
        span,
    )
    db.execute(f"INSERT OR IGNORE INTO hours {_RECKONED}", span)
    db.execute("DELETE FROM unreckoned WHERE hour = :hour", span)


def forget(ledger: Ledger, before_us: int, rows: int) -> int:
    """Delete the oldest readings before a time, whose hours stay; return how many there were.

    At most ``rows`` of them, within a transaction, and none of an hour that is not reckoned.
    """
    waiting = ledger.db.execute("SELECT min(hour) FROM unreckoned").fetchone()[0]
    until_us = before_us if waiting is None else min(before_us, waiting * US_PER_HOUR)
    found = ledger.db.execute(
        "SELECT utc_us, series FROM readings WHERE utc_us < ? ORDER BY utc_us LIMIT ?",
        (until_us // US_PER_HOUR * US_PER_HOUR, rows),
    ).fetchall()
    ledger.db.executemany(
        "DELETE FROM readings WHERE utc_us = ? AND series = ?", [tuple(row) for row in found]
    )
    hours = {(row["series"], row["utc_us"] // US_PER_HOUR) for row in found}
    ledger.db.executemany(
        "UPDATE hours SET thinned = 1 WHERE series = ? AND hour = ?", sorted(hours)
    )
    return len(found)


def latest(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """The latest reading of each quantity of each sensor, as clients see it."""
    rows = db.execute("SELECT * FROM latest JOIN series USING (series) ORDER BY sensor, quantity")
    return [
        {
            "sensor": row["sensor"], "quantity": row["quantity"],
            "utc": clock.iso(row["utc_us"]), "unit": row["unit"],
            **({"value": row["value"], "quality": row["quality"] or "good"}
               if row["reason"] is None else {"reason": row["reason"]}),
        }
        for row in rows
    ]


def _row(db: sqlite3.Connection, job: int, reading: Reading) -> dict[str, Any]:
    return {
        "sensor": reading.sensor, "quantity": reading.quantity,
        "series": _number(db, reading.sensor, reading.quantity, reading.unit),
        "utc_us": reading.at.utc_us, "monotonic_ms": math.floor(reading.at.monotonic * 1000),
        "clock": reading.at.quality, "value": reading.value, "reason": reading.reason,
        "quality": None if reading.quality == "good" else reading.quality,
        "raw": reading.raw, "calibration": reading.calibration, "job": job,
    }


def _number(db: sqlite3.Connection, *key: str) -> int:
    """The number of a sensor's quantity in a unit; a new one where it is new."""
    find = "SELECT series FROM series WHERE sensor = ? AND quantity = ? AND unit = ?"
    row = db.execute(find, key).fetchone()
    if row is None:
        enter = "INSERT INTO series (sensor, quantity, unit) VALUES (?, ?, ?)"
        return int(db.execute(enter, key).lastrowid or 0)
    return int(row["series"])
