"""Calibrations in the ledger: from raw numbers to values, each with its date and its history.

Readings name the one that made them, and no row is ever changed. Those of the config are entered
when a reading first uses them. Those that were measured at the hive hold the ``job`` that made
them, and what was measured; the latest of each sensor and quantity is in force.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from beemon.base.clock import Quality, Stamp
from beemon.base.facts import from_json
from beemon.base.moments import iso
from beemon.base.readings import Calibration, Reading
from beemon.base.values import value_class
from beemon.ledger import rows
from beemon.ledger.ledger import Ledger
from beemon.protocol.replies import CalibrationFacts

_FIND = "SELECT calibration FROM sound_calibrations WHERE sensor = ? AND quantity = ? AND "
_JOB = "CASE WHEN json_valid(facts) THEN json_extract(facts, '$.job') END"
"""SQLite may look at this before it leaves out a row whose facts are no JSON."""
_IN_FORCE = """
SELECT * FROM sound_calibrations WHERE calibration IN (
    SELECT max(calibration) FROM sound_calibrations
    WHERE {JOB} IS NOT NULL
    GROUP BY sensor, quantity)
ORDER BY calibration
""".replace("{JOB}", _JOB)


@value_class
class Made:
    """A calibration that was measured: of which ``sensor``, for which ``quantity``, when.

    ``facts`` are plain JSON values: the fields of :class:`~beemon.base.readings.Calibration`, its
    ``job`` among them, and all that they came from.
    """

    sensor: str
    quantity: str
    made_us: int
    clock: Quality
    facts: Mapping[str, Any]


def enter(ledger: Ledger, made: Made) -> int:
    """Enter one that was measured, within a transaction; return its number."""
    at = Stamp(made.made_us, 0.0, made.clock)
    return _insert(ledger, made.sensor, made.quantity, json.dumps(made.facts), at)


def number(ledger: Ledger, reading: Reading) -> int | None:
    """The number of the reading's calibration; a new one where the config's is new."""
    used = reading.calibration
    if used is None:
        return None
    condition, key = "facts = ?", _facts(used)
    if used.job is not None:
        condition, key = f"{_JOB} = CAST(? AS INTEGER)", str(used.job)
    found = ledger.db.execute(_FIND + condition, (reading.sensor, reading.quantity, key)).fetchone()
    if found:
        return int(found["calibration"])
    return _insert(ledger, reading.sensor, reading.quantity, _facts(used), reading.at)


def find(db: sqlite3.Connection, number: int) -> Calibration | None:
    """The conversion by a calibration; None if it cannot be read."""
    row = db.execute(
        "SELECT facts FROM sound_calibrations WHERE calibration = ?", (number,)
    ).fetchone()
    try:
        facts = rows.parse(row["facts"]) if row else {}
        return Calibration(float(facts["zero"]), float(facts["factor"]))
    except rows.UNREADABLE:
        return None


def in_force(db: sqlite3.Connection) -> list[Made]:
    """The latest that was measured of each sensor's quantities."""
    return list(rows.readable(db.execute(_IN_FORCE), _made))


def made_since(db: sqlite3.Connection, sensor: str, from_us: int) -> list[int]:
    """When somebody calibrated a sensor, from a time on (microseconds since 1970)."""
    found = db.execute(
        "SELECT made_us FROM sound_calibrations WHERE sensor = ? AND made_us >= ? AND CASE WHEN"
        " json_valid(facts) THEN json_extract(facts, '$.points') END IS NOT NULL ORDER BY made_us",
        (sensor, from_us),
    )
    return [made_us for (made_us,) in found]


def take_over(ledger: Ledger, damaged: Path) -> int:
    """Enter the calibrations in use in a damaged ledger, as far as it can be read; return their
    number.

    Their jobs belong to the old ledger. They are kept as negative numbers, which no job here has.
    """
    try:
        with closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as db:
            rows.show_sound(db)
            db.row_factory = sqlite3.Row
            found = in_force(db)
    except sqlite3.DatabaseError:  # what is damaged may say anything
        return 0
    for made in found:
        enter(ledger, replace(made, facts={**made.facts, "job": -abs(made.facts["job"])}))
    return len(found)


def history(db: sqlite3.Connection, sensors: Collection[str] = ()) -> list[CalibrationFacts]:
    """All there ever were, of these sensors or of all, the oldest first, as clients see them."""
    found = db.execute("SELECT * FROM sound_calibrations ORDER BY calibration")
    return [
        told for told in rows.readable(found, describe) if not sensors or told.sensor in sensors
    ]


def describe(row: sqlite3.Row) -> CalibrationFacts:
    """A calibration's row as clients see it."""
    return from_json(CalibrationFacts, {
        **rows.parse(row["facts"]),
        "calibration": row["calibration"], "sensor": row["sensor"],
        "quantity": row["quantity"], "made": iso(row["made_us"]), "clock": row["clock"],
    })


def _made(row: sqlite3.Row) -> Made:
    facts = rows.parse(row["facts"])
    return Made(row["sensor"], row["quantity"], row["made_us"], Quality(row["clock"]), facts)


def _facts(used: Calibration) -> str:
    facts = asdict(used)
    if used.job is None:
        facts = {"zero": used.zero, "factor": used.factor}
    return json.dumps(facts)


def _insert(ledger: Ledger, sensor: str, quantity: str, facts: str, at: Stamp) -> int:
    cursor = ledger.db.execute(
        "INSERT INTO calibrations (sensor, quantity, facts, made_us, clock) VALUES (?, ?, ?, ?, ?)",
        (sensor, quantity, facts, at.utc_us, at.quality),
    )
    return int(cursor.lastrowid or 0)
