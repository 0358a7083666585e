"""The sheet: each sensor has its own sentences, each number its side, and no rule says more.

One rich day, with every sensor that a rule looks at, is judged by all rules together.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beemon.base.finding import KINDS, Measured
from beemon.insights.day import RULES, findings_of
from beemon.insights.hive_day import AFTER, BEFORE, HOUR, Found, HiveDay, Told, Value
from beemon.scale.steps import Around
from tests.insights.curves import BEGIN, DATE, SCALE, is_day, weights
from tests.insights.days import hive_day
from tests.insights.test_sentences import wrong_with

Key = tuple[str, str]
Values = Mapping[Key, Sequence[Value]]

NEST, OUTSIDE = ("sensor.brood", "temperature"), ("sensor.weather", "temperature")
WEIGHT = SCALE, "weight"
OUT, IN = ("sensor.gate", "bees_out"), ("sensor.gate", "bees_in")
HUM, TOOTS = ("microphone.brood", "hum"), ("microphone.brood", "toots")
LID = "sensor.lid", "contact"
SWARM = 13.0
"""The hour from which a swarm leaves, within twelve minutes."""


def every(minutes: float, of: Callable[[float], float]) -> list[Value]:
    """Values at all times of a day, by the hour of the day."""
    times = range(int((BEFORE + AFTER) / 60 / minutes))
    found = ((number * minutes * 60 - BEFORE) for number in times)
    return [Value(BEGIN + at, of(at / HOUR)) for at in found]


def is_swarming(hour: float) -> bool:
    return SWARM <= hour < SWARM + 0.2


def rich() -> dict[Key, Sequence[Value]]:
    """A held nest in a cool night, a swarm at noon, and a young queen in the night after."""
    return {
        WEIGHT: weights((SWARM, 12, -1800), minutes=1.0, own=lambda hour: -4 * hour),
        NEST: every(5, lambda hour: 34.6 + 0.1 * math.sin(hour) + 1.4 * is_swarming(hour)),
        OUTSIDE: every(15, lambda hour: 14.0),
        OUT: every(1, lambda hour: 20.0 + 700 * is_swarming(hour)),
        IN: every(1, lambda hour: 20.0),
        HUM: every(10, lambda hour: -40.0 - 6 * (SWARM < hour < 15)),
        TOOTS: every(30, lambda hour: 9.0 if 24 <= hour < 28 else 0.0),
        LID: every(5, lambda hour: 0.0),
    }


def past() -> list[dict[str, Measured]]:
    """Three weeks like the day, without a swarm."""
    numbers = {
        "nest_mean": (34.6, "°C"), "nest_sd": (0.1, "K"), "nest_min": (34.4, "°C"),
        "heat": (20.0, "K"), "net": (-90.0, "g"), "level": (30_000.0, "g"),
        "night_loss": (4.0, "g/h"), "toots": (4.0, ""),
    }
    hums = {f"hum_{hour:02}": (-40.0, "dB") for hour in range(24)}
    return [
        {name: Measured(name, value + 0.01 * (day % 3), unit)
         for name, (value, unit) in {**numbers, **hums}.items()}
        for day in range(21)
    ]


def around(values: Values) -> Around:
    """The data around the scale, of the sensors that are there."""
    out, back = values.get(OUT), values.get(IN)
    bees = [(one.at, one.value - other.value) for one, other in zip(out, back, strict=True)] \
        if out and back else None
    return Around(is_day, bees_out=bees)


def day_of(values: Values, before: Sequence[Mapping[str, Measured]] | None = None) -> HiveDay:
    told = Told("hive", {SCALE: around(values)}, empty=21_000, nest=NEST, outside=OUTSIDE)
    return hive_day(DATE, told, values, past=past() if before is None else before)


class Sheet(NamedTuple):
    """All that the rules say of a day."""

    known: frozenset[str]
    unknown: frozenset[str]
    numbers: Mapping[str, float]

    @classmethod
    def of(cls, day: HiveDay) -> Sheet:
        parts = [rule(day) for rule in RULES.values()]
        findings = [one for part in parts for one in part.findings]
        known = [says for part in parts for says in part.sentences]
        known += [says for one in findings for says in (one.says, *one.for_, *one.against)]
        unknown = [says for part in parts for says in part.unknown]
        unknown += [says for one in findings for says in one.unknown]
        numbers = {one.name: one.value for part in parts for one in part.measured}
        return cls(frozenset(known), frozenset(unknown), numbers)


RULE_OF = {
    "sensor.scale": "budget", "sensor.brood": "nest", "sensor.weather": "heat",
    "sensor.gate": "swarm", "sensor.lid": "swarm", "microphone.brood": "tooting",
}
"""A rule for each sensor; others may look at it, too."""


@pytest.mark.parametrize("device", [one for one, rule in RULE_OF.items() if rule in RULES])
def test_a_sensor_that_is_missing_moves_its_sentences_to_the_unknown(device):
    whole = Sheet.of(day_of(rich()))
    left = Sheet.of(day_of({key: found for key, found in rich().items() if key[0] != device}))
    assert left.known <= whole.known, "another sentence changed"
    assert left.known < whole.known, "it had no sentence"
    assert left.unknown - whole.unknown, "nothing tells that it is missing"
    assert left.numbers.items() <= whole.numbers.items()


def turned(values: Values, key: Key) -> Values:
    return {**values, key: [one._replace(value=-one.value) for one in values[key]]}


class Turn(NamedTuple):
    """A number with the other sign: the words of its sentence before and after."""

    key: Key
    before: str
    after: str


@pytest.mark.parametrize("turn", [
    Turn(NEST, "brood at the thermometer", "The thermometer in the nest showed -34.6 °C"),
    Turn(NEST, "K warmer than the air", "K colder than the air"),
    Turn(OUTSIDE, "the nest was 20.", "the nest was 48."),
], ids=lambda turn: f"{turn.key[0]}: {turn.before}")
def test_a_number_with_the_other_sign_changes_its_sentence(turn):
    assert any(turn.before in says for says in Sheet.of(day_of(rich())).known)
    after = Sheet.of(day_of(turned(rich(), turn.key), before=[]))
    assert any(turn.after in says for says in after.known)
    assert not any(turn.before in says for says in after.known)


def test_weight_that_was_lost_would_be_gained_with_the_other_sign():
    values = rich()
    level = values[WEIGHT][0].value
    values[WEIGHT] = [one._replace(value=2 * level - one.value) for one in values[WEIGHT]]
    before, after = Sheet.of(day_of(rich())).known, Sheet.of(day_of(values)).known
    lost = "By itself the hive lost", "By itself the hive gained"
    for here, there, found in ((*lost, before), (*reversed(lost), after)):
        assert any(says.startswith(here) for says in found)
        assert not any(says.startswith(there) for says in found)


def test_every_rule_is_silent_of_a_day_of_which_nothing_is_known():
    bare = hive_day(DATE, Told("hive", {}), {})
    found = {name: rule(bare) for name, rule in RULES.items()}
    assert [name for name, one in found.items() if one.findings or one.sentences] == []
    assert any(one.unknown for one in found.values())


@pytest.mark.parametrize("name", RULES)
def test_a_rule_asked_later_says_the_same_and_more(name):
    values, day = rich(), day_of(rich())
    findings: tuple = ()
    for hour in (6, 13.5, 14, 15, 17, 24, 28, 29, 33):
        known = hive_day(DATE, day.told, values, past=past(), until=day.clock(hour))
        later = RULES[name](known).findings
        assert set(findings) <= set(later)
        findings = later
    assert set(findings) <= set(RULES[name](day).findings)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_the_same_of_the_same_day(name):
    assert RULES[name](day_of(rich())) == RULES[name](day_of(rich()))


def wild(seed: int) -> Iterator[tuple[Key, list[Value]]]:
    """Some of the sensors, with levels, jumps, noise and gaps of all sizes."""
    chance = random.Random(seed)
    for key in rich():
        if chance.random() < 0.2:
            continue
        level = chance.uniform(-1, 1) * 10 ** chance.uniform(0, 5)
        size, keeps = 10 ** chance.uniform(-2, 4), chance.uniform(0.3, 1.2)
        found = []
        for one in every(chance.choice([5, 15, 30]), lambda _: 0.0):
            level += size * (chance.random() < 0.02) * chance.uniform(-1, 1)
            if chance.random() < keeps:
                found.append(one._replace(value=level + size / 10 * chance.gauss(0, 1)))
        yield key, found


@settings(max_examples=30, deadline=None, database=None)
@given(seed=st.integers(0, 10**6), days=st.integers(0, 21))
def test_of_any_day_every_sentence_is_plain_and_claims_nothing(seed, days):
    values = dict(wild(seed))
    told = Told("hive", {SCALE: Around(is_day)}, empty=21_000, nest=NEST, outside=OUTSIDE)
    chance = random.Random(seed)
    before = [
        {name: Measured(name, chance.uniform(-2, 2) * one.value, one.unit)
         for name, one in numbers.items() if chance.random() < 0.9}
        for numbers in past()[:days]
    ]
    day = hive_day(DATE, told, values, past=before)
    found: dict[str, Found] = {name: rule(day) for name, rule in RULES.items()}
    for finding in findings_of(day, found):
        assert finding.kind in KINDS
        for says in (*finding.for_, *finding.against, *finding.unknown, finding.says):
            assert not says or wrong_with(says) == [], says
