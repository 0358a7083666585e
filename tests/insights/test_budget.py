"""The day's budget: the change by the bees alone, from night to night."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beemon.base.finding import Measured
from beemon.insights.budget import find_budget
from beemon.insights.hive_day import Value
from tests.insights.curves import BEGIN, HOUR, day_of, weights


def dearth(hour: float) -> float:
    """A loss of 2 g an hour, and of 4 in the nights; 60 g of bees are out from 6 to 18."""
    nights = sum(max(0.0, min(hour, end) - begin) for begin, end in ((-24, -20), (-4, 6), (20, 30)))
    return -2 * (hour + 24) - 2 * nights - (60 if 6 <= hour < 18 else 0)


def numbers(day) -> dict[str, Measured]:
    return {number.name: number for number in find_budget(day).measured}


def test_a_day_has_its_net_its_nights_loss_and_its_dip():
    made = numbers(day_of(weights(own=dearth)))
    assert made["net"].value == pytest.approx(-68, abs=3)  # 24 h of 2 g, 10 h of 2 g more
    assert made["night_loss"].value == pytest.approx(4, abs=0.2)
    assert made["dip"].value == pytest.approx(50, abs=12)  # by 11 the night's line has fallen
    assert made["level"].value == pytest.approx(30_000 + dearth(27), abs=4)
    assert 0 < made["net"].uncertainty < 3
    assert made["night_loss"].uncertainty == pytest.approx(0.07, abs=0.01)  # 1.4 g over 7.5 h


def test_its_sentence_says_so():
    [sentence] = find_budget(day_of(weights(own=dearth))).sentences
    assert sentence.startswith("By itself the hive lost 6")
    assert " 4.0 g an hour in the night; up to " in sentence


@pytest.mark.parametrize("grams", [-9000, 4000])
def test_a_visit_changes_the_level_and_not_the_net(grams):
    left, visited = (numbers(day_of(weights(*changes, own=dearth))) for changes in (
        (), ((14, 0, -3000), (14.5, 0, 3000 + grams))
    ))
    assert visited["net"].value == pytest.approx(left["net"].value, abs=8)
    assert visited["level"].value == pytest.approx(left["level"].value + grams, abs=1)
    assert visited["net"].uncertainty > left["net"].uncertainty


@pytest.mark.parametrize("hour", [1.0, 2.5, 3.5, 12.0, 26.5, 27.5])
def test_the_levels_differ_by_the_net_and_the_steps(hour):
    moved = numbers(day_of(weights((hour, 0, 4000), own=dearth)))
    left = 30_000 + dearth(3) + (4000 if hour < 2 else 0)
    assert moved["level"].value - left == pytest.approx(
        moved["net"].value + moved["steps"].value, abs=3
    )
    assert moved["net"].value == pytest.approx(-68, abs=8)
    assert moved["steps"].value == pytest.approx(4000 if 2 <= hour < 26 else 0, abs=8)


def test_bees_that_left_and_came_home_are_in_no_net():
    home = weights((12, 15, -1800), (13, 25, 1800), minutes=1.0, own=dearth)
    assert numbers(day_of(home))["net"].value == pytest.approx(-68, abs=40)


def test_too_few_readings_are_told_by_their_number():
    few = [value for number, value in enumerate(weights()) if number % 5 > 1 or value.at < BEGIN]
    found = find_budget(day_of(few))
    assert found.sentences == found.measured == ()
    assert found.unknown == (
        "Not enough was measured (188 of 312) of the weight.",
    )


def test_a_super_that_was_added_unseen_is_no_gain():
    made = [
        value for value in weights((12, 0, 6000)) if not 11.5 <= (value.at - BEGIN) / HOUR < 13
    ]
    [unknown] = find_budget(day_of(made)).unknown
    assert "11:25 and 13:00. It weighed 6.00 kg more afterwards." in unknown


def test_before_the_night_is_over_the_net_is_not_known():
    assert find_budget(day_of(weights(), until=26.5)).measured == ()


def test_a_hive_without_a_scale_says_so():
    day = day_of(weights())
    bare = replace(day, told=replace(day.told, scales={}))
    assert find_budget(bare).unknown == ("The weight is not known: the hive has no scale.",)


def noisy(begin: float, end: float, grams: float = 20.0) -> list[Value]:
    """The day of a dearth, with noise from one hour to another."""
    return [
        value._replace(value=value.value + grams * (number % 5 - 2))
        if begin <= (value.at - BEGIN) / HOUR < end else value
        for number, value in enumerate(weights(own=dearth))
    ]


@pytest.mark.parametrize(("name", "begin", "end"), [
    ("net", 2, 4), ("net", 26, 28), ("level", 26, 28), ("dip", 4, 5.2), ("dip", 10, 11),
    ("night_loss", 24, 26),
])
def test_noise_of_the_readings_makes_a_number_unsure(name, begin, end):
    calm, unsure = numbers(day_of(weights(own=dearth))), numbers(day_of(noisy(begin, end)))
    assert unsure[name].uncertainty > 1.2 * calm[name].uncertainty


@pytest.mark.parametrize(("minutes", "is_known"), [(70, True), (110, False)])
def test_a_nights_loss_needs_most_of_the_nights_readings(minutes, is_known):
    made = [value for value in weights(own=dearth)
            if not 0 <= (value.at - BEGIN) / 60 - 22 * 60 < minutes]
    found = numbers(day_of(made))
    assert "net" in found
    assert ("night_loss" in found) is is_known
