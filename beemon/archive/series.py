"""Series: the readings that the ledger keeps, each quantity of each sensor by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from beemon import clock
from beemon.archive.ledger import Ledger
from beemon.readings import UNKNOWN_QUANTITY, Reading


def keep(ledger: Ledger, job: int, readings: Iterable[Reading]) -> None:
    """Enter readings, within a transaction, and make each the latest of its quantity.

    What stood for a sensor before it named its quantities is out of date when it does.
    """
    rows = [_row(ledger.db, job, reading) for reading in readings]
    ledger.db.executemany(
        "INSERT OR REPLACE INTO readings VALUES (:utc_us, :series, :value, :reason, :quality,"
        " :raw, :calibration, :monotonic_ms, :clock, :job)",
        rows,
    )
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
        "utc_us": reading.at.utc_us, "monotonic_ms": round(reading.at.monotonic * 1000),
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
