"""Steps in groups: changes of a hive's weight that belong together, because they are near in time.

The bounds are beemon's own. On ten real hives, a super or a feeder was put back after 50 to 130
minutes (BeePi, June to September 2022). Bees that come home do not need longer.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from beemon.base.readings import WEIGHT
from beemon.insights.hive_day import HOUR, HiveDay, Value, between
from beemon.scale.steps import LEVEL, MINUTE, QUIET, SWARM_SECONDS, Step

TOGETHER = 3 * HOUR
"""The longest time, in seconds, between two steps of a group."""
BACK, HOME = "back", "home"
"""Kinds of changes beside those of steps: a loss that somebody put back, and bees that came home.
"""
BY_HAND = frozenset({"inspection", "lid", "harvest", "added", BACK})
"""The kinds that show that somebody was there."""
SAME = 150.0, 0.2
"""A loss is back if this many grams, or this share of it, are missing at most."""
SLOWLY, READINGS = 10 * MINUTE, 3
"""Bees that come home need at least ``SLOWLY`` seconds; ``READINGS`` show them on their way."""


def groups_of(day: HiveDay, scale: str) -> list[list[Step]]:
    """The changes by steps that lie within :data:`TOGETHER` of each other, without rain."""
    groups: list[list[Step]] = []
    last = 0.0
    for step in changes_of(day, scale):
        if groups and step.begin - last <= TOGETHER:
            groups[-1].append(step)
            last = max(last, step.end)
        else:
            groups.append([step])
            last = step.end
    return groups


def changes_of(day: HiveDay, scale: str) -> Sequence[Step]:
    """The steps in the order of time, and ways back that are no step; rain dries by itself."""
    return day.once(_changes)[scale]


def _changes(day: HiveDay) -> Mapping[str, Sequence[Step]]:
    return {scale: _changes_of(day, scale) for scale in day.told.scales}


def _changes_of(day: HiveDay, scale: str) -> list[Step]:
    steps = [step for step in day.steps.get(scale, ()) if step.kind != "rain"]
    for loss in [step for step in steps if step.kind in ("swarm", "loss")]:
        back = way_back(day.values.get((scale, WEIGHT), ()), loss)
        if back is None:
            continue
        others = [step for step in steps if step.begin <= back.end and back.begin <= step.end]
        if back.kind == HOME and all(step.kind == "added" for step in others):
            steps = [step for step in steps if step not in others]
            others = []
        if not others:
            steps.append(back)
    return sorted(steps, key=lambda step: step.begin)


def way_back(weights: Sequence[Value], loss: Step) -> Step | None:
    """The change that undid a loss within :data:`TOGETHER`; None without one.

    Foragers need longer than :data:`beemon.scale.steps.SWARM_SECONDS` for as much.
    """
    before = _level(weights, loss.begin - LEVEL, loss.begin)
    if before is None:
        return None
    missing = max(SAME[0], SAME[1] * -loss.grams)
    begin = loss.end
    for value in between(weights, loss.end, loss.end + TOGETHER):
        if value.value <= before + 0.8 * loss.grams:
            begin = value.at
        elif abs(value.value - before) <= missing:
            back = _back(weights, loss, begin, value.at)
            level = _level(weights, value.at, value.at + LEVEL)
            if back is not None and level is not None and abs(level - before) <= missing:
                return back
    return None


def _back(weights: Sequence[Value], loss: Step, begin: float, end: float) -> Step | None:
    known = bisect_left(weights, end + QUIET, key=lambda value: value.at)
    before = _level(weights, begin - LEVEL, begin)
    after = _level(weights, end, end + LEVEL)
    if end - begin > SWARM_SECONDS or known == len(weights) or before is None or after is None:
        return None
    on_the_way = len(between(weights, begin, end)) - 1
    kind = HOME if end - begin >= SLOWLY and on_the_way >= READINGS else BACK
    return Step(kind, begin, end, after - before, loss.uncertainty, weights[known].at)


def _level(weights: Sequence[Value], begin: float, end: float) -> float | None:
    inside = [value.value for value in between(weights, begin, end + 1)]
    return statistics.median(inside) if len(inside) >= 2 else None
