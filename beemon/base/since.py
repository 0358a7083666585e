"""Since: the begin of a period, as people write it: a day, a time, or how long ago."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

from beemon.base.moments import EARLIEST_US, LATEST_US, US_PER_HOUR, to_datetime, to_microseconds

FORMS = (
    "a date such as 2026-06-01, a time such as 2026-06-01T06:30, today, yesterday, or a span such "
    "as 12h or 7d"
)

_HOURS = {"h": 1, "d": 24, "w": 7 * 24}
_SPAN = re.compile(r"([0-9]{1,4})([hdw])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    rf"({_DATE.pattern})[T ]([0-9]{{2}}(?::[0-9]{{2}}){{0,2}}) ?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?"
)


def begin_us(written: str, now_us: int, there: tzinfo) -> int | None:
    """The begin in microseconds since 1970; None if this is no begin.

    It is the first moment of ``2026-06-01``, ``today`` or ``yesterday`` on the clocks of a zone, or
    so long before now: ``12h``, ``7d``, ``4w``. Or it is a time on these clocks
    (``2026-06-01T06:30``), or one with its own offset (``2026-06-01T06:30+02:00``). An hour that
    comes twice in autumn is the first one.
    """
    if span := _SPAN.fullmatch(written):
        ago_us = int(span[1]) * _HOURS[span[2]] * US_PER_HOUR
        return max(EARLIEST_US, now_us - ago_us)
    day = day_of(written, now_us, there)
    moment = _time_of(written, there) if day is None else datetime.combine(day, time(), there)
    return None if moment is None else min(max(EARLIEST_US, to_microseconds(moment)), LATEST_US)


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


def _time_of(written: str, there: tzinfo) -> datetime | None:
    if not (found := _TIME.fullmatch(written)):
        return None
    day, hours, offset = found.groups("")
    try:
        moment = datetime.fromisoformat(f"{day}T{hours}{offset}")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=there)
