"""Lighter than half for an hour: told once, and taken back when the weight is back."""

from __future__ import annotations

import pytest

from beemon.insights.lighter import find_lighter
from tests.insights.curves import BEGIN, HOUR, day_of, weights


def stages(*changes, **options) -> list[str]:
    return [one.stage for one in find_lighter(day_of(weights(*changes), **options)).findings]


@pytest.mark.parametrize("hour", [1, 12, 23.5])
def test_a_hive_that_is_carried_away_is_told_after_an_hour(hour):
    [finding] = find_lighter(day_of(weights((hour, 0, -29_000)))).findings
    assert (finding.kind, finding.stage) == ("lighter", "stands")
    assert "weighed 1.00 kg since" in finding.says
    assert stages((hour, 0, -29_000), until=hour + 0.9) == []
    assert stages((hour, 0, -29_000), until=hour + 1.2) == ["stands"]


def test_it_is_about_the_hour_that_it_took():
    [finding] = find_lighter(day_of(weights((12, 0, -29_000)))).findings
    assert (finding.from_[11:16], finding.until[11:16]) in [
        ("12:00", "13:00"), ("12:05", "13:05"),
    ]


def test_supers_that_are_off_for_half_an_hour_are_no_news():
    assert stages((12, 0, -20_000), (12.5, 0, 20_000)) == []


def test_half_of_it_is_not_enough():
    assert stages((12, 0, -14_000)) == []


def test_it_is_withdrawn_when_the_weight_is_back():
    changes = (12, 0, -20_000), (14, 0, 19_000)
    assert stages(*changes) == ["stands", "withdrawn"]
    assert stages(*changes, until=14.2) == ["stands"]


@pytest.mark.parametrize("hour", [-2, 25])
def test_it_belongs_to_the_day_on_which_it_began(hour):
    assert stages((hour, 0, -29_000)) == []


def test_a_scale_that_falls_silent_tells_nothing():
    made = [v for v in weights((12, 0, -29_000)) if not 12.2 <= (v.at - BEGIN) / HOUR < 13.5]
    assert find_lighter(day_of(made)).findings == ()


def test_an_empty_scale_is_no_hive():
    made = [v._replace(value=v.value - 29_500) for v in weights((12, 0, -450))]
    assert find_lighter(day_of(made)).findings == ()


@pytest.mark.parametrize(("usual", "found"), [(1900, []), (2200, ["stands"])])
def test_a_hive_with_bees_weighs_two_kilograms_at_least(usual, found):
    made = [v._replace(value=v.value - 30_000 + usual) for v in weights((12, 0, -1500))]
    assert [one.stage for one in find_lighter(day_of(made)).findings] == found
