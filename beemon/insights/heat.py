"""Heat: whether the colony warms its nest in the night.

Nine living hives in Bulgaria and Montréal were measured in 1,141 nights. From midnight to 5 o'clock
the nest was at least 5.2 K warmer than the air; in January its mean was as low as 17 °C. In another
hive the difference fell below 3 K in October, and was small from then on. At that time of day the
sun cannot heat the nest.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import takewhile

from beemon.base.finding import STANDS, Finding, Measured
from beemon.insights.hive_day import Found, HiveDay, Value, are_enough, expected, moment
from beemon.insights.hourly import hourly_means
from beemon.insights.sentences import missing
from beemon.insights.sentences import nest as words

NIGHT = 24.0, 29.0
"""The hours, on the clocks of the day, of the night after it."""
LITTLE = 3.0
"""Below this difference between nest and air, in K, the hive makes no heat."""
NIGHTS = 2
"""Successive nights with little heat that make a finding."""
WARMEST = 26.0
"""The warmest night, in °C, for which the rule has been tested. In a warmer one, brood wants little
more than the air."""
NAME = "heat"
RULE, VERSION = "heat", 1


def find_heat(day: HiveDay) -> Found:
    """The sentence of the night, and a finding in the second night with little heat."""
    nest, outside = day.told.nest, day.told.outside
    if nest is None or outside is None:
        return Found(unknown=_not_set(nest, outside))
    begin, end = map(day.clock, NIGHT)
    if day.until < end:
        return Found()
    inside, air = day.between(*nest, begin, end), day.between(*outside, begin, end)
    unknown = (
        *_too_few(words.NIGHTLY_NEST, inside, begin, end),
        *_too_few(words.NIGHTLY_OUTSIDE, air, begin, end),
    )
    if unknown:
        return Found(unknown=unknown)
    means, means_outside = hourly_means(inside, begin), hourly_means(air, begin)
    if (warm := statistics.fmean(means_outside.values())) > WARMEST:
        return Found(unknown=(words.too_warm(warm),))
    both = [means[hour] - means_outside[hour] for hour in means.keys() & means_outside.keys()]
    excess = round(statistics.fmean(both), 2)
    return _found(day, Measured(NAME, excess, "K", n=len(inside)))


def _not_set(nest: object, outside: object) -> tuple[str, ...]:
    wanted = (words.NIGHTLY_NEST, "nest", nest), (words.OUTSIDE, "outside", outside)
    return tuple(missing.not_set(subject, option) for subject, option, is_set in wanted
                 if is_set is None)


def _too_few(subject: str, values: Sequence[Value], begin: float, end: float) -> tuple[str, ...]:
    wanted = expected(values, begin, end)
    if are_enough(values, wanted):
        return ()
    return (missing.too_few(subject, len(values), wanted),)


def _found(day: HiveDay, heat: Measured) -> Found:
    says = [words.in_the_night(heat.value, day.told.outside in day.modelled)]
    if heat.value >= LITTLE:
        return Found(sentences=tuple(says), measured=(heat,))
    before = [numbers[NAME].value for numbers in takewhile(_is_little, reversed(day.past))]
    nights = len(before) + 1
    if nights >= NIGHTS:
        says.append(words.no_heat(nights))
    findings = [_finding(day, heat, before[0], " ".join(says))] if nights == NIGHTS else []
    return Found(tuple(findings), tuple(says), (heat,))


def _is_little(numbers: Mapping[str, Measured]) -> bool:
    return NAME in numbers and numbers[NAME].value < LITTLE


def _finding(day: HiveDay, heat: Measured, before: float, says: str) -> Finding:
    begin, end = NIGHT
    return Finding(
        "no-heat", STANDS, day.told.hive, moment(day.clock(begin - 24 * (NIGHTS - 1))),
        moment(day.clock(end)), moment(day.clock(end)), says, RULE, VERSION,
        device=day.told.nest and day.told.nest[0], measured=(heat,),
        for_=(words.night_before(before),),
        against=(words.MODELLED,) if day.told.outside in day.modelled else (),
        unknown=(words.IN_PLACE,),
    )
