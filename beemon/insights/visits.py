"""Visits: the steps that somebody made at the hive, told as one with one change of weight."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from beemon.base.finding import STANDS, Finding, Measured
from beemon.base.readings import GRAMS
from beemon.base.values import value_class
from beemon.insights.groups import BY_HAND, TOGETHER, groups_of
from beemon.insights.hive_day import Found, HiveDay, moment
from beemon.insights.sentences import weight as words
from beemon.scale.steps import Step

VERSION = 1


@value_class
class Visit:
    """A time in which somebody was at the hive, and its change of weight in g.

    ``told`` is the first moment at which it counted as over.
    """

    begin: float
    end: float
    grams: float
    uncertainty: float
    told: float

    @classmethod
    def of(cls, steps: Sequence[Step], told: float) -> Visit:
        """The visit of these steps."""
        return cls(
            steps[0].begin, max(step.end for step in steps),
            math.fsum(step.grams for step in steps),
            math.hypot(*(step.uncertainty for step in steps)), told,
        )


def find_visits(day: HiveDay) -> Found:
    """The visits that began on the day, and their number and change of weight."""
    findings: list[Finding] = []
    last: list[Visit] = []
    for scale in day.told.scales:
        for stages in visits_of(day, scale):
            findings += [_finding(day, scale, visit) for visit in stages]
            last += stages[-1:]
    numbers = (
        Measured("visits", len(last), ""),
        Measured("visited", math.fsum(visit.grams for visit in last), GRAMS,
                 math.hypot(*(visit.uncertainty for visit in last))),
    )
    says = [_says(day, visit) for visit in last]
    says += [
        words.loss(day.time_of(step.begin), -step.grams, step.end - step.begin)
        for scale in day.told.scales for step in _losses(day, scale)
    ]
    return Found(tuple(findings), tuple(says), numbers if last else ())


def _losses(day: HiveDay, scale: str) -> Iterator[Step]:
    """The losses of the day that belong to no visit, and are too fast or too late for a swarm."""
    for steps in groups_of(day, scale):
        if not any(step.kind in BY_HAND for step in steps):
            yield from (
                step for step in steps if step.kind == "loss" and day.begin <= step.begin < day.end
            )


def visits_of(day: HiveDay, scale: str) -> Iterator[list[Visit]]:
    """Each visit that began on the day, as it looked at each time when it counted as over."""
    for steps in groups_of(day, scale):
        is_visit = any(step.kind in BY_HAND for step in steps)
        if is_visit and day.begin <= steps[0].begin < day.end:
            stages = [visit for visit in _stages(steps) if visit.told <= day.until]
            if stages:
                yield stages


def _stages(steps: Sequence[Step]) -> Iterator[Visit]:
    """A visit is over :data:`beemon.insights.groups.TOGETHER` after its last step, as far as
    known."""
    for number in range(1, len(steps) + 1):
        over = max(step.end for step in steps[:number]) + TOGETHER
        told = max(over, *(step.known for step in steps[:number]), 0.0)
        is_visit = any(step.kind in BY_HAND for step in steps[:number])
        if is_visit and (number == len(steps) or steps[number].known > told):
            yield Visit.of(steps[:number], told)


def _says(day: HiveDay, visit: Visit) -> str:
    return words.visit(day.time_of(visit.begin), visit.end - visit.begin, visit.grams)


def _finding(day: HiveDay, scale: str, visit: Visit) -> Finding:
    return Finding(
        "visit", STANDS, day.told.hive, moment(visit.begin), moment(visit.end),
        moment(visit.told), _says(day, visit), "visits", VERSION, scale,
        (Measured("visited", visit.grams, GRAMS, visit.uncertainty),),
    )
