"""When scheduled work is due: pure functions of time.

A schedule repeats every ``interval`` inside a daily ``window``. Its slots stand on a grid that is
anchored at the window's start in local civil time, so that they fall at the same times each day
whenever the service was started.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from beemon.options import BadOptionError, duration, in_toml, option

_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAY = timedelta(days=1)


def _interval(value: object) -> float:
    seconds = duration(value)
    if not 1 <= seconds <= 86400:
        raise BadOptionError(f"must be between 1s and 1d, not {in_toml(value)}")
    return seconds


def _duration(value: object) -> float:
    seconds = duration(value)
    if not 0.1 <= seconds <= 3600:
        raise BadOptionError(f"must be between 0.1s and 1h, not {in_toml(value)}")
    return seconds


def _window(value: object) -> tuple[time, time]:
    words = value if isinstance(value, list) and len(value) == 2 else [None]
    matches = [_CLOCK_TIME.fullmatch(w) if isinstance(w, str) else None for w in words]
    if None in matches:
        raise BadOptionError(
            f'must be two clock times such as ["06:00", "21:30"], not {in_toml(value)}'
        )
    start, end = (time(int(m[1]), int(m[2])) for m in matches if m)
    return start, end


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The times of a device's work.

    ``window`` is a start and an end; an end at or before the start is on the next day, so
    ``["00:00", "00:00"]`` is the whole day. ``duration`` is a recording's length in seconds;
    sensors have none, and a camera without one takes snapshots.
    """

    interval: float = option(parse=_interval, doc='how often, such as "5m"')
    duration: float | None = option(None, parse=_duration, doc='how long, such as "60s"')
    window: tuple[time, time] = option((time(0), time(0)), parse=_window)

    def __post_init__(self) -> None:
        if self.duration is not None and self.duration > self.interval:
            raise BadOptionError(
                f"a duration of {self.duration:g} s does not fit into an interval of "
                f"{self.interval:g} s"
            )


def next_slot(schedule: Schedule, after: datetime, zone: tzinfo | None = None) -> datetime:
    """The first slot later than ``after`` (aware), in UTC; ``zone`` None is the system's."""
    day = after.astimezone(zone).date() - _DAY
    while True:  # ends: all but a day of changed clocks have a slot
        start, end = _bounds(schedule, day, zone)
        slot = _first_on_grid(start, schedule.interval, after)
        if slot < end:
            return slot
        day += _DAY


def in_window(schedule: Schedule, at: datetime, zone: tzinfo | None = None) -> bool:
    """Whether the window is open at ``at`` (aware)."""
    today = at.astimezone(zone).date()
    bounds = [_bounds(schedule, day, zone) for day in (today - _DAY, today)]
    return any(start <= at < end for start, end in bounds)


def _bounds(schedule: Schedule, day: date, zone: tzinfo | None) -> tuple[datetime, datetime]:
    start, end = schedule.window
    last_day = day if end > start else day + _DAY
    return _instant(day, start, zone), _instant(last_day, end, zone)


def _instant(day: date, at: time, zone: tzinfo | None) -> datetime:
    civil = datetime.combine(day, at)
    return (civil.replace(tzinfo=zone) if zone else civil).astimezone(UTC)


def _first_on_grid(start: datetime, interval: float, after: datetime) -> datetime:
    if start > after:
        return start
    step = timedelta(seconds=interval)
    return start + ((after - start) // step + 1) * step


def slot_verb(device: str, schedule: Schedule) -> str:
    """The command that a slot of this device stands for, less the device."""
    if device.startswith("sensor."):
        return "read"
    return "snapshot" if schedule.duration is None else "record"
