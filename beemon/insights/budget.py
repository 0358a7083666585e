"""The day's budget: the change of the hive's weight by its bees alone.

The day's net is the difference of the levels of its two nights: no bees are out then (Meikle et
al., "Within-day variation in continuous hive weight data as a measure of honey bee colony
activity", Apidologie 39, 2008). Steps are taken out of the curve, and so are the readings during
them. The morning's dip below the line of the night is the weight of foragers (Meikle et al., "Using
within-day hive weight changes to measure environmental effects on honey bee colonies", PLoS ONE 13,
2018).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from beemon.base.finding import Measured
from beemon.base.readings import GRAMS, WEIGHT
from beemon.insights.groups import changes_of
from beemon.insights.hive_day import ENOUGH, HOUR, Found, HiveDay, Value, expected
from beemon.insights.sentences import missing
from beemon.insights.sentences import weight as words
from beemon.scale.steps import DRIFT, LEVEL, LONGEST_GAP, MINUTE, Step

NIGHT = 2.0, 4.0
"""The hours, on the clocks, whose median is a night's level. The next night's are 24 later."""
EVENING = -3.5
"""The hour, before midnight, from which to the end of :data:`NIGHT` the night's loss is fitted."""
DAWN, MORNING = (4.0, 5.2), (5.5, 11.0)
"""The hours of the level from which the foragers leave, and those of the dip."""
SETTLING = 10 * MINUTE
"""The time after a step in seconds whose readings are left out."""
FORAGERS = 1000.0
"""The largest change of weight, in g, by foragers that leave or come home."""


def find_budget(day: HiveDay) -> Found:
    """The day's net, the loss of the night after it, and the morning's dip, of each scale."""
    found = [_budget(day, scale) for scale in day.told.scales]
    if not found:
        return Found(unknown=(words.NO_SCALE,))
    return Found(
        sentences=tuple(sentence for one in found for sentence in one.sentences),
        measured=tuple(number for one in found for number in one.measured),
        unknown=tuple(sentence for one in found for sentence in one.unknown),
    )


def _budget(day: HiveDay, scale: str) -> Found:
    steps = changes_of(day, scale)
    weights = day.values.get((scale, WEIGHT), ())
    clean = without_steps(weights, steps)
    reason = _reason(day, weights, clean)
    if reason is not None:
        return Found(unknown=(reason,))
    net = net_of(day, clean, steps)
    begin, end = day.clock(NIGHT[0]), day.clock(NIGHT[0] + 24.0)
    moved = math.fsum(step.grams for step in steps if begin <= step.end < end)
    level = _level(day, clean, steps)
    night = _slope(day, clean, 24.0)
    dip = dip_of(day, clean)
    several = f"_{scale.rpartition('.')[2]}" if len(day.told.scales) > 1 else ""
    numbers = [
        ("net", net, GRAMS), ("steps", Value(end, moved), GRAMS), ("level", level, GRAMS),
        ("night_loss", night, "g/h"), ("dip", dip, GRAMS),
    ]
    return Found(
        sentences=(words.budget(net, night, dip),) if net else (),
        measured=tuple(
            Measured(name + several, value.value, unit, value.uncertainty)
            for name, value, unit in numbers if value is not None
        ),
    )


def without_steps(weights: Sequence[Value], steps: Sequence[Step]) -> list[Value]:
    """The curve without the changes by steps, and without the readings during them."""
    clean: list[Value] = []
    for value in weights:
        gone = math.fsum(step.grams for step in steps if step.end <= value.at)
        if not any(step.begin < value.at < step.end + SETTLING for step in steps):
            clean.append(value._replace(value=value.value - gone))
    return clean


def _level(day: HiveDay, clean: Sequence[Value], steps: Sequence[Step]) -> Value | None:
    """The level of the night after the day, at its begin. The level of the night before, the net
    and the steps are its sum."""
    begin, end = _hours(day, NIGHT, 24.0)
    level = level_of(clean, begin, end)
    moved = math.fsum(step.grams for step in steps if step.end < begin)
    return level._replace(value=level.value + moved) if level else None


def net_of(day: HiveDay, clean: Sequence[Value], steps: Sequence[Step]) -> Value | None:
    """The change from one night's level to the next without steps, in g."""
    before = level_of(clean, *_hours(day, NIGHT))
    after = level_of(clean, *_hours(day, NIGHT, 24.0))
    if before is None or after is None:
        return None
    between = [step.uncertainty for step in steps if before.at <= step.end <= after.at]
    unsure = math.hypot(before.uncertainty or 0.0, after.uncertainty or 0.0, *between)
    return Value(after.at, after.value - before.value, unsure)


def level_of(weights: Sequence[Value], begin: float, end: float) -> Value | None:
    """The median of a time, with its standard uncertainty; None without enough readings.

    The variance of a median is pi/2 times that of the mean.
    """
    inside = [value.value for value in weights if begin <= value.at < end]
    if len(inside) < 2 or len(inside) < ENOUGH * expected(weights, begin, end):
        return None
    unsure = math.sqrt(math.pi / 2 / len(inside)) * statistics.stdev(inside)
    return Value((begin + end) / 2, statistics.median(inside), unsure)


def dip_of(day: HiveDay, clean: Sequence[Value]) -> Value | None:
    """The largest fall of the morning's weight below the line of the night, in g.

    None if it is not known, or if the scale does not show it.
    """
    slope, dawn = _slope(day, clean, 0.0), level_of(clean, *_hours(day, DAWN))
    if slope is None or dawn is None:
        return None
    begin, end = _hours(day, MORNING)
    best: Value | None = None
    while begin + LEVEL <= end:
        low = level_of(clean, begin, begin + LEVEL)
        begin += LEVEL
        if low is None:
            continue
        hours = (low.at - dawn.at) / HOUR
        below = dawn.value - slope.value * hours - low.value
        unsure = math.hypot(dawn.uncertainty or 0.0, low.uncertainty or 0.0,
                            hours * (slope.uncertainty or 0.0))
        if best is None or below > best.value:
            best = Value(low.at, below, unsure)
    return best if best is not None and best.value >= 2 * (best.uncertainty or 0.0) else None


def _slope(day: HiveDay, clean: Sequence[Value], later: float) -> Value | None:
    """The loss of a night by a straight line, in g an hour."""
    begin, end = day.clock(EVENING + later), day.clock(NIGHT[1] + later)
    inside = [value for value in clean if begin <= value.at < end]
    if len(inside) < 3 or len(inside) < ENOUGH * expected(clean, begin, end):
        return None
    hours = [(value.at - begin) / HOUR for value in inside]
    grams = [value.value for value in inside]
    line = statistics.linear_regression(hours, grams)
    left = [g - line.slope * h - line.intercept for h, g in zip(hours, grams, strict=True)]
    spread = statistics.pvariance(hours) * len(hours)
    unsure = math.sqrt(math.fsum(each * each for each in left) / (len(left) - 2) / spread)
    return Value(end, -line.slope, unsure)


def _hours(day: HiveDay, hours: tuple[float, float], later: float = 0.0) -> tuple[float, float]:
    return day.clock(hours[0] + later), day.clock(hours[1] + later)


def _reason(day: HiveDay, weights: Sequence[Value], clean: Sequence[Value]) -> str | None:
    """The reason why the day's net is not known; None if enough was measured."""
    begin, end = day.clock(NIGHT[0]), day.clock(NIGHT[1] + 24.0)
    for first, last in ((begin, end), _hours(day, NIGHT), _hours(day, NIGHT, 24.0)):
        count = len([value for value in weights if first <= value.at < last])
        planned = expected(weights, first, last)
        if count < max(2.0, ENOUGH * planned):
            return missing.too_few(words.WEIGHT, count, planned)
    for earlier, later in pairwise(value for value in clean if begin <= value.at < end):
        seconds = later.at - earlier.at
        if seconds > LONGEST_GAP and (
            abs(later.value - earlier.value) > FORAGERS + DRIFT * seconds
        ):
            return words.changed_unseen(
                day.time_of(earlier.at), day.time_of(later.at), later.value - earlier.value
            )
    return None
