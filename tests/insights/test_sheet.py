"""The sheet: each sensor has its own sentences, each number its side, and no rule says more.

One rich day, with every sensor that a rule looks at, is judged by all rules together.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beemon.base.finding import KINDS, Measured
from beemon.insights.day import RULES, findings_of
from beemon.insights.gathering import QUANTITIES
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
RAIN = "sensor.gauge", "rain"
TILT = "sensor.comb", "tilt"
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
        RAIN: every(10, lambda hour: 0.0),
        TILT: every(1, lambda hour: 9.0 if hour >= 18 else 2.0),
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
    rain = [(one.at, one.value) for one in values[RAIN]] if RAIN in values else None
    return Around(is_day, bees_out=bees, rain=rain)


def day_of(values: Values, before: Sequence[Mapping[str, Measured]] | None = None) -> HiveDay:
    told = Told("hive", {SCALE: around(values)}, empty=21_000, nest=NEST, outside=OUTSIDE,
                accelerometers=[TILT[0]])
    return hive_day(DATE, told, values, past=past() if before is None else before)


Change = Callable[[HiveDay], HiveDay]


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


def test_the_rich_day_has_every_quantity_that_is_read_for_the_rules():
    """A quantity that is read for another rule belongs into the rich day, or not into the reading.
    """
    here = {quantity for _, quantity in rich()}
    assert here | {"rain_rate"} == QUANTITIES  # rain by the sensor of the air: see test_swarm


@pytest.mark.parametrize("device", sorted({device for device, _ in rich()}))
def test_a_sensor_that_is_missing_moves_its_sentences_to_the_unknown(device):
    whole = Sheet.of(day_of(rich()))
    left = Sheet.of(day_of({key: found for key, found in rich().items() if key[0] != device}))
    assert left.known <= whole.known, "another sentence changed"
    assert left.known < whole.known, "it had no sentence"
    assert left.numbers.items() <= whole.numbers.items()
    assert left.unknown - whole.unknown, "nothing tells that it is missing"


def mirrored(*keys: Key) -> Change:
    """The day whose values of a sensor go the other way from its first value on."""
    def change(day: HiveDay) -> HiveDay:
        values = dict(day.values)
        for key in keys:
            first = values[key][0].value
            values[key] = [one._replace(value=2 * first - one.value) for one in values[key]]
        return replace(day, values=values)
    return change


def negative(*keys: Key) -> Change:
    def change(day: HiveDay) -> HiveDay:
        turned = {key: [one._replace(value=-one.value) for one in day.values[key]] for key in keys}
        return replace(day, values={**day.values, **turned})
    return change


def with_bees_turned(day: HiveDay) -> HiveDay:
    """As many bees come as left."""
    values = {**day.values, OUT: day.values[IN], IN: day.values[OUT]}
    return replace(day, told=replace(day.told, scales={SCALE: around(values)}))


def with_gains(day: HiveDay) -> HiveDay:
    days = [
        {name: replace(one, value=-one.value) if name == "net" else one
         for name, one in numbers.items()}
        for numbers in day.past
    ]
    return replace(day, past=days)


def heavy(day: HiveDay) -> HiveDay:
    """The hive weighs less than it should without food."""
    return replace(day, told=replace(day.told, empty=39_000.0))


class Turn(NamedTuple):
    """Numbers with the other sign: the words of their sentence before and after."""

    names: str
    change: Change
    before: str
    after: str


TURNS = (
    Turn("net level dip steps", mirrored(WEIGHT), "the hive lost", "the hive gained"),
    Turn("night_loss", mirrored(WEIGHT), "it lost 4.0 g an hour", "it gained 4.0 g an hour"),
    Turn("left jump", mirrored(WEIGHT), "kg left within", "it weighed 1.80 kg more afterwards"),
    Turn("loss loss_least loss_most", with_gains, "days it lost", "days it gained"),
    Turn("food food_least food_most", heavy, "above `empty` last for", "less than `empty`"),
    Turn("bees", with_bees_turned, "more bees that left than came", "it lost 1.80 kg within"),
    Turn("hum_change", mirrored(HUM), "the hum was 6.0 dB quieter", "the hum was 6.0 dB louder"),
    Turn("air", negative(OUTSIDE), "warm enough to fly", "so few bees fly"),
    Turn("heat", negative(NEST), "K warmer than the air", "K colder than the air"),
    Turn("heat", negative(OUTSIDE), "the nest was 20.", "the nest was 48."),
    Turn("nest_mean nest_sd nest_min", negative(NEST), "brood at the thermometer", "showed -34.6"),
    Turn("tilt usual tilt_comb tilt_most_comb", mirrored(TILT), "leans by 9°", "leans by -5°"),
)
"""Each number that a sentence of the rich day uses. ``toots`` counts, and has no sign.
``nest_change`` has none either: the nest grows warmer or colder, by the thermometer's place."""
WITHOUT_A_SIGN = {"toots", "nest_change"}


def numbers_of(day: HiveDay) -> set[str]:
    parts = [rule(day) for rule in RULES.values()]
    found = [*(one for part in parts for one in part.measured),
             *(one for part in parts for finding in part.findings for one in finding.measured)]
    return {one.name for one in found if not re.fullmatch(r"hum_\d\d", one.name)}


def test_every_number_of_the_rich_day_is_turned():
    names = {name for turn in TURNS for name in turn.names.split()}
    assert numbers_of(day_of(rich())) <= names | WITHOUT_A_SIGN


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: f"{turn.names}: {turn.before}")
def test_a_number_with_the_other_sign_changes_its_sentence(turn):
    day = day_of(rich())
    before, after = Sheet.of(day).known, Sheet.of(turn.change(day)).known
    assert any(turn.before in says for says in before)
    assert any(turn.after in says for says in after)
    assert not any(turn.after in says for says in before)
    assert not any(turn.before in says for says in after)


def test_a_visit_that_adds_or_takes_weight_is_told_so():
    for grams, words in ((4000, "more"), (-5000, "less")):
        made = {**rich(), WEIGHT: weights((SWARM, 0, -6000), (SWARM + 0.3, 0, 6000 + grams))}
        assert any(f"kg {words} afterwards" in says for says in Sheet.of(day_of(made)).known)


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
