"""Gains: the net change of a quantity in each local day, such as the weight of the new honey.

The value at midnight is the mean of the hours before and after it. The change during an inspection
is left out. It is the difference of two means: of the values after the inspection, and before it.

The standard uncertainty of a value is that of one reading anywhere between the lowest and the
highest of its time. That is half of the range over the root of three (JCGM 100, 4.3.7). The number
of readings does not reduce it, because wind and temperature move neighbours together.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from beemon.base.moments import US_PER_DAY, US_PER_HOUR, US_PER_SECOND
from beemon.ledger import events, hours, inspections
from beemon.ledger import readings as series
from beemon.ledger.events import Readable
from beemon.ledger.local_days import LocalDay, local_days
from beemon.protocol.views import DayGain, Gains

MOST_DAYS = 400
_MOST_HOURS = (MOST_DAYS + 2) * 25
_MOST_INSPECTIONS = 2000  # events of a year, and far more than anybody has
_AROUND_US = US_PER_HOUR // 2
"""Length of time of the values before an inspection, and of those after it."""
_NEWEST_HOURS = 3
"""Age of the latest value, in hours, up to which it stands for now."""


class Level(NamedTuple):
    """A value at a time, and its variance."""

    mean: float
    variance: float

    def __sub__(self, other: Level) -> Level:
        return Level(self.mean - other.mean, self.variance + other.variance)


class Opening(NamedTuple):
    """An inspection: its begin and its end."""

    from_us: int
    until_us: int


def gains(
    ledger: Readable, device: str, quantity: str, from_us: int, now_us: int, zone: tzinfo
) -> Gains | None:
    """The change of each day since a time; None if the device has no such quantity."""
    found = series.find(ledger.db, device, quantity)
    if found is None:
        return None
    days = list(local_days(from_us, now_us, zone, MOST_DAYS))
    first_us = days[0].from_us - _NEWEST_HOURS * US_PER_HOUR
    told = hours.since(ledger.db, found["series"], first_us, _MOST_HOURS)
    account = _Account(
        {row["hour"]: _level(row["mean"], row["minimum"], row["maximum"])
         for row in told if row["count"]},
        _openings(ledger, first_us, now_us),
        now_us,
    )
    return Gains(found["unit"], tuple(
        account.day_gain(ledger.db, device, quantity, day) for day in days
    ))


def _level(mean: float, low: float, high: float) -> Level:
    return Level(mean, ((high - low) / 2) ** 2 / 3)


class _Account:
    """The levels by the hour, and the inspections."""

    def __init__(
        self, levels: Mapping[int, Level], openings: Sequence[Opening], now_us: int
    ) -> None:
        self._levels, self._openings, self._now_us = levels, openings, now_us

    def day_gain(
        self, db: sqlite3.Connection, device: str, quantity: str, day: LocalDay
    ) -> DayGain:
        """The change of one day."""
        is_over = day.until_us <= self._now_us
        begin = self._at(day.from_us)
        end = self._at(day.until_us) if is_over else self._newest(day)
        opened = [one for one in self._openings if day.from_us <= one.from_us < day.until_us]
        steps = [_step(db, device, quantity, one) for one in opened]
        left_out = ["inspection"] if opened else []
        if begin is None or end is None or None in steps:
            return DayGain(str(day.day), None, None, (*left_out, "missing"), is_over)
        change = end - begin
        for step in filter(None, steps):
            change = change - step
        return DayGain(
            str(day.day), round(change.mean, 3), round(math.sqrt(change.variance), 3),
            tuple(left_out), is_over,
        )

    def _at(self, at_us: int) -> Level | None:
        """The level at a moment, by the hours that end and begin nearest to it."""
        near = round(at_us / US_PER_HOUR)
        return _mean([one for n in (near - 1, near) if (one := self._levels.get(n))])

    def _newest(self, day: LocalDay) -> Level | None:
        hour = self._now_us // US_PER_HOUR
        newest = range(hour, max(hour - _NEWEST_HOURS, day.from_us // US_PER_HOUR - 1), -1)
        return next((self._levels[n] for n in newest if n in self._levels), None)


def _mean(levels: Sequence[Level]) -> Level | None:
    """The mean of levels; its variance is not smaller, since neighbours move together."""
    if not levels:
        return None
    return Level(
        sum(one.mean for one in levels) / len(levels),
        sum(one.variance for one in levels) / len(levels),
    )


def _step(db: sqlite3.Connection, device: str, quantity: str, opening: Opening) -> Level | None:
    """The change from before an inspection to after it; None if it is not known."""
    before = _around(db, device, quantity, opening.from_us - _AROUND_US, opening.from_us - 1)
    after = _around(db, device, quantity, opening.until_us + 1, opening.until_us + _AROUND_US)
    return after - before if before and after else None


def _around(
    db: sqlite3.Connection, device: str, quantity: str, from_us: int, until_us: int
) -> Level | None:
    values = [row["value"] for row in series.values(db, device, quantity, from_us, until_us)]
    if not values:
        return None
    return _level(sum(values) / len(values), min(values), max(values))


def _openings(ledger: Readable, from_us: int, now_us: int) -> list[Opening]:
    """The inspections since a time, in order of time."""
    found = events.since(
        ledger, from_us - US_PER_DAY, _MOST_INSPECTIONS, inspections.KIND
    )
    return list(_pairs(((one.at.utc_us, one.facts["state"] == "begun") for one in found), now_us))


def _pairs(moments: Iterable[tuple[int, bool]], now_us: int) -> Iterable[Opening]:
    """Each begin with the end that follows; one without an end lasts as long as it may."""
    longest_us = round(inspections.LONGEST_SECONDS * US_PER_SECOND)
    begun: int | None = None
    for utc_us, is_begin in moments:
        if begun is not None and (not is_begin or utc_us - begun > longest_us):
            yield Opening(begun, min(utc_us, begun + longest_us))
            begun = None
        if is_begin and begun is None:
            begun = utc_us
    if begun is not None:
        yield Opening(begun, min(now_us, begun + longest_us))
