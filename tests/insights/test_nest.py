"""The nest's temperature: held at the thermometer, no longer held there, or not measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from beemon.base.finding import Finding, Measured
from beemon.insights.hive_day import Found, Told, Value
from beemon.insights.nest import Warmth, find_nest
from tests.insights.days import hive_day, season

NEST = "sensor.brood", "temperature"
TOLD = Told("h", {}, nest=NEST)
FIRST = date(2026, 5, 1)
HELD, UNCLEAR, LEFT = (34.8, 0.2), (34.0, 0.8), (30.0, 1.5)
"""The mean and the standard deviation of a day, in °C and K."""


def wave(day: date, mean: float, sd: float, every: int = 15) -> Iterator[Value]:
    """A day's values, ``every`` so many minutes, as a sine."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    for minute in range(0, 1440, every):
        turn = math.sin(2 * math.pi * (minute // 60 + 0.5) / 24)
        yield Value(begin + minute * 60, mean + sd * math.sqrt(2) * turn)


def found_on(kinds: Sequence[tuple[float, float] | None]) -> list[Found]:
    """What is found on each of successive days; on a day that is None, nothing was measured."""
    values = [
        value for number, kind in enumerate(kinds) if kind
        for value in wave(FIRST + timedelta(days=number), *kind)
    ]
    return [found for _, found in season(TOLD, {NEST: values}, [find_nest])]


def findings(kinds: Sequence[tuple[float, float] | None]) -> list[tuple[int, Finding]]:
    return [(number, finding) for number, found in enumerate(found_on(kinds))
            for finding in found.findings]


def test_three_held_days_of_four_are_a_finding_once():
    (number, finding), = findings([HELD, UNCLEAR, HELD, HELD, HELD, HELD])
    assert (number, finding.kind, finding.stage) == (3, "nest-held", "stands")
    assert (finding.from_, finding.until) == (
        "2026-05-01T00:00:00.000Z", "2026-05-05T00:00:00.000Z",
    )
    assert finding.told == finding.until
    assert finding.says == "The nest was held at 34.8 °C, within 0.2 K: brood at the thermometer."
    assert finding.for_ == ("The temperature was held on 3 of the last 4 days.",)
    assert finding.device == "sensor.brood"


def test_two_held_days_are_none():
    assert findings([HELD, HELD, UNCLEAR, UNCLEAR]) == []
    assert "brood" not in found_on([HELD, HELD])[1].sentences[0]


@pytest.mark.parametrize(
    ("before", "told"), [(7, True), (6, False)], ids=["a week held", "less than a week"]
)
def test_no_longer_held_needs_a_week_that_was(before, told):
    kinds = [HELD] * before + [LEFT] * 4
    left = [(number, one) for number, one in findings(kinds) if one.kind == "nest-left"]
    assert [number for number, _ in left] == ([before + 2] if told else [])
    if told:
        finding = left[0][1]
        assert finding.says == (
            "The warmth of brood is no longer held where the thermometer is: 30.0 °C on average, "
            "within 1.5 K."
        )
        assert finding.from_ == "2026-05-08T00:00:00.000Z"
        assert finding.for_[1] == "Before that, it was held on 7 days."
        assert finding.unknown  # where the brood is


def test_it_is_told_again_after_another_week_only():
    kinds = [*[HELD] * 7, *[LEFT] * 3, *[HELD] * 5, *[LEFT] * 5]
    assert [one.kind for _, one in findings(kinds)] == ["nest-held", "nest-left", "nest-held"]


def test_the_sentence_of_a_day_that_is_no_longer_held_stays():
    *_, last = found_on([*[HELD] * 7, *[LEFT] * 9])
    assert last.findings == ()
    assert last.sentences[0].startswith("The warmth of brood is no longer held where")


def test_an_inspection_day_among_held_ones_changes_no_state():
    found = found_on([*[HELD] * 5, LEFT, *[HELD] * 3])
    assert [one.kind for each in found for one in each.findings] == ["nest-held"]
    assert found[5].sentences == (
        "The thermometer in the nest showed 30.0 °C on average, within 1.5 K. It was last held "
        "the day before, and not clearly lost since, so it still counts as held.",
    )


def test_unclear_days_keep_the_state_and_claim_no_brood():
    found = found_on([*[HELD] * 7, *[UNCLEAR] * 6])
    assert found[-1].sentences == (
        "The thermometer in the nest showed 34.0 °C on average, within 0.8 K. It was last held "
        "6 days before, and not clearly lost since, so it still counts as held.",
    )
    assert found[-1].findings == ()


def test_a_day_without_readings_is_one_of_the_four():
    assert findings([HELD, None, HELD, HELD])[0][0] == 3
    assert findings([HELD, None, None, HELD, HELD]) == []


@pytest.mark.parametrize(("most", "word"), [(36.5, "held"), (36.6, "unclear"), (33.0, "held"),
                                            (32.9, "unclear"), (32.0, "unclear"), (31.9, "left")])
def test_the_mean_decides(most, word):
    assert Warmth(most, 0.2, 32.0).word == word


@pytest.mark.parametrize(("sd", "word"), [(0.6, "held"), (0.61, "unclear"), (1.0, "unclear"),
                                          (1.01, "left")])
def test_the_variation_decides(sd, word):
    assert Warmth(34.5, sd, 33.0).word == word


def test_so_does_the_coldest_hour():
    assert Warmth(34.5, 0.5, 32.0).word == "held"
    assert Warmth(34.5, 0.5, 31.9).word == "unclear"


def test_the_numbers_of_a_day_are_those_of_its_hours():
    values = [value for value in wave(FIRST, 34.0, 0.5) if value.at % 14400]
    (found,) = (found for _, found in season(TOLD, {NEST: values}, [find_nest]))
    assert {(one.name, one.unit, one.n) for one in found.measured} == {
        ("nest_mean", "°C", 90), ("nest_sd", "K", 90), ("nest_min", "°C", 90),
    }
    mean, sd, least = (one.value for one in found.measured)
    assert (mean, sd) == (34.0, 0.5)
    assert least == pytest.approx(34 - 0.5 * math.sqrt(2), abs=0.01)


def test_each_hour_has_the_same_weight():
    begin = next(wave(FIRST, *HELD)).at
    more = [Value(begin + minute * 60, 36.4) for minute in range(1, 15)]
    values = sorted([*wave(FIRST, 34.0, 0.0), *more])
    mean, *_ = find_nest(hive_day(FIRST, TOLD, {NEST: values})).measured
    assert mean.value == pytest.approx(34 + (36.4 - 34) * 14 / 18 / 24, abs=0.01)


@pytest.mark.parametrize(("left_out", "enough"), [(19, True), (20, False)])
def test_fewer_than_four_fifths_of_the_readings_are_too_few(left_out, enough):
    values = [*wave(FIRST, *HELD)][:96 - left_out]
    found = find_nest(hive_day(FIRST, TOLD, {NEST: values}))
    assert bool(found.sentences) is enough
    assert found.unknown == (() if enough else (
        f"Not enough was measured ({96 - left_out} of 96) of the temperature of the nest.",
    ))


def test_no_reading_and_no_option_are_told_apart():
    assert find_nest(hive_day(FIRST, TOLD, {})).unknown == (
        "The temperature of the nest was not measured.",
    )
    assert find_nest(hive_day(FIRST, Told("h", {}), {})).unknown == (
        "The temperature of the nest is not known: `nest` is not set in [hive].",
    )


def test_nothing_is_told_before_the_day_is_over():
    values = [*wave(FIRST, *HELD)]
    day = hive_day(FIRST, TOLD, {NEST: values})
    early = hive_day(FIRST, TOLD, {NEST: values}, until=day.end - 1)
    assert find_nest(early) == Found()
    assert find_nest(hive_day(FIRST, TOLD, {NEST: values}, until=day.end)) == find_nest(day)


def test_a_day_of_23_hours_is_a_day():
    zone = ZoneInfo("Europe/Berlin")
    short = date(2026, 3, 29)
    begin = datetime(2026, 3, 29, tzinfo=zone).timestamp()
    values = [Value(begin + 900.0 * number, 34.5) for number in range(92)]
    found = find_nest(hive_day(short, TOLD, {NEST: values}, zone=zone))
    assert found.measured[0].n == 92
    assert not found.unknown


def test_the_same_numbers_with_the_other_sign_are_on_the_other_side():
    past = [{one.name: one for one in found.measured} for found in found_on([HELD] * 4)]
    turned = [
        {name: replace(one, value=-one.value) for name, one in numbers.items()} for numbers in past
    ]
    warm = [*wave(FIRST, *HELD)]
    cold = [value._replace(value=-value.value) for value in warm]

    def sentence(values: list[Value], before: list[dict[str, Measured]]) -> str:
        return find_nest(hive_day(FIRST, TOLD, {NEST: values}, past=before)).sentences[0]

    assert "brood at" in sentence(warm, past)
    assert "brood" not in sentence(warm, turned)
    assert "brood" not in sentence(cold, turned)
