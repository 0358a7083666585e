"""Series: the readings in the ledger, separately for each quantity of each sensor.

A reading is never changed. Views of months use the hourly summaries of :mod:`beemon.ledger.hours`.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator

from beemon.base import moments
from beemon.base.readings import UNKNOWN_QUANTITY, Reading
from beemon.ledger import calibrations, hours, rows
from beemon.ledger.ledger import Ledger
from beemon.protocol.replies import ReadingFacts

_ENTER = (
    "INSERT INTO readings (utc_us, series, value, reason, quality, raw, calibration, monotonic_ms,"
    " clock, job, uncertainty) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (utc_us, series) DO NOTHING"
)
_MAKE_LATEST = (
    "INSERT INTO latest"
    " (series, utc_us, value, reason, quality, clock, raw, calibration, uncertainty)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (series) DO UPDATE SET"
    " utc_us = excluded.utc_us, value = excluded.value, reason = excluded.reason,"
    " quality = excluded.quality, clock = excluded.clock, raw = excluded.raw,"
    " calibration = excluded.calibration, uncertainty = excluded.uncertainty"
)

Key = tuple[str, str, str]
"""A sensor, a quantity and a unit."""
Single = tuple[int, float | None, str | None, str | None]
"""A reading's time, value, reason and quality."""


def keep(ledger: Ledger, job: int, readings: Iterable[Reading]) -> None:
    """Enter readings, within a transaction, and make each the latest of its quantity.

    Two readings of a series never share a microsecond: if the clock was set back, the later one is
    moved forward. An entry made before a sensor named its quantities becomes out of date.
    """
    numbers = _numbers(ledger.db)
    latest, times, named = [], [], set()
    for reading in readings:
        number = _number(ledger.db, numbers, (reading.sensor, reading.quantity, reading.unit))
        calibration = calibrations.number(ledger, reading)
        times.append(_enter(ledger, number, job, reading, calibration))
        latest.append((
            number, times[-1], reading.value, reading.reason, _quality(reading),
            reading.at.quality, reading.raw, calibration, reading.uncertainty,
        ))
        if reading.quantity != UNKNOWN_QUANTITY:
            named.add(reading.sensor)
    ledger.db.executemany(_MAKE_LATEST, latest)
    hours.note_changes(ledger.db, times)
    nameless = [numbers.get((sensor, UNKNOWN_QUANTITY, "")) for sensor in named]
    ledger.db.executemany(
        "DELETE FROM latest WHERE series = ?", [(number,) for number in nameless if number]
    )


def keep_belated(ledger: Ledger, job: int, readings: Iterable[Reading]) -> None:
    """:func:`keep` for readings measured before others that are already entered.

    The latest reading of a quantity remains the latest by time.
    """
    before = ledger.db.execute("SELECT * FROM sound_latest").fetchall()
    keep(ledger, job, readings)
    ledger.db.executemany(
        "UPDATE latest SET utc_us = :utc_us, value = :value, reason = :reason,"
        " quality = :quality, clock = :clock, raw = :raw, calibration = :calibration,"
        " uncertainty = :uncertainty"
        " WHERE series = :series AND utc_us < :utc_us",
        [dict(row) for row in before],
    )


def _enter(
    ledger: Ledger, number: int, job: int, reading: Reading, calibration: int | None
) -> int:
    """Enter a reading of a series at its time, or at the next free microsecond; return that."""
    utc_us = reading.at.utc_us
    rest = (
        number, reading.value, reading.reason, _quality(reading), reading.raw,
        calibration, math.floor(reading.at.monotonic * 1000),
        reading.at.quality, job, reading.uncertainty,
    )
    while not ledger.db.execute(_ENTER, (utc_us, *rest)).rowcount:
        utc_us += 1
    return utc_us


def _quality(reading: Reading) -> str | None:
    return None if reading.quality == "good" else reading.quality


def latest(db: sqlite3.Connection) -> list[ReadingFacts]:
    """The latest reading of each quantity of each sensor, as clients see it."""
    found = db.execute(
        "SELECT * FROM sound_latest JOIN sound_series USING (series) ORDER BY sensor, quantity"
    )
    return [
        ReadingFacts(
            sensor=row["sensor"], quantity=row["quantity"], utc=moments.iso(row["utc_us"]),
            unit=row["unit"], value=row["value"] if row["reason"] is None else None,
            quality=row["quality"] or "good" if row["reason"] is None else None,
            reason=row["reason"], raw=row["raw"], uncertainty=row["uncertainty"],
            calibration=row["calibration"], clock=row["clock"],
        )
        for row in found
    ]


def since(db: sqlite3.Connection, number: int, from_us: int, most: int) -> list[Single]:
    """The readings of a series from a time on, the first ``most`` of them, in order of time."""
    cursor = db.cursor()
    cursor.row_factory = None  # a day has 1440 rows, and named ones take longer
    return cursor.execute(
        "SELECT utc_us, value, reason, quality FROM main.readings"  # noqa: S608
        f" WHERE utc_us >= ? AND series = ? AND CASE WHEN {rows.IS_PLAIN_READING} THEN 1"
        f" ELSE {rows.condition_of_sound(db, 'readings')} END ORDER BY utc_us LIMIT ?",
        (from_us, number, most),
    ).fetchall()


def values(
    db: sqlite3.Connection, sensor: str, quantity: str, from_us: int, until_us: int
) -> list[sqlite3.Row]:
    """The values between two times, in order of time, without the missing ones."""
    found = find(db, sensor, quantity)
    if found is None:
        return []
    return db.execute(
        "SELECT utc_us, value, uncertainty, calibration FROM main.readings"  # noqa: S608
        " WHERE utc_us >= ? AND utc_us <= ? AND series = ? AND value IS NOT NULL"
        f" AND {rows.condition_of_sound(db, 'readings')} ORDER BY utc_us",
        (from_us, until_us, found["series"]),
    ).fetchall()


def of_several(
    db: sqlite3.Connection, numbers: Iterable[int], from_us: int, until_us: int
) -> Iterator[tuple[int, int, float, float | None, str | None, int | None]]:
    """The values of several series between two times, in order of time.

    Each is its time, series, value, uncertainty, quality (None if it is good), and the number of
    its calibration.
    """
    cursor = db.cursor()
    cursor.row_factory = None
    return cursor.execute(
        "SELECT utc_us, series, value, uncertainty, quality, calibration"  # noqa: S608
        " FROM main.readings"
        " WHERE utc_us >= ? AND utc_us <= ? AND value IS NOT NULL"
        f" AND series IN ({', '.join(str(int(number)) for number in numbers)})"
        f" AND CASE WHEN {rows.IS_PLAIN_READING} THEN 1"
        f" ELSE {rows.condition_of_sound(db, 'readings')} END ORDER BY utc_us",
        (from_us, until_us),
    )


def find(db: sqlite3.Connection, sensor: str, quantity: str) -> sqlite3.Row | None:
    """The series of a sensor's quantity; if its unit has changed, the latest one."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM sound_series WHERE sensor = ? AND quantity = ? ORDER BY series DESC LIMIT 1",
        (sensor, quantity),
    ).fetchone()
    return row


def numbers(db: sqlite3.Connection) -> dict[Key, int]:
    """The series of each sensor's quantities, by unit."""
    found = db.execute("SELECT sensor, quantity, unit, series FROM sound_series")
    return {(sensor, quantity, unit): number for sensor, quantity, unit, number in found}


def last_value(db: sqlite3.Connection, sensor: str, quantity: str) -> sqlite3.Row | None:
    """The latest reading of a quantity (``utc_us``, ``value``, ``unit``), if that has a value."""
    row: sqlite3.Row | None = db.execute(
        "SELECT utc_us, value, unit FROM sound_latest JOIN sound_series USING (series)"
        " WHERE sensor = ? AND quantity = ? ORDER BY utc_us DESC LIMIT 1",
        (sensor, quantity),
    ).fetchone()
    return row if row and row["value"] is not None else None


def quantities(db: sqlite3.Connection, sensor: str) -> list[str]:
    """The quantities that were ever requested from a sensor."""
    found = db.execute(
        "SELECT DISTINCT quantity FROM sound_series WHERE sensor = ? ORDER BY quantity", (sensor,)
    )
    return [quantity for (quantity,) in found if quantity != UNKNOWN_QUANTITY]


def _numbers(db: sqlite3.Connection) -> dict[Key, int]:
    """All series there are: a dozen or two, and one query for them is cheaper than one for each."""
    found = db.execute("SELECT series, sensor, quantity, unit FROM series")
    return {(sensor, quantity, unit): series for series, sensor, quantity, unit in found}


def _number(db: sqlite3.Connection, numbers: dict[Key, int], key: Key) -> int:
    """The number of a sensor's quantity in a unit; a new number if the quantity is new."""
    if key not in numbers:
        enter = "INSERT INTO series (sensor, quantity, unit) VALUES (?, ?, ?)"
        numbers[key] = int(db.execute(enter, key).lastrowid or 0)
    return numbers[key]
