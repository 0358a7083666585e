"""Traffic: the bees that were counted at the entrance, by local day and hour."""

from __future__ import annotations

import sqlite3
from datetime import date, tzinfo

from beemon.base.moments import US_PER_HOUR, to_datetime
from beemon.ledger import hours
from beemon.ledger import readings as series
from beemon.ledger.local_days import local_days
from beemon.protocol.views import Traffic

BEES_IN, BEES_OUT = "bees_in", "bees_out"
MOST_DAYS = 100
_MOST_HOURS = (MOST_DAYS + 2) * 25

_Hours = dict[tuple[date, int], float]


def traffic(
    db: sqlite3.Connection, device: str, from_us: int, now_us: int, zone: tzinfo
) -> Traffic | None:
    """The bees in each hour since a time; None if the device counts none."""
    if not {BEES_IN, BEES_OUT} & {*series.quantities(db, device)}:
        return None
    days = [one.day for one in local_days(from_us, now_us, zone, MOST_DAYS)]
    counted = {
        quantity: _counted(db, device, quantity, from_us, zone)
        for quantity in (BEES_IN, BEES_OUT)
    }
    columns = (
        tuple(tuple(found.get((day, hour)) for hour in range(24)) for day in days)
        for found in counted.values()
    )
    return Traffic(tuple(map(str, days)), *columns)


def _counted(
    db: sqlite3.Connection, device: str, quantity: str, from_us: int, zone: tzinfo
) -> _Hours:
    """The bees by day and hour; an hour that comes twice has the sum of both."""
    counted: _Hours = {}
    found = series.find(db, device, quantity)
    for row in hours.since(db, found["series"], from_us, _MOST_HOURS) if found else ():
        if row["count"]:
            local = to_datetime(row["hour"] * US_PER_HOUR, zone)
            key = local.date(), local.hour
            counted[key] = counted.get(key, 0.0) + round(row["mean"] * row["count"])
    return counted
