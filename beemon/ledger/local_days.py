"""Local days: the days on the clocks of a zone, as spans of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from beemon.base.moments import EARLIEST_US, LATEST_US, US_PER_DAY, to_datetime, to_microseconds

_DAY = timedelta(days=1)


class LocalDay(NamedTuple):
    """A day, and when it begins and ends (before ``until_us``); it can have 23 or 25 hours."""

    day: date
    from_us: int
    until_us: int


def local_day(day: date, zone: tzinfo) -> LocalDay:
    """The span of a day. Raises ``OverflowError`` for the first and the last date there is."""
    from_us, until_us = (
        to_microseconds(datetime.combine(date, time(), zone)) for date in (day, day + _DAY)
    )
    return LocalDay(day, from_us, until_us)


def local_days(from_us: int, until_us: int, zone: tzinfo, most: int) -> Iterator[LocalDay]:
    """The days that a period touches, in order of time; the last ``most`` of them."""
    last = max(EARLIEST_US, min(until_us - 1, LATEST_US))
    first = max(EARLIEST_US, min(from_us, last), last - most * US_PER_DAY)
    day, end = to_datetime(first, zone).date(), to_datetime(last, zone).date()
    day = max(day, end - _DAY * (most - 1)) if end.toordinal() > most else day
    while day <= end:
        yield local_day(day, zone)
        day += _DAY
