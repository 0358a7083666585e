"""Tilt: a hive that has fallen over, or that was moved, by the accelerometer in it.

A change must last for a minute, so that a knock, the wind and the work at the hive are none. A hive
that is set upright again as it stood before is no news. The bounds are beemon's own: no hive leans
by 30°, and stands and trailers give way by a degree or two.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from beemon.base.finding import STANDS, Finding, Measured
from beemon.insights.hive_day import HOUR, Found, HiveDay, Value, moment
from beemon.insights.sentences import tilt as words
from beemon.scale.steps import MINUTE

TILT = "tilt"
"""The quantity, in degrees from the vertical."""
TIPPED, MOVED = 30.0, 5.0
"""The tilt of a hive that has fallen, and the least change of one that was moved, in degrees."""
LONG = MINUTE
"""The least time of a change, in seconds."""
USUAL = 12
"""The number of readings before, whose median is the usual tilt."""
WORK = HOUR
"""The time, in seconds, for which an inspection may explain a change after it."""
RULE, VERSION = "tilt", 1


class Change(NamedTuple):
    """A lasting change of the tilt, in degrees: when it began, and when it was known."""

    begin: float
    told: float
    before: float
    after: float
    n: int

    @property
    def kind(self) -> str:
        """``tipped`` or ``moved``."""
        return "tipped" if self.after > TIPPED >= self.before else "moved"


def find_tilt(day: HiveDay) -> Found:
    """The changes of the tilt that began on the day, by each accelerometer."""
    found = tuple(
        _finding(day, device, change)
        for device, quantity in sorted(day.values) if quantity == TILT
        for change in changes_of(day.values[device, quantity])
        if day.begin <= change.begin < day.end and change.told <= day.until
    )
    return Found(found, tuple(finding.says for finding in found))


def changes_of(values: Sequence[Value]) -> Iterator[Change]:
    """The lasting changes of a tilt, without those back to the tilt before the last one."""
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
            is_news = stood is None or _is_other(after, stood)
            if is_news:
                yield Change(known[0].at, known[-1].at, before, after, len(known))
            stood, usual = before if is_news else None, known
        here += len(known)


def _is_other(tilt: float, before: float) -> bool:
    return abs(tilt - before) >= MOVED or tilt > TIPPED >= before


def _finding(day: HiveDay, device: str, change: Change) -> Finding:
    time = day.time_of(change.begin)
    says = words.tipped if change.kind == "tipped" else words.moved
    worked = any(
        opened <= change.told and change.begin <= closed + WORK
        for around in day.told.scales.values() for opened, closed in around.opened
    )
    return Finding(
        change.kind, STANDS, day.told.hive, moment(change.begin), moment(change.told),
        moment(change.told), says(time, change.before, change.after), RULE, VERSION, device,
        (Measured("tilt", change.after, "°", n=change.n), Measured("usual", change.before, "°")),
        against=(words.WORK,) if worked else (), unknown=() if worked else (words.NOBODY,),
    )
