"""When scheduled work is due: pure functions of time.

A schedule repeats every ``interval`` inside a daily ``window``. Its slots are counted from the
start of the window in local time. They are therefore at the same times each day, and do not depend
on the start of the service. A window may begin and end by the clock or by the sun.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from beemon.base import sun, zone
from beemon.base.options import BadOptionError, build, duration, duration_within, in_toml, option
from beemon.base.sun import Place
from beemon.base.values import keyword_class, value_class

_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_SUN_TIME = re.compile(r"(sunrise|sunset)(?:([+-])(\S+))?", re.ASCII)
_NOMINAL = {"sunrise": timedelta(hours=6), "sunset": timedelta(hours=18)}
"""The nominal times of sunrise and sunset, to find the day on which a window by the sun ends."""
_MOST_OFFSET = 12 * 3600.0
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_NEAR_DAYS = 4
"""Number of days ahead to search for a slot: a clock change can remove one, the polar sun many."""


@value_class
class SunTime:
    """A time of the day by the sun: ``sunrise`` or ``sunset``, and seconds after it."""

    event: str
    offset: float = 0.0

    def __str__(self) -> str:
        return f"{self.event}{self.offset:+.7g}s" if self.offset else self.event


Edge = time | SunTime
"""A window's start or end."""


class Series(NamedTuple):
    """Slots that follow each other: the first, the last, and how many."""

    first: datetime
    last: datetime
    slots: int


class WindowState(NamedTuple):
    """Whether a window is open from ``since`` on and before ``until``."""

    is_open: bool
    since: datetime
    until: datetime


_from_second_to_day = duration_within("1s", "1d")


def _interval(value: object) -> float:
    return round(_from_second_to_day(value), 6)


def _window(value: object) -> tuple[Edge, Edge]:
    words = value if isinstance(value, list) and len(value) == 2 else [None, None]
    start, end = map(_edge, words)
    if start is None or end is None:
        raise BadOptionError(
            'must be two times such as ["06:00", "21:30"] or ["sunrise-30m", "sunset+30m"], '
            f"not {in_toml(value)}"
        )
    return start, end


def _edge(word: object) -> Edge | None:
    if not isinstance(word, str):
        return None
    if by_clock := _CLOCK_TIME.fullmatch(word):
        return time(int(by_clock[1]), int(by_clock[2]))
    by_sun = _SUN_TIME.fullmatch(word)
    return _sun_time(*by_sun.groups()) if by_sun else None


def _sun_time(event: str, sign: str | None, text: str | None) -> SunTime:
    try:
        seconds = duration(text) if sign else 0.0
    except BadOptionError as error:
        raise BadOptionError(f"has an offset from {event} that {error}") from error
    if seconds > _MOST_OFFSET:
        raise BadOptionError("may be up to 12h before or after the sun's event, not "
                             f"{in_toml(text)}")
    return SunTime(event, -seconds if sign == "-" else seconds)


@keyword_class
class Schedule:
    """The times of a device's work.

    ``window`` is a start and an end. An end at or before the start is on the next day, so
    ``["00:00", "00:00"]`` is the whole day. For this comparison, a sunrise counts as 06:00 and a
    sunset as 18:00. ``duration`` is the length of a recording in seconds; sensors have none, and a
    camera without one takes snapshots. ``place`` is the position of the hive, for a window that
    follows the sun.
    """

    interval: float = option(
        parse=_interval, doc='the time from one start to the next, such as "5m"'
    )
    duration: float | None = option(
        None, parse=duration_within("0.1s", "1h"), doc='the length of a recording, such as "60s"'
    )
    window: tuple[Edge, Edge] = option((time(0), time(0)), parse=_window)
    place: Place | None = None

    def __post_init__(self) -> None:
        if self.duration is not None and self.duration > self.interval:
            raise BadOptionError(
                f"a duration of {self.duration:g} s does not fit into an interval of "
                f"{self.interval:g} s"
            )

    @property
    def follows_sun(self) -> bool:
        """Whether the window begins or ends by the sun."""
        return any(isinstance(edge, SunTime) for edge in self.window)


def next_slot(
    schedule: Schedule, after: datetime, zone: tzinfo
) -> datetime | None:
    """The first slot later than ``after`` (aware), in UTC.

    None where none falls within the next three days.
    """
    until = after.astimezone(UTC) + _NEAR_DAYS * _DAY
    return next((series.first for series in _by_day(schedule, after, until, zone)), None)


def slots_between(
    schedule: Schedule, after: datetime, until: datetime, zone: tzinfo
) -> Series | None:
    """The slots later than ``after`` and up to ``until``; None if there are none.

    They are calculated one day at a time, independently of the number of slots per day.
    """
    first = last = None
    slots = 0
    for series in _by_day(schedule, after, until, zone):
        first, last = first or series.first, series.last
        slots += series.slots
    return Series(first, last, slots) if first and last else None


def each_slot(
    schedule: Schedule, after: datetime, until: datetime, zone: tzinfo
) -> Iterator[datetime]:
    """The slots later than ``after`` and not later than ``until``, in UTC, in order of time."""
    step = timedelta(seconds=schedule.interval)
    for series in _by_day(schedule, after, until, zone):
        yield from (series.first + number * step for number in range(series.slots))


def count_slots(
    schedule: Schedule, after: datetime, until: datetime, zone: tzinfo
) -> int:
    """The number of slots later than ``after`` and not later than ``until``."""
    series = slots_between(schedule, after, until, zone)
    return series.slots if series else 0


def slot_number(schedule: Schedule, slot: datetime, zone: tzinfo) -> int:
    """The number of a slot (aware) in its window; the first is 0."""
    today = slot.astimezone(zone).date()
    windows = _windows(schedule, today - 2 * _DAY, today + _DAY, zone)
    start = max(start for start, _ in windows if start <= slot)
    return (slot - start) // timedelta(seconds=schedule.interval)


def window_state(schedule: Schedule, at: datetime, zone: tzinfo) -> WindowState:
    """Whether the window is open at ``at`` (aware), and when that may change."""
    today = at.astimezone(zone).date()
    windows = list(_windows(schedule, today - 2 * _DAY, today + _DAY, zone))
    is_open = any(start <= at < end for start, end in windows)
    later = [edge for window in windows for edge in window if edge > at]
    return WindowState(is_open, at, min(later, default=at))


def slot_verb(device: str, schedule: Schedule) -> str:
    """The command that a slot of this device stands for, less the device."""
    if device.startswith("sensor."):
        return "read"
    return "snapshot" if schedule.duration is None else "record"


def describe(schedule: Schedule, zone: tzinfo) -> str:
    """All that decides when slots are due, as a text that :func:`recall` understands."""
    start, end = (e.strftime("%H:%M") if isinstance(e, time) else str(e) for e in schedule.window)
    table = {"interval": f"{schedule.interval}s", "window": [start, end]}
    place = {"place": schedule.place} if schedule.follows_sun else {}
    return json.dumps({**table, **place, "zone": str(zone)})


def recall(text: str) -> tuple[Schedule, tzinfo]:
    """The schedule and the zone of a description. Raises ``ValueError`` if it is not valid."""
    table = json.loads(text)
    given = table if isinstance(table, dict) else {}
    try:
        place = Place(*map(float, given.pop("place"))) if "place" in given else None
    except TypeError as error:
        raise ValueError(f"no place: {text}") from error
    there = zone.named(str(given.pop("zone", "")))
    schedule, problems = build(Schedule, given, str, {"place": place})
    if schedule is None:
        raise ValueError(f"no schedule: {text}: {problems[0].message}")
    return schedule, there


def _by_day(
    schedule: Schedule, after: datetime, until: datetime, zone: tzinfo
) -> Iterator[Series]:
    """The slots later than ``after`` and up to ``until``, the days' series one by one."""
    step = timedelta(seconds=schedule.interval)
    after, until = after.astimezone(UTC), until.astimezone(UTC)
    if until <= after:
        return
    earlier, later = (2 * _DAY, _DAY) if schedule.follows_sun else (_DAY, timedelta())
    first_day = after.astimezone(zone).date() - earlier
    last_day = until.astimezone(zone).date() + later
    for start, end in _windows(schedule, first_day, last_day, zone):
        skipped = max(0, (after - start) // step + 1)
        reached = min((end - start - _TICK) // step, (until - start) // step) + 1
        if reached > skipped:
            yield Series(start + skipped * step, start + (reached - 1) * step, reached - skipped)


def _windows(
    schedule: Schedule, first: date, last: date, zone: tzinfo
) -> Iterator[tuple[datetime, datetime]]:
    """The windows of these days, in UTC; none of them reaches into the next one's."""
    start_edge, end_edge = schedule.window
    length = timedelta() if _nominal(end_edge) > _nominal(start_edge) else _DAY
    start = _instant(schedule, first, start_edge, zone)
    for ahead in range((last - first).days + 1):
        day = first + ahead * _DAY
        end = _instant(schedule, day + length, end_edge, zone)
        next_start = _instant(schedule, day + _DAY, start_edge, zone)
        yield start, min(end, next_start)
        start = next_start


def _nominal(edge: Edge) -> timedelta:
    if isinstance(edge, SunTime):
        return _NOMINAL[edge.event] + timedelta(seconds=edge.offset)
    return timedelta(hours=edge.hour, minutes=edge.minute)


def _instant(schedule: Schedule, day: date, edge: Edge, zone: tzinfo) -> datetime:
    if isinstance(edge, time):
        return _civil(day, edge, zone)
    if schedule.place is None:
        raise ValueError(f"{edge} needs a place")
    sunrise, sunset = sun.times(schedule.place, day, _civil(day, time(12), zone))
    return (sunrise if edge.event == "sunrise" else sunset) + timedelta(seconds=edge.offset)


def _civil(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
