"""History: one quantity over time, as clients see it: each reading, or each hour."""

from __future__ import annotations

import sqlite3
from functools import partial

from beemon.base.moments import US_PER_DAY, US_PER_HOUR, iso
from beemon.ledger import hours
from beemon.ledger import readings as series
from beemon.protocol.replies import History, HistoryRow

LONGEST_SINGLE_US = 2 * US_PER_DAY
"""Longer spans are reported by the hour."""
READING_COLUMNS = ("utc", "value", "reason", "quality")
HOUR_COLUMNS = ("utc", "mean", "minimum", "maximum", "count", "missing")
MOST_READINGS = 3000
MOST_HOURS = 9000
"""A little more than a year has."""


def history(
    db: sqlite3.Connection, device: str, quantity: str, from_us: int, now_us: int
) -> History | None:
    """The values of a quantity since a time; None if the device has no such quantity.

    If there are too many for one reply, only the newest rows, and ``truncated`` is true.
    """
    found = series.find(db, device, quantity)
    if found is None:
        return None
    told = partial(History, device, quantity, found["unit"])
    if now_us - from_us <= LONGEST_SINGLE_US:
        single = series.since(db, found["series"], from_us, MOST_READINGS + 1)
        if len(single) <= MOST_READINGS:
            return told("reading", READING_COLUMNS, tuple(map(_single, single)))
    rows = hours.since(db, found["series"], from_us, MOST_HOURS + 1)
    is_cut = len(rows) > MOST_HOURS or None
    return told("hour", HOUR_COLUMNS, tuple(map(_hourly, rows[-MOST_HOURS:])), is_cut)


def _single(row: series.Single) -> HistoryRow:
    utc_us, value, reason, quality = row
    return iso(utc_us), value, reason, None if reason else quality or "good"


def _hourly(row: sqlite3.Row) -> HistoryRow:
    mean = None if row["mean"] is None else round(row["mean"], 6)
    at = iso(row["hour"] * US_PER_HOUR)
    return at, mean, row["minimum"], row["maximum"], row["count"], row["missing"]
