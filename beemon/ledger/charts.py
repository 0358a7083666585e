"""Charts: one quantity over time, with its gaps, in as many points as a screen can show."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from beemon.base import schedule
from beemon.base.moments import EARLIEST_US, US_PER_DAY, US_PER_HOUR, US_PER_SECOND
from beemon.ledger import hours, rows
from beemon.ledger import readings as series
from beemon.ledger.thinning import Hour, Point, merge, thin, with_gaps
from beemon.protocol.views import Series

LONGEST_SINGLE_US = 3 * US_PER_DAY
"""Longer spans are drawn by the hour."""
MOST_READINGS = 30_000
MOST_HOURS = 20_000
"""A little more than two years have."""

_LATE = 1.5
"""Two readings are neighbours if they are no further apart than this many intervals."""
_USUAL_LATE = 2.5  # where no schedule tells the interval
_NO_LIMIT_US = float("inf")
_READINGS = (
    "SELECT utc_us, value, reason, uncertainty FROM main.readings"
    " WHERE utc_us >= ? AND utc_us < ? AND series = ? AND CASE WHEN {PLAIN} THEN 1"
    " ELSE {SOUND} END ORDER BY utc_us LIMIT ?"
)
_SINGLE = (
    "SELECT utc_us, value, quality, reason, uncertainty FROM main.readings"
    " WHERE utc_us >= ? AND utc_us < ? AND series = ? AND {SOUND} ORDER BY utc_us LIMIT ?"
)
_SCHEDULES = "SELECT from_us, until_us, definition FROM sound_schedules WHERE device = ?"


class SingleReading(NamedTuple):
    """A reading: its time, its value or the reason for none."""

    utc_us: int
    value: float | None
    unit: str
    quality: str | None
    reason: str | None
    uncertainty: float | None


def chart(
    db: sqlite3.Connection, device: str, quantity: str, from_us: int, until_us: int, points: int
) -> Series | None:
    """The values of a quantity between two times; None if the device has no such quantity."""
    found = series.find(db, device, quantity)
    if found is None:
        return None
    number, unit, longest_us = found["series"], str(found["unit"]), _Neighbours(db, device)
    if until_us - from_us <= LONGEST_SINGLE_US:
        single = _single(db, number, from_us, until_us)
        if len(single) <= MOST_READINGS:
            line = thin(with_gaps(single, longest_us.of(single), _gap), points)
            return _by_reading(device, quantity, unit, line)
    hourly = [
        Hour(row["hour"] * US_PER_HOUR, row["mean"], row["minimum"], row["maximum"], row["count"])
        for row in hours.since(db, number, from_us, MOST_HOURS + 1, until_us)
    ]
    is_cut, hourly = len(hourly) > MOST_HOURS, hourly[-MOST_HOURS:]
    limit = longest_us.of(hourly)
    whole = with_gaps(hourly, lambda at_us: max(limit(at_us), _LATE * US_PER_HOUR), _no_hour)
    return _by_hour(device, quantity, unit, merge(whole, points), is_cut=is_cut)


def single_readings(
    db: sqlite3.Connection, device: str, quantity: str, from_us: int, until_us: int, most: int
) -> list[SingleReading] | None:
    """The readings of a quantity between two times, the first ``most``; None if it has no such
    quantity."""
    found = series.find(db, device, quantity)
    if found is None:
        return None
    rows_of_it = db.execute(
        _SINGLE.format(SOUND=rows.condition_of_sound(db, "readings")),
        (from_us, until_us, found["series"], most),
    )
    unit = str(found["unit"])
    return [
        SingleReading(at, None if reason else value, unit, None if reason else quality or "good",
                      reason, uncertainty)
        for at, value, quality, reason, uncertainty in rows_of_it
    ]


def _single(db: sqlite3.Connection, number: int, from_us: int, until_us: int) -> list[Point]:
    cursor = db.cursor()
    cursor.row_factory = None
    found = cursor.execute(
        _READINGS.format(
            PLAIN=rows.IS_PLAIN_READING, SOUND=rows.condition_of_sound(db, "readings")
        ),
        (from_us, until_us, number, MOST_READINGS + 1),
    )
    return [
        Point(utc_us, None if reason else value, reason, uncertainty)
        for utc_us, value, reason, uncertainty in found
    ]


class _Neighbours:
    """The longest time between two readings of a device that follow each other, at each time."""

    def __init__(self, db: sqlite3.Connection, device: str) -> None:
        told = db.execute(_SCHEDULES, (device,)).fetchall()
        spans = sorted(rows.readable(told, _span))
        self._begins = [begin for begin, _, _ in spans]
        self._spans = spans

    def of(self, points: Sequence[Point] | Sequence[Hour]) -> Callable[[int], float]:
        """A function that returns it in microseconds; without a schedule, by the usual time between
        the points."""
        times = [point.utc_us for point in points]
        steps = [after - before for before, after in pairwise(times)]
        usual_us = _USUAL_LATE * median(steps) if len(steps) > 1 else _NO_LIMIT_US

        def longest_us(at_us: int) -> float:
            number = bisect_right(self._begins, at_us) - 1
            if number < 0:
                return usual_us
            _, until_us, interval_us = self._spans[number]
            return _LATE * interval_us if at_us < until_us else usual_us

        return longest_us


def _span(row: sqlite3.Row) -> tuple[int, float, float]:
    """The begin and the end of a schedule, and its interval, in microseconds."""
    until_us = _NO_LIMIT_US if row["until_us"] is None else float(row["until_us"])
    told, _ = schedule.recall(row["definition"])
    return max(row["from_us"], EARLIEST_US), until_us, told.interval * US_PER_SECOND


def _gap(utc_us: int) -> Point:
    return Point(utc_us, None)


def _no_hour(utc_us: int) -> Hour:
    return Hour(utc_us, None)


def _by_reading(device: str, quantity: str, unit: str, line: Sequence[Point]) -> Series:
    return Series(
        device, quantity, unit, "reading",
        utc=tuple(point.utc_us / US_PER_SECOND for point in line),
        value=tuple(point.value for point in line),
        uncertainty=tuple(point.uncertainty for point in line),
        reasons={str(n): point.reason for n, point in enumerate(line) if point.reason},
        truncated=False,
    )


def _by_hour(
    device: str, quantity: str, unit: str, line: Sequence[Hour], *, is_cut: bool
) -> Series:
    return Series(
        device, quantity, unit, "hour",
        utc=tuple(hour.utc_us / US_PER_SECOND for hour in line),
        value=tuple(None if hour.mean is None else round(hour.mean, 6) for hour in line),
        low=tuple(hour.low for hour in line),
        high=tuple(hour.high for hour in line),
        reasons={},
        truncated=is_cut,
    )
