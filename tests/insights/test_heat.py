"""Heat: two nights in which the nest is hardly warmer than the air."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from beemon.base.finding import Finding, Measured
from beemon.insights.heat import find_heat
from beemon.insights.hive_day import HOUR, Found, Told, Value
from tests.insights.days import Values, hive_day, season

NEST, OUTSIDE = ("sensor.brood", "temperature"), ("sensor.weather", "temperature")
TOLD = Told("h", {}, nest=NEST, outside=OUTSIDE)
FIRST = date(2026, 10, 1)
BEGIN = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
AIR = 8.0


def nights(excesses: Sequence[float | None], air: float = AIR) -> Values:
    """The values of the nights after successive days; of one that is None, none were made."""
    by_night = [
        (BEGIN + (24 * (number + 1) + hour / 4) * HOUR, excess)
        for number, excess in enumerate(excesses) if excess is not None for hour in range(20)
    ]
    return {
        NEST: [Value(at, air + excess) for at, excess in by_night],
        OUTSIDE: [Value(at, air) for at, _ in by_night][::4],
    }


def found_in(excesses: Sequence[float | None]) -> list[Found]:
    """What is found in each night; the first day begins with readings outside."""
    values = nights(excesses)
    values = {**values, OUTSIDE: [Value(BEGIN, AIR), *values[OUTSIDE]]}
    return [found for _, found in season(TOLD, values, [find_heat])][:len(excesses)]


def findings(excesses: Sequence[float | None]) -> list[tuple[int, Finding]]:
    return [(number, finding) for number, found in enumerate(found_in(excesses))
            for finding in found.findings]


def test_a_warm_nest_is_told_with_its_difference():
    (found,) = found_in([14.2])
    assert found.sentences == ("In the night the nest was 14.2 K warmer than the air outside.",)
    assert [(one.name, one.value, one.unit, one.n) for one in found.measured] == [
        ("heat", 14.2, "K", 20),
    ]
    assert found.findings == ()


def test_the_second_night_with_little_heat_is_a_finding():
    (number, finding), = findings([9.0, 2.9, 0.4, 1.0])
    assert number == 2
    assert (finding.kind, finding.stage, finding.device) == ("no-heat", "stands", "sensor.brood")
    assert finding.says == (
        "In the night the nest was 0.4 K warmer than the air outside. "
        "The hive has made no heat for 2 nights."
    )
    assert finding.for_ == ("In the night before, the difference was 2.9 K.",)
    assert (finding.from_, finding.until) == (
        "2026-10-03T00:00:00.000Z", "2026-10-04T05:00:00.000Z",
    )
    assert finding.told == finding.until
    assert finding.unknown == ("Nothing shows if the thermometer is still inside the nest.",)


def test_later_nights_are_sentences_alone():
    *_, last = found_in([2.0, 1.0, 0.5, -0.5])
    assert last.findings == ()
    assert last.sentences == (
        "In the night the nest was 0.5 K colder than the air outside.",
        "The hive has made no heat for 4 nights.",
    )


@pytest.mark.parametrize("excesses", [
    [2.0], [2.0, 3.0, 2.0], [2.9, 3.0], [3.0, 2.9], [2.0, None, 2.0],
], ids=str)
def test_one_night_alone_is_none(excesses):
    assert findings(excesses) == []
    assert not any("no heat" in says for found in found_in(excesses) for says in found.sentences)


def test_a_night_warmer_than_any_that_was_tested_tells_nothing():
    warm = hive_day(FIRST, TOLD, nights([2.0], air=26.1))
    assert find_heat(warm) == Found(
        unknown=("The night was too warm (26.1 °C) to see the heat of the hive.",)
    )
    assert find_heat(hive_day(FIRST, TOLD, nights([2.0], air=26.0))).sentences


def test_the_night_is_known_at_five():
    values = nights([2.0])
    day = hive_day(FIRST, TOLD, values)
    assert find_heat(hive_day(FIRST, TOLD, values, until=day.clock(29) - 1)) == Found()
    assert find_heat(hive_day(FIRST, TOLD, values, until=day.clock(29))) == find_heat(day)


@pytest.mark.parametrize(("nest", "outside", "unknown"), [
    (None, OUTSIDE, ["nest"]), (NEST, None, ["outside"]), (None, None, ["nest", "outside"]),
])
def test_an_option_that_is_missing_is_named(nest, outside, unknown):
    told = replace(TOLD, nest=nest, outside=outside)
    found = find_heat(hive_day(FIRST, told, nights([12.0])))
    assert [f"`{option}` is not set" in says for option, says in
            zip(unknown, found.unknown, strict=True)] == [True] * len(unknown)
    assert found.sentences == found.measured == ()


@pytest.mark.parametrize("out", [NEST, OUTSIDE], ids="{0[0]}".format)
def test_a_sensor_that_is_missing_moves_the_sentence_to_the_unknown(out):
    values = {**nights([12.0]), out: ()}
    found = find_heat(hive_day(FIRST, TOLD, values))
    where = "of the nest" if out == NEST else "outside"
    assert found == Found(unknown=(f"The temperature {where} in the night was not measured.",))


def test_too_few_readings_are_counted():
    values = nights([12.0])
    values = {**values, NEST: values[NEST][:15]}
    assert find_heat(hive_day(FIRST, TOLD, values)).unknown == (
        "Not enough was measured (15 of 20) of the temperature of the nest in the night.",
    )
    assert find_heat(hive_day(FIRST, TOLD, {**values, NEST: nights([12.0])[NEST][:16]})).sentences


def test_hours_are_compared_with_the_same_hour_outside():
    """A nest that is measured while it is cold outside is not compared with the warm hours."""
    at = [BEGIN + (24 + hour) * HOUR for hour in range(5)]
    air = [10.0, 8.0, 6.0, 4.0, 2.0]
    values = {
        NEST: [Value(moment, cold + 10) for moment, cold in zip(at, air, strict=True)][1:],
        OUTSIDE: [Value(moment, cold) for moment, cold in zip(at, air, strict=True)],
    }
    (heat,) = find_heat(hive_day(FIRST, TOLD, values)).measured
    assert heat.value == 10.0


def test_air_that_a_model_calculated_is_never_told_as_measured():
    past = [{"heat": Measured("heat", 1.0, "K")}]
    day = replace(hive_day(FIRST, TOLD, nights([2.0]), past=past), modelled={OUTSIDE})
    found = find_heat(day)
    assert found.sentences[0] == (
        "In the night the nest was 2.0 K warmer than the air outside (calculated by a weather "
        "model)."
    )
    (finding,) = found.findings
    assert finding.says.startswith(found.sentences[0])
    assert finding.against == (
        "The temperature outside was not measured. "
        "A weather model can differ from the air at the hive by several degrees.",
    )
    (measured,) = find_heat(replace(day, modelled={NEST})).findings
    assert measured.against == ()
