"""Tilt: a hive that has fallen over, or that was moved, by the accelerometer in it.

A change must last for a minute, so that a knock, the wind and the work at the hive are none. A hive
that is set upright again as it stood before is no news. A hive that leans more each day has no
sudden change. It is reported once, when it leans by more than :data:`TIPPED`, and not again before
it stood upright. The bounds are beemon's own: no hive leans by 30°, and stands and trailers give
way by a degree or two.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from beemon.base.finding import STANDS, Finding, Measured
from beemon.insights.hive_day import (
    HOUR,
    Found,
    HiveDay,
    Value,
    are_enough,
    expected,
    moment,
)
from beemon.insights.sentences import tilt as words
from beemon.scale.steps import MINUTE

TILT = "tilt"
"""The quantity, in degrees from the vertical."""
TIPPED, MOVED = 30.0, 5.0
"""The tilt of a hive that has fallen, and the least change of one that was moved, in degrees."""
UPRIGHT = TIPPED - MOVED
"""The tilt, in degrees, below which a hive that had tipped stands again."""
LONG = MINUTE
"""The least time of a change, in seconds."""
USUAL = 12
"""The number of readings before, whose median is the usual tilt."""
SLOW = 24 * HOUR
"""The time, in seconds, over which a slow change is reported."""
WORK = HOUR
"""The time, in seconds, for which an inspection may explain a change after it."""
RULE, VERSION = "tilt", 2


class Change(NamedTuple):
    """A lasting change of the tilt, in degrees: when it began, and when it was known.

    ``last`` is the time of the reading whose tilt was ``before``: in a slow change, long ago.
    """

    begin: float
    told: float
    before: float
    after: float
    n: int
    last: float
    is_slow: bool = False

    @property
    def kind(self) -> str:
        """``tipped`` or ``moved``."""
        return "tipped" if self.after > TIPPED >= self.before else "moved"


class Known(NamedTuple):
    """The end of the days before: the last tilt in degrees, its time, and whether the hive had
    tipped."""

    last: Value
    is_tipped: bool


def find_tilt(day: HiveDay) -> Found:
    """The changes of the tilt that began on the day, by each accelerometer."""
    sensors = [device for device, quantity in sorted(day.values)
               if quantity == TILT and day.values[device, quantity]]
    found = tuple(
        _finding(day, device, change)
        for device in sensors
        for change in changes_of(day.values[device, TILT], _known(day, device))
        if day.begin <= change.begin < day.end and change.told <= day.until
    )
    numbers = tuple(number for device in sensors for number in _numbers(day, device))
    unknown = tuple(_too_few(day)) if day.until >= day.end else ()
    return Found(found, tuple(finding.says for finding in found), numbers, unknown)


def _too_few(day: HiveDay) -> Iterator[str]:
    """A sentence on each accelerometer that did not measure enough of the day."""
    for device in day.told.accelerometers:
        values = day.between(device, TILT, day.begin, day.end)
        wanted = expected(values, day.begin, day.end)
        if not are_enough(values, wanted):
            yield words.too_few(device, len(values), wanted)


def changes_of(values: Sequence[Value], known: Known | None = None) -> Iterator[Change]:
    """The lasting changes of a tilt, without those back to the tilt before the last one.

    A hive of which nothing is ``known`` before stands as it did when it was first measured.
    """
    if not values:
        return
    first = statistics.median(value.value for value in values[:USUAL])
    is_tipped = first > TIPPED if known is None else known.is_tipped
    values = values if known is None else [known.last, *values]
    sudden = list(_sudden(values))
    falls = [change for change in sudden if change.kind == "tipped"]
    slow = (
        change for change in _slow(values, is_tipped=is_tipped)
        if not any(f.begin <= change.told and change.begin <= f.told for f in falls)
    )
    yield from sorted([*sudden, *slow], key=lambda change: change.begin)


def _sudden(values: Sequence[Value]) -> Iterator[Change]:
    """The changes from one reading to the next."""
    usual, here = list(values[:1]), 1
    stood: float | None = None
    while here < len(values):
        before = statistics.median(value.value for value in usual[-USUAL:])
        if not _is_other(values[here].value, before):
            usual.append(values[here])
            here += 1
            continue
        run = list(takewhile(lambda value, b=before: _is_other(value.value, b), values[here:]))  # type: ignore[misc]
        known = [value for value in run if value.at < run[0].at + LONG]
        if len(known) < len(run):
            known.append(run[len(known)])
            after = statistics.median(value.value for value in known)
            change = Change(
                known[0].at, known[-1].at, before, after, len(known), values[here - 1].at
            )
            is_news = change.kind == "tipped" or stood is None or _is_other(after, stood)
            if is_news:
                yield change
            stood, usual = before if is_news else None, known
        here += len(known)


def _slow(values: Sequence[Value], *, is_tipped: bool) -> Iterator[Change]:
    """Each time that the tilt comes to be beyond :data:`TIPPED`, however slowly."""
    begin: int | None = None
    for here, value in enumerate(values):
        if not (value.value < UPRIGHT if is_tipped else value.value > TIPPED):
            begin = None
            continue
        begin = here if begin is None else begin
        if value.at < values[begin].at + LONG:
            continue
        if not is_tipped:
            yield _slow_change(values, begin, here)
        is_tipped, begin = not is_tipped, None


def _slow_change(values: Sequence[Value], begin: int, here: int) -> Change:
    at = values[begin].at
    earlier = [value for value in values[: begin + 1] if value.at >= at - SLOW]
    run = [value.value for value in values[begin : here + 1]]
    return Change(
        at, values[here].at, statistics.median(value.value for value in earlier[:USUAL]),
        statistics.median(run), len(run), earlier[0].at, is_slow=True,
    )


def _is_other(tilt: float, before: float) -> bool:
    return abs(tilt - before) >= MOVED


def _known(day: HiveDay, device: str) -> Known | None:
    """The end of the days before the first reading, if they had a tilt."""
    first = day.values[device, TILT][0].at
    is_there = first < day.begin
    latest, most = _names(device)
    known: Known | None = None
    for ago in range(len(day.past), 1 if is_there else 0, -1):
        numbers: Mapping[str, Measured] = day.past[-ago]
        if latest not in numbers or most not in numbers:
            continue
        tilt = numbers[latest].value
        was_tipped = known is not None and known.is_tipped
        is_tipped = tilt > TIPPED or (tilt >= UPRIGHT and (
            was_tipped or numbers[most].value > TIPPED
        ))
        known = Known(Value(day.clock(24.0 * (1 - ago)), tilt), is_tipped)
    return known


def _names(device: str) -> tuple[str, str]:
    """The names of the numbers that a day has of an accelerometer."""
    place = device.rpartition(".")[2]
    return f"tilt_{place}", f"tilt_most_{place}"


def _numbers(day: HiveDay, device: str) -> Iterator[Measured]:
    """The last tilt of a day, and the greatest that lasted from one reading to the next."""
    values = [value.value for value in day.between(device, TILT, day.begin, day.end)]
    if len(values) > 1:
        latest, most = _names(device)
        n = len(values)
        yield Measured(latest, round(statistics.median(values[-USUAL:]), 1), "°", n=n)
        yield Measured(most, round(max(map(min, pairwise(values))), 1), "°", n=n)


def _finding(day: HiveDay, device: str, change: Change) -> Finding:
    worked = any(
        opened <= change.told and change.begin <= closed + WORK
        for around in day.told.scales.values() for opened, closed in around.opened
    )
    return Finding(
        change.kind, STANDS, day.told.hive, moment(change.begin), moment(change.told),
        moment(change.told), _says(day, change), RULE, VERSION, device,
        (Measured("tilt", change.after, "°", n=change.n), Measured("usual", change.before, "°")),
        against=(words.WORK,) if worked else (), unknown=() if worked else (words.NOBODY,),
    )


def _says(day: HiveDay, change: Change) -> str:
    time, hours = day.time_of(change.begin), (change.begin - change.last) / HOUR
    if change.is_slow:
        return words.sank(time, change.before, change.after, hours)
    say = words.tipped if change.kind == "tipped" else words.moved
    return say(time, change.before, change.after, hours)
