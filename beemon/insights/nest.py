"""Nest: whether the bees hold the temperature of brood at the thermometer in the nest.

A colony keeps its brood at 33 to 36 °C, day and night. A thermometer inside a nest hardly follows
the air. On ten hives (BeePi, 2022) its hourly means varied by 0.1 to 0.3 K in a day. A thermometer
elsewhere in the hive shows nothing of the brood. On two of twelve days on which a beekeeper saw
brood (UrBAN, 2021), the temperature was not held. For that reason no sentence denies brood.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from beemon.base.finding import STANDS, Finding, Measured
from beemon.insights.hive_day import Found, HiveDay, are_enough, expected, moment
from beemon.insights.hourly import hourly_means
from beemon.insights.sentences import missing
from beemon.insights.sentences import nest as words

Word = Literal["held", "left", "unclear"]

HELD_MEAN = 33.0, 36.5
"""The mean temperature of a day on which it is held, in °C."""
HELD_SD, HELD_MIN = 0.6, 32.0
"""The largest standard deviation of its hourly means, in K, and the least of them, in °C."""
LEFT_MEAN, LEFT_SD = 32.0, 1.0
"""Below the one (°C), or above the other (K), a day's temperature is clearly not held."""
DAYS, LATEST = 3, 4
"""``DAYS`` days of the ``LATEST`` decide the state, so that an inspection does not change it."""
HELD_BEFORE = 7
"""The days on which the temperature was held, before it can be no longer held."""
NAMES = "nest_mean", "nest_sd", "nest_min"
RULE, VERSION = "nest", 1


class Warmth(NamedTuple):
    """The temperature of a day: mean, standard deviation and least of the hourly means (°C, K)."""

    mean: float
    sd: float
    least: float

    @property
    def word(self) -> Word:
        low, high = HELD_MEAN
        if low <= self.mean <= high and self.sd <= HELD_SD and self.least >= HELD_MIN:
            return "held"
        return "left" if self.mean < LEFT_MEAN or self.sd > LEFT_SD else "unclear"


class State(NamedTuple):
    """The state after a day. ``word`` is ``left`` only if the temperature was held long before.

    ``held`` is the number of days on which it was held until then. ``since`` is the number of days
    since the state began.
    """

    word: Word
    held: int
    since: int


def find_nest(day: HiveDay) -> Found:
    """The sentence of the day, and a finding on the day on which the state changes."""
    if day.told.nest is None:
        return Found(unknown=(missing.not_set(words.NEST, "nest"),))
    if day.until < day.end:
        return Found()
    values = day.between(*day.told.nest, day.begin, day.end)
    wanted = expected(values, day.begin, day.end)
    if not are_enough(values, wanted):
        return Found(unknown=(missing.too_few(words.NEST, len(values), wanted),))
    means = hourly_means(values, day.begin).values()
    found = statistics.fmean(means), statistics.pstdev(means), min(means)
    return _found(day, Warmth(*(round(number, 2) for number in found)), len(values))


def states(words_of_days: Sequence[Word | None]) -> list[State]:
    """The state after each of successive days; None is a day without enough readings."""
    found = [State("unclear", 0, 0)]
    for number in range(1, len(words_of_days) + 1):
        found.append(_next(found[-1], words_of_days[max(0, number - LATEST):number]))
    return found[1:]


def _next(state: State, latest: Sequence[Word | None]) -> State:
    held = (0 if state.word == "left" else state.held) + (latest[-1] == "held")
    if latest.count("held") >= DAYS:
        return State("held", held, state.since + 1 if state.word == "held" else 0)
    if latest.count("left") < DAYS or state.word == "left":
        return State(state.word, held, state.since + 1)
    return State("left", held, 0) if held >= HELD_BEFORE else State("unclear", 0, 0)


def _found(day: HiveDay, warmth: Warmth, count: int) -> Found:
    of_days = [*(_word(numbers) for numbers in day.past), warmth.word]
    state, latest = states(of_days)[-1], of_days[-LATEST:]
    numbers = tuple(
        Measured(name, value, unit, n=count)
        for name, value, unit in zip(NAMES, warmth, ("°C", "K", "°C"), strict=True)
    )
    part = Found(sentences=(_sentence(warmth, state, of_days),), measured=numbers)
    if state.since or state.word == "unclear":
        return part
    return replace(part, findings=(_finding(day, latest, state, part),))


def _word(numbers: Mapping[str, Measured]) -> Word | None:
    found = [numbers.get(name) for name in NAMES]
    known = [number.value for number in found if number]
    return Warmth(*known).word if len(known) == len(NAMES) else None


def _sentence(warmth: Warmth, state: State, of_days: Sequence[Word | None]) -> str:
    mean, sd, _ = warmth
    if state.word == warmth.word == "left":
        return words.left(mean, sd)
    if state.word == warmth.word == "held":
        return words.held(mean, sd)
    if state.word == "held":
        return words.still_held(mean, sd, [*reversed(of_days)].index("held"))
    return words.measured(mean, sd)


def _finding(day: HiveDay, latest: Sequence[Word | None], state: State, part: Found) -> Finding:
    """The finding that the state has changed; it is about the days that changed it."""
    days, of = latest.count(state.word), len(latest)
    begin = day.clock(24.0 * (latest.index(state.word) + 1 - of))
    for_ = [words.days_held(days, of)] if state.word == "held" else [
        words.days_left(days, of), words.was_held(state.held),
    ]
    return Finding(
        f"nest-{state.word}", STANDS, day.told.hive, moment(begin), moment(day.end),
        moment(day.end), " ".join(part.sentences), RULE, VERSION,
        device=day.told.nest and day.told.nest[0], measured=part.measured,
        for_=tuple(for_), unknown=() if state.word == "held" else (words.ELSEWHERE, words.IN_PLACE),
    )
