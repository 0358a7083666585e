"""Stores: the loss a day with its range, and the days of food."""

from __future__ import annotations

import random

import pytest

from beemon.base.finding import Measured
from beemon.insights.stores import DAYS, find_stores, forecast
from tests.insights.curves import day_of, weights


def past(*nets: float) -> list[dict[str, Measured]]:
    return [{"net": Measured("net", net, "g")} for net in nets]


def loses(grams: float):
    """A day with a loss of so many grams, all day and night."""
    return weights(own=lambda hour: -grams * hour / 24)


LOSSES = past(*(-50.0 + (10 if day % 2 else -10) for day in range(13)))


def numbers(found) -> dict[str, float]:
    return {number.name: number.value for number in found.measured}


def test_the_loss_of_two_weeks_has_a_range_for_the_next_two():
    found = find_stores(day_of(loses(50), past=LOSSES))
    made = numbers(found)
    assert made["loss"] == pytest.approx(50, abs=2)
    assert made["loss_least"] < made["loss"] < made["loss_most"]
    assert made["loss_most"] - made["loss_least"] == pytest.approx(15, abs=1)
    assert found.sentences[0].startswith("In the last 14 days it lost 51 g a day.")


def test_days_of_food_are_a_range_and_only_with_the_weight_without_food():
    lean = find_stores(day_of(loses(50), past=LOSSES, empty=28_000))
    assert numbers(lean)["food_least"] < (30_000 - 54 - 28_000) / 50 < numbers(lean)["food_most"]
    assert "above `empty` last for 3" in lean.sentences[-1]
    unset = find_stores(day_of(loses(50), past=LOSSES))
    assert "food" not in numbers(unset)
    assert unset.unknown == (
        "The weight of the food is not known: `empty` is not set in [hive].",
    )


def test_a_hive_that_may_gain_has_no_last_day():
    unsure = past(*(-50.0 + (300 if day % 2 else -300) for day in range(13)))
    found = find_stores(day_of(loses(50), past=unsure, empty=28_000))
    assert found.sentences[-1].endswith("or longer.")
    assert "food_most" not in numbers(found)


def test_a_hive_that_gains_has_no_days_of_food():
    found = find_stores(day_of(loses(-900), past=past(*[900.0, 1000.0] * 7), empty=28_000))
    assert found.sentences[0].startswith("In the last 14 days it gained 9")
    assert len(found.sentences) == 1


def test_a_hive_lighter_than_without_food_is_told():
    found = find_stores(day_of(loses(50), past=LOSSES, empty=31_000))
    assert found.sentences[-1].startswith("It weighs 1.06 kg less than `empty`")


@pytest.mark.parametrize(("known", "enough"), [(13, True), (11, True), (10, False), (0, False)])
def test_days_without_a_net_are_counted(known, enough):
    days = [{}] * (13 - known) + LOSSES[:known]
    found = find_stores(day_of(loses(50), past=days))
    assert bool(found.sentences) is enough
    if not enough:
        assert f"({known + 1} of {DAYS})" in found.unknown[0] or known == 0


def test_an_interval_of_80_percent_holds_in_8_of_10_series_of_days_that_are_alike():
    chance = random.Random(3)
    held, tries = 0, 2000
    for _ in range(tries):
        days, day = [], 0.0
        for _ in range(2 * DAYS):
            day = day / 3 + chance.gauss(0, 30)
            days.append(day - 50)
        loss, half = forecast(days[:DAYS])
        held += abs(loss + sum(days[DAYS:]) / DAYS) <= half
    assert 0.75 < held / tries < 0.85
