"""Hours: times of day, quiet hours and months, on the clocks of the hive."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo

from beemon.base.moments import US_PER_DAY, to_datetime, to_microseconds
from beemon.base.options import BadOptionError, in_toml
from beemon.base.values import value_class

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DAY = timedelta(days=1)


@value_class
class Span:
    """Hours of each day, such as 22:00 to 06:30; the end can be on the next day."""

    begin: time
    end: time

    def end_us(self, now_us: int, zone: tzinfo) -> int | None:
        """The end of the hours that ``now_us`` is in; None outside of them.

        They begin and end at these times on the clocks of the zone. If the clocks are changed, a
        time that does not exist on that day is an hour later.
        """
        today = to_datetime(now_us, zone).date()
        for day in (today - _DAY, today):
            until = day if self.end > self.begin else day + _DAY
            if _moment(day, self.begin, zone) <= now_us < (end := _moment(until, self.end, zone)):
                return end
        return None

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


@value_class
class Weekly:
    """A time of each week."""

    weekday: int
    at: time

    def latest_us(self, now_us: int, zone: tzinfo) -> int:
        """The last such time until now."""
        today = to_datetime(now_us, zone).date()
        day = today - timedelta(days=(today.weekday() - self.weekday) % 7)
        found = _moment(day, self.at, zone)
        return found if found <= now_us else _moment(day - 7 * _DAY, self.at, zone)

    def __str__(self) -> str:
        return f"{WEEKDAYS[self.weekday]} {self.at:%H:%M}"


def latest_us(at: time, now_us: int, zone: tzinfo) -> int:
    """The last moment until now at which the clocks of the zone had this time."""
    today = to_datetime(now_us, zone).date()
    found = _moment(today, at, zone)
    return found if found <= now_us else _moment(today - _DAY, at, zone)


def next_us(at: time, now_us: int, zone: tzinfo) -> int:
    """The first moment after now at which the clocks of the zone have this time."""
    return next(
        moment for days in range(3)
        if (moment := _moment(to_datetime(now_us + days * US_PER_DAY, zone).date(), at, zone))
        > now_us
    )


def _moment(day: date, at: time, zone: tzinfo) -> int:
    """The first moment of a day with this time on the clocks of the zone."""
    return to_microseconds(datetime.combine(day, at, zone))


def time_of_day(value: object) -> time:
    """A time such as ``"06:30"``. Raises :class:`BadOptionError`."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadOptionError(f'must be a time of day such as "06:30", not {in_toml(value)}')
    return time(int(match[1]), int(match[2]))


def span(value: object) -> Span:
    """Hours such as ``"22:00-06:30"``. Raises :class:`BadOptionError`."""
    begin, dash, end = value.partition("-") if isinstance(value, str) else ("", "", "")
    try:
        found = Span(time_of_day(begin.strip()), time_of_day(end.strip()))
    except BadOptionError:
        found = None
    if found is None or not dash or found.begin == found.end:
        raise BadOptionError(f'must be hours such as "22:00-06:30", not {in_toml(value)}')
    return found


def spans(value: object) -> tuple[Span, ...]:
    """Hours such as ``["22:00-06:30"]``. Raises :class:`BadOptionError`."""
    if not isinstance(value, list) or not value:
        raise BadOptionError(
            f'must be a list of hours such as ["22:00-06:30"], not {in_toml(value)}'
        )
    return tuple(map(span, value))


def weekly(value: object) -> Weekly:
    """A time of the week such as ``"Mon 07:00"``. Raises :class:`BadOptionError`."""
    day, _, at = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if day.title() not in WEEKDAYS or not _TIME.fullmatch(at):
        raise BadOptionError(
            f'must be a weekday and a time such as "Mon 07:00", not {in_toml(value)}'
        )
    return Weekly(WEEKDAYS.index(day.title()), time_of_day(at))


def months(value: object) -> tuple[int, ...]:
    """Months such as ``[4, 5, 6]``. Raises :class:`BadOptionError`."""
    given = value if isinstance(value, list) else []
    found = sorted({month for month in given if type(month) is int and 1 <= month <= 12})
    if not given or len(found) < len(given):
        raise BadOptionError(
            f"must be a list of different months such as [4, 5, 6], not {in_toml(value)}"
        )
    return tuple(found)


def in_words(chosen: Iterable[int]) -> str:
    """Months as their names: ``Apr, May``."""
    return ", ".join(f"{date(2000, month, 1):%b}" for month in sorted(chosen))
