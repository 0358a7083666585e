"""History: one quantity over time, as clients see it: each reading, or each hour."""

from __future__ import annotations

import sqlite3
from typing import Any

from beemon.base.moments import US_PER_DAY, US_PER_HOUR, iso
from beemon.ledger import hours
from beemon.ledger import readings as series

LONGEST_SINGLE_US = 2 * US_PER_DAY
"""Longer spans are reported by the hour."""
MOST_READINGS = 3000
MOST_HOURS = 9000
"""A little more than a year has."""


def history(
    db: sqlite3.Connection, device: str, quantity: str, from_us: int, now_us: int
) -> dict[str, Any] | None:
    """The values of a quantity since a time; None if the device has no such quantity.

    If there are too many for one reply, only the newest rows, and ``truncated`` is true.
    """
    found = series.find(db, device, quantity)
    if found is None:
        return None
    told = {"device": device, "quantity": quantity, "unit": found["unit"]}
    if now_us - from_us <= LONGEST_SINGLE_US:
        rows = series.since(db, found["series"], from_us, MOST_READINGS + 1)
        if len(rows) <= MOST_READINGS:
            return {**told, "by": "reading", **_single(rows)}
    rows = hours.since(db, found["series"], from_us, MOST_HOURS + 1)
    cut = {"truncated": True} if len(rows) > MOST_HOURS else {}
    return {**told, "by": "hour", **cut, **_hourly(rows[-MOST_HOURS:])}


def _single(rows: list[sqlite3.Row]) -> dict[str, Any]:
    return {
        "columns": ["utc", "value", "reason", "quality"],
        "rows": [
            [iso(row["utc_us"]), row["value"], row["reason"],
             None if row["reason"] else row["quality"] or "good"]
            for row in rows
        ],
    }


def _hourly(rows: list[sqlite3.Row]) -> dict[str, Any]:
    return {
        "columns": ["utc", "mean", "minimum", "maximum", "count", "missing"],
        "rows": [[iso(row["hour"] * US_PER_HOUR), *_sums(row)] for row in rows],
    }


def _sums(row: sqlite3.Row) -> list[float | int | None]:
    mean = None if row["mean"] is None else round(row["mean"], 6)
    return [mean, row["minimum"], row["maximum"], row["count"], row["missing"]]
