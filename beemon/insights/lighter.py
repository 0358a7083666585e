"""Lighter than half for an hour: a hive that was carried away, that fell over, or a broken scale.

On ten real hives in a summer it happened 76 times in visits, for 30 minutes at most.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import takewhile

from beemon.base.finding import STANDS, WITHDRAWN, Finding, Measured, Stage
from beemon.base.readings import GRAMS, WEIGHT
from beemon.insights.hive_day import ENOUGH, HOUR, Found, HiveDay, Value, expected, moment
from beemon.insights.sentences import weight as words
from beemon.scale.steps import QUIET

RULE, VERSION = "lighter", 1
HALF = 0.5
LONG = HOUR
"""The time, in seconds, for which it is lighter."""
USUAL = 12 * HOUR
"""The time before the day, in seconds, whose median is the hive's weight."""
LEAST = 2000.0
"""The least weight of a hive with bees, in g."""


def find_lighter(day: HiveDay) -> Found:
    """The times from which on the hive weighed less than half, if they began on the day."""
    found = [finding for scale in day.told.scales for finding in _of_scale(day, scale)]
    return Found(tuple(found), tuple(finding.says for finding in found))


def _of_scale(day: HiveDay, scale: str) -> Iterator[Finding]:
    before = day.between(scale, WEIGHT, day.begin - USUAL, day.begin)
    if not before:
        return
    usual = statistics.median(value.value for value in before)
    weights = day.between(scale, WEIGHT, before[-1].at, day.until + 1)
    for begin in _falls(weights, usual) if usual >= LEAST else ():
        run = list(takewhile(lambda value: value.value < HALF * usual, weights[begin:]))
        hour = [value for value in run if value.at < run[0].at + LONG]
        told = next((value for value in run if value.at >= run[0].at + LONG), None)
        if told is None or run[0].at >= day.end or len(hour) < ENOUGH * expected(
            weights, run[0].at, run[0].at + LONG
        ):
            continue
        grams = statistics.median(value.value for value in hour)
        yield _finding(day, scale, STANDS, run[0].at, told.at, usual, grams)
        back = _back(weights[begin + len(run) :], usual)
        if back is not None:
            yield _finding(day, scale, WITHDRAWN, run[0].at, back.at, usual, grams)


def _falls(weights: Sequence[Value], usual: float) -> Iterator[int]:
    """The first of successive light readings, after one that is not light."""
    for here in range(1, len(weights)):
        if weights[here].value < HALF * usual <= weights[here - 1].value:
            yield here


def _back(weights: Sequence[Value], usual: float) -> Value | None:
    """The reading that shows that the weight is back; None if it is not."""
    run = list(takewhile(lambda value: value.value >= HALF * usual, weights))
    return next((value for value in run if value.at >= run[0].at + QUIET), None)


def _finding(
    day: HiveDay, scale: str, stage: Stage, begin: float, told: float, usual: float, grams: float
) -> Finding:
    time = day.time_of(begin)
    says = words.lighter(time, grams, usual) if stage == STANDS else (
        words.lighter_before(time, day.time_of(told))
    )
    return Finding(
        "lighter", stage, day.told.hive, moment(begin), moment(begin + LONG), moment(told), says,
        RULE, VERSION, scale, (Measured("usual", usual, GRAMS), Measured("lighter", grams, GRAMS)),
    )
