"""Since: the begin of a period, as people write it: a day, or a time before now."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

from beemon.base.moments import EARLIEST_US, US_PER_HOUR, to_datetime, to_microseconds

_HOURS = {"h": 1, "d": 24, "w": 7 * 24}
_SPAN = re.compile(r"([0-9]{1,4})([hdw])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def begin_us(written: str, now_us: int, there: tzinfo) -> int | None:
    """The begin in microseconds since 1970; None if this is no begin.

    It is the first moment of ``2026-06-01``, ``today`` or ``yesterday`` on the clocks of a zone, or
    so long before now: ``12h``, ``7d``, ``4w``.
    """
    if span := _SPAN.fullmatch(written):
        ago_us = int(span[1]) * _HOURS[span[2]] * US_PER_HOUR
        return max(EARLIEST_US, now_us - ago_us)
    day = day_of(written, now_us, there)
    if day is None:
        return None
    return max(EARLIEST_US, to_microseconds(datetime.combine(day, time(), there)))


def day_of(written: str, now_us: int, there: tzinfo) -> date | None:
    """The day of ``2026-06-01``, ``today`` or ``yesterday``; None if this is no day."""
    today = to_datetime(now_us, there).date()
    near = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        return near.get(written) or (
            date.fromisoformat(written) if _DATE.fullmatch(written) else None
        )
    except ValueError:
        return None
