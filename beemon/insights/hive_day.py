"""A hive's day: everything that was measured around one local day, for the rules to look at."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import field
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeVar, cast

from beemon.base.finding import Finding, Measured
from beemon.base.moments import US_PER_SECOND, iso
from beemon.base.readings import WEIGHT
from beemon.base.values import value_class
from beemon.scale.steps import Around, Step, Weighed, find_steps

ENOUGH = 0.8
"""The share of the expected readings that a rule needs, or it says that too few were made."""

HOUR = 3600.0
T = TypeVar("T")


class Value(NamedTuple):
    """A reading that has a value: when (seconds since 1970), the value, and its standard
    uncertainty, if known."""

    at: float
    value: float
    uncertainty: float | None = None


@value_class
class Told:
    """The hive by its owner's config; None for an option that is not set.

    ``empty`` is its weight without food, in g. ``nest`` and ``outside`` are a sensor and the name
    of its temperature. ``scales`` are the sensors under the hive, each with the data around it, and
    ``accelerometers`` those that should measure its tilt.
    """

    hive: str
    scales: Mapping[str, Around]
    empty: float | None = None
    nest: tuple[str, str] | None = None
    outside: tuple[str, str] | None = None
    accelerometers: Sequence[str] = ()


@value_class
class HiveDay:
    """One local day, with the readings of it and of the time around it.

    ``begin`` and ``end`` are its midnights, in seconds since 1970. The values begin
    :data:`BEFORE` seconds before ``begin``; nothing later than ``until`` is known.
    ``clock(hours)`` is a moment in seconds since 1970, for the time on the clocks in hours since
    the first midnight. For example, 26.0 is 2 o'clock on the next day.
    """

    date: date
    begin: float
    end: float
    until: float
    clock: Callable[[float], float]
    told: Told
    values: Mapping[tuple[str, str], Sequence[Value]]
    """The values by sensor (or recorder) and quantity, in the order of time."""
    past: Sequence[Mapping[str, Measured]] = ()
    """The numbers of the days before, by name; yesterday's are the last. A day that was not
    computed, or that is unknown, is empty."""

    modelled: Set[tuple[str, str]] = frozenset()
    """The sensors and quantities with values that a model calculated."""

    changed: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """The time, in seconds since 1970, from which on the values of a sensor and a quantity are left
    out, because its calibration changed then."""

    def once(self, find: Callable[[HiveDay], T]) -> T:
        """The result of a pure function of this day, called once for all rules."""
        if find not in self._found:
            self._found[find] = find(self)
        return cast(T, self._found[find])

    @cached_property
    def _found(self) -> dict[Callable[[HiveDay], object], object]:
        return {}

    def between(self, device: str, quantity: str, begin: float, end: float) -> Sequence[Value]:
        """The values from ``begin`` on, and before ``end``."""
        return between(self.values.get((device, quantity), ()), begin, end)

    @cached_property
    def steps(self) -> Mapping[str, Sequence[Step]]:
        """The steps of each scale in the order of time, found once for all rules."""
        return {
            scale: find_steps([Weighed(*v) for v in self.values.get((scale, WEIGHT), ())], around)
            for scale, around in self.told.scales.items()
        }

    def time_of(self, at: float) -> str:
        """The time on the clocks at a moment, such as ``09:45``."""
        hours = (at - self.begin) / HOUR
        hours += (at - self.clock(hours)) / HOUR
        skipped = 2 - (self.clock(hours + 2) - at) / HOUR  # by clocks that are set forward
        if abs(self.clock(hours + skipped) - at) < 1:  # a time that they skip is no time
            hours += skipped
        minutes = round(hours * 60) % (24 * 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"


BEFORE, AFTER = 24 * HOUR, 36 * HOUR
"""The rules get readings from ``BEFORE`` seconds before the first midnight to ``AFTER`` after it.

That is enough for the night that follows, and for the morning after it."""


@value_class
class Found:
    """The result of one rule for a day: findings of its own, and its part of the day's sum."""

    findings: tuple[Finding, ...] = ()
    sentences: tuple[str, ...] = ()
    measured: tuple[Measured, ...] = ()
    unknown: tuple[str, ...] = ()


Rule = Callable[[HiveDay], Found]
"""A pure function. The later it is asked (``until``), the more stages of its findings it tells; the
earlier ones stay the same."""


def between(values: Sequence[Value], begin: float, end: float) -> Sequence[Value]:
    """Those of the values from ``begin`` on, and before ``end``."""
    first = bisect_left(values, begin, key=lambda value: value.at)
    return values[first : bisect_left(values, end, key=lambda value: value.at)]


def are_enough(values: Sequence[Value], wanted: int) -> bool:
    """Whether there are values, and :data:`ENOUGH` of the ``wanted`` number."""
    return bool(values) and len(values) >= ENOUGH * wanted


def expected(values: Sequence[Value], begin: float, end: float) -> int:
    """The number of readings to expect in a time, by the usual interval between them."""
    if len(values) < 3:
        return 0
    usual = statistics.median(later.at - earlier.at for earlier, later in pairwise(values))
    return round((end - begin) / usual) if usual else 0


def moment(at: float) -> str:
    """A moment, in seconds since 1970, as a finding tells it (UTC)."""
    return iso(round(at * US_PER_SECOND))
