"""Days of a hive on a scale, made from a level and changes, for the tests of the rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

from beemon.base.finding import Measured
from beemon.base.readings import WEIGHT
from beemon.insights.hive_day import AFTER, BEFORE, HiveDay, Told, Value
from beemon.scale.steps import Around
from tests.insights.days import hive_day

HOUR, MINUTE = 3600.0, 60.0
SCALE = "sensor.scale"
DATE = date(2026, 6, 10)
BEGIN = datetime(2026, 6, 10, tzinfo=UTC).timestamp()

Change = tuple[float, float, float]
"""From an hour of the day, within so many minutes, so many grams."""


def is_day(at: float) -> bool:
    return 6 <= at % 86400 / HOUR < 20


def weights(
    *changes: Change, minutes: float = 5.0, own: Callable[[float], float] = lambda hour: 0.0
) -> list[Value]:
    """Readings of 30 kg with these changes, and with its ``own`` by the hour; 2 g of noise."""
    found = []
    for number in range(int((BEFORE + AFTER) / MINUTE / minutes)):
        at = BEGIN - BEFORE + number * minutes * MINUTE
        hour = (at - BEGIN) / HOUR
        grams = 30_000 + own(hour) + 2 * math.sin(number * 2.4)
        for begin, lasts, change in changes:
            grams += change * min(max((hour - begin) * 60 / max(lasts, 1e-6), 0.0), 1.0)
        found.append(Value(at, grams))
    return found


def day_of(
    readings: Sequence[Value], until: float | None = None, *, around: Around | None = None,
    empty: float | None = None, past: Sequence[Mapping[str, Measured]] = (),
    others: Mapping[tuple[str, str], Sequence[Value]] | None = None,
    nest: tuple[str, str] | None = None,
) -> HiveDay:
    """The day of these readings, as it is known at an hour of it, or in the end."""
    told = Told("hive", {SCALE: around or Around(is_day)}, empty, nest)
    known = None if until is None else BEGIN + until * HOUR + 1
    return hive_day(
        DATE, told, {(SCALE, WEIGHT): readings, **(others or {})}, past=past, until=known
    )
