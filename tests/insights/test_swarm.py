"""Swarms: first told as a question, and later withdrawn with the reason, or left standing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beemon.base.finding import Finding, Measured
from beemon.insights.hive_day import HiveDay, Value
from beemon.insights.swarm import find_swarms
from beemon.scale.steps import Around
from tests.insights.curves import BEGIN, HOUR, MINUTE, SCALE, day_of, is_day, weights

SWARM = (12, 15, -1800)
NEST = ("sensor.nest", "temperature")
AIR, RAIN = ("sensor.weather", "temperature"), ("sensor.weather", "rain_rate")


def findings(*changes, until: float | None = None, minutes: float = 5.0) -> tuple[Finding, ...]:
    return find_swarms(day_of(weights(*changes, minutes=minutes), until)).findings


def stages(*changes, minutes: float = 5.0) -> list[str]:
    return [finding.stage for finding in findings(*changes, minutes=minutes)]


@pytest.mark.parametrize("minutes", [1, 5, 10, 15])
def test_a_swarm_is_told_after_half_an_hour_and_stands_after_three(minutes):
    first, stands = findings(SWARM, minutes=minutes)
    assert (first.stage, stands.stage) == ("first", "stands")
    assert first.told in [f"2026-06-10T12:{minute}:00.000Z" for minute in (45, 46, 47, 48, 49, 50)]
    assert stands.told[11:16] in ("15:15", "15:16", "15:17", "15:20")
    assert first.matter == stands.matter
    assert first.measured[0].value == pytest.approx(1800, abs=10)


def test_whoever_asks_early_gets_the_same_stages_but_the_later_ones():
    both = findings(SWARM)
    assert findings(SWARM, until=12.5) == ()
    assert findings(SWARM, until=13) == both[:1]
    assert findings(SWARM, until=15.5) == both


@pytest.mark.parametrize("minutes", [1, 5, 15])
@pytest.mark.parametrize("hours", [0.8, 1.5, 2.5])
def test_a_super_that_is_put_back_withdraws_it(minutes, hours):
    found = findings((12, 4, -1600), (12 + hours, 0, 1550), minutes=minutes)
    assert [finding.stage for finding in found] == ["first", "withdrawn"]
    assert "as much was put back" in found[-1].says


def test_a_visit_that_begins_within_three_hours_withdraws_it():
    found = findings((12, 4, -1600), (14, 0, -3000), (14.5, 0, 9000))
    assert [finding.stage for finding in found] == ["first", "withdrawn"]
    visit = "At 12:00 1.60 kg left, probably during a visit. Somebody was there at 14:00."
    assert found[-1].says == visit


def test_a_visit_that_nobody_could_see_after_three_hours_withdraws_it_later():
    changes = (12, 4, -1600), (15, 0, -3000), (15.3, 0, 9000)
    assert stages(*changes) == ["first", "stands", "withdrawn"]
    assert [one.stage for one in findings(*changes, until=15.5)] == ["first", "stands"]


def test_a_swarm_that_comes_home_little_by_little_is_told_so():
    found = findings(SWARM, (13, 20, 1780), minutes=1)
    assert [finding.stage for finding in found] == ["first", "withdrawn"]
    assert "had come back, little by little" in found[-1].says


@pytest.mark.parametrize("changes", [
    [(2, 10, -1800)],  # at night
    [(12, 15, -400)],  # a small change
    [(12, 15, 1800)],  # a gain
    [(-12, 15, -1800)],  # yesterday
    [(36, 15, -1800)],  # tomorrow
])
def test_no_other_change_is_told_as_a_swarm(changes):
    assert stages(*changes) == []


WORK = (10, 0, -3000), (10.1, 0, 8000)


@pytest.mark.parametrize(("hour", "is_after_work"), [(11.5, True), (13, True), (13.5, False)])
def test_a_loss_soon_after_work_is_told_with_the_work_against_it(hour, is_after_work):
    first, stands = findings(*WORK, (hour, 12, -1600))
    assert ("soon after somebody worked at the hive" in first.says) is is_after_work
    worked = [says for says in first.against if says.startswith("Somebody worked")]
    assert worked == (["Somebody worked at the hive until 10:10."] if is_after_work else [])
    assert stands.stage == "stands"


def test_what_is_put_back_in_the_same_visit_withdraws_a_loss_after_work():
    assert stages(*WORK, (11.5, 4, -1600), (12.5, 0, 1600)) == ["first", "withdrawn"]


def test_foragers_that_come_home_in_the_evening_withdraw_no_swarm():
    assert stages((9, 60, -500), (15, 15, -800), (16, 90, 500)) == ["first", "stands"]


def test_it_does_not_stand_if_too_little_was_measured_afterwards():
    made = [v for v in weights(SWARM) if not 13 <= (v.at - BEGIN) / HOUR < 14.5]
    assert [one.stage for one in find_swarms(day_of(made)).findings] == ["first"]


# The sheet.

def values(kind: str, change: float) -> list[Value]:
    """A sensor that changes at noon, every 5 min (10 of the sound)."""
    every, level, noise = {"nest": (5, 35.0, 0.05), "hum": (10, -40.0, 0.2)}[kind]
    return [
        Value(at, level + noise * (number % 3 - 1) + change * (at >= BEGIN + 12 * HOUR))
        for number, at in enumerate(
            BEGIN - 24 * HOUR + number * every * MINUTE for number in range(int(3600 / every))
        )
    ]


def full(
    *, nest: float = 1.5, hum: float = -4.0, bees: float = 1500.0, opened: bool = False,
    grams: float = -1800.0, contact: bool = True, air: float = 24.0, rain: float = 0.0,
) -> HiveDay:
    """A swarm with all sensors."""
    at = [BEGIN + 12 * HOUR + 5 * MINUTE * number for number in range(3)]
    around = Around(
        is_day, bees_out=[(each, bees) for each in at],
        opened=[(BEGIN + 10 * HOUR, BEGIN + 10 * HOUR)] if opened else (),
    )
    others = {NEST: values("nest", nest), ("microphone.hive", "hum"): values("hum", hum)}
    if contact:
        others["sensor.lid", "contact"] = [Value(BEGIN + 600.0 * n, 1.0) for n in range(200)]
    others[AIR] = [Value(BEGIN + 900.0 * n, air) for n in range(96)]
    others[RAIN] = [Value(BEGIN + 900.0 * n, rain) for n in range(96)]
    past = [{"hum_12": Measured("hum_12", -40 + 0.2 * (n % 2), "dB")} for n in range(7)]
    day = day_of(weights((12, 15, grams)), around=around, others=others, nest=NEST, past=past)
    return replace(day, told=replace(day.told, outside=AIR))


def sheet(day: HiveDay) -> tuple[set[str], set[str], set[str]]:
    first = find_swarms(day).findings[0]
    return set(first.for_), set(first.against), set(first.unknown)


def test_with_all_sensors_each_has_a_sentence():
    for_, against, unknown = sheet(full())
    assert len(for_) == 8
    assert [said for said in against if "ten real hives" not in said] == []
    assert unknown == set()


def without(day: HiveDay, key: tuple[str, str]) -> HiveDay:
    values = {known: found for known, found in day.values.items() if known != key}
    told = replace(day.told, nest=None) if key == NEST else day.told
    return replace(day, values=values, told=told)


def uncounted(day: HiveDay) -> HiveDay:
    around = replace(day.told.scales[SCALE], bees_out=None)
    return replace(day, told=replace(day.told, scales={SCALE: around}))


@pytest.mark.parametrize("take_out", [
    lambda day: without(day, NEST),
    lambda day: replace(day, values={**day.values, NEST: ()}),
    lambda day: without(day, ("microphone.hive", "hum")),
    lambda day: replace(day, past=()),
    lambda day: without(day, ("sensor.lid", "contact")),
    lambda day: without(day, AIR),
    lambda day: without(day, RAIN),
    uncounted,
])
def test_without_a_sensor_its_sentence_alone_becomes_unknown(take_out):
    for_, against, unknown = sheet(full())
    less, same, missing = sheet(take_out(full()))
    assert same == against
    assert len(for_ - less) == len(missing) == 1
    assert less < for_
    assert unknown == set()


@pytest.mark.parametrize("turned", [
    full(hum=4.0), full(nest=0.1), full(grams=-850.0), full(opened=True),
    full(air=-24.0), full(rain=2.0),
])
def test_a_number_that_is_turned_changes_the_side_of_its_sentence(turned):
    for_, against, unknown = sheet(full())
    less, more, same = sheet(turned)
    assert len(less) == len(for_) - 1
    assert len(more) == len(against) + 1
    assert same == unknown


@pytest.mark.parametrize(("found", "side"), [
    ({"air": 12.1}, "for"), ({"air": 11.9}, "against"), ({"hum": -1.1}, "for"),
    ({"hum": -0.7}, "against"), ({"nest": 0.6}, "for"), ({"nest": 0.4}, "against"),
    ({"bees": 201}, "for"), ({"grams": -1020.0}, "for"), ({"grams": -980.0}, "against"),
    ({"grams": -2980.0}, "for"), ({"grams": -3020.0}, "against"),
])
def test_a_bound_is_where_it_is_told_to_be(found, side):
    for_, against, _ = sheet(full(**found))
    assert (len(for_), len(against)) == ((8, 1) if side == "for" else (7, 2))


def test_bees_that_came_make_it_no_swarm():
    assert find_swarms(full(bees=-1500.0)).findings == ()


def test_the_nest_counts_whether_it_grows_warmer_or_colder():
    colder, warmer = (find_swarms(full(nest=change)).findings[0] for change in (-1.5, 1.5))
    assert all("temperature changed by 1.5 K" in " ".join(one.for_) for one in (colder, warmer))


def test_all_of_it_between_two_readings_speaks_against_it_unless_they_are_rare():
    at_five, at_fifteen = (
        findings((12, 0, -1800), minutes=minutes)[0] for minutes in (5, 15)
    )
    assert any("between two readings, 5 min apart" in said for said in at_five.against)
    assert any("15 min apart, too rare" in said for said in at_fifteen.unknown)


def test_the_hours_of_the_hum_are_kept_for_the_days_after():
    numbers = {number.name: number.value for number in find_swarms(full()).measured}
    assert numbers["hum_11"] == pytest.approx(-40, abs=0.1)
    assert numbers["hum_13"] == pytest.approx(-44, abs=0.1)


@pytest.mark.parametrize(("found", "modelled", "says"), [
    ({}, AIR, "By a weather model, the air was 24.0 °C, warm enough to fly."),
    ({"air": 4.0}, AIR, "By a weather model, the air was 4.0 °C, so few bees fly."),
    ({"rain": 2.0}, RAIN, "By a weather model, it rained."),
    ({}, RAIN, "By a weather model, it did not rain."),
    ({"rain": 2.0}, AIR, "It rained."), ({}, RAIN[::-1], "It did not rain."),
])
def test_weather_that_a_model_calculated_is_told_as_such(found, modelled, says):
    for_, against, _ = sheet(replace(full(**found), modelled={modelled}))
    assert says in for_ | against


@pytest.mark.parametrize(("fell", "says"), [(0.0, "It did not rain."), (1.5, "It rained.")])
def test_a_gauge_is_believed_before_a_model(fell, says):
    day = replace(full(rain=2.0 - fell), modelled={AIR, RAIN})
    around = replace(day.told.scales[SCALE], rain=[(BEGIN + 12 * HOUR, fell)])
    for_, against, _ = sheet(replace(day, told=replace(day.told, scales={SCALE: around})))
    assert says in for_ | against
