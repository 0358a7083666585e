"""Days: the local day that a request names, as a span of time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from beemon.base import zone
from beemon.base.moments import to_microseconds
from beemon.web.errors import bad_parameter


def day_us(day: date) -> tuple[int, int]:
    """The begin of a local day and that of the next one, in microseconds since 1970."""
    there = zone.local()
    try:
        begin, end = (
            to_microseconds(datetime.combine(one, time(), there))
            for one in (day, day + timedelta(days=1))
        )
    except OverflowError as error:
        raise bad_parameter(f"{day} is too late a date") from error
    return begin, end
