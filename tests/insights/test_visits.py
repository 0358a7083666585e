"""Visits: the steps of a person, told as one."""

from __future__ import annotations

import pytest

from beemon.insights.hive_day import Found
from beemon.insights.visits import find_visits
from tests.insights.curves import BEGIN, HOUR, day_of, weights


def test_a_super_taken_off_and_put_back_is_one_visit_without_a_change():
    found = find_visits(day_of(weights((10, 0, -1600), (11.5, 0, 1590))))
    assert found.sentences == (
        "Somebody was at the hive from 10:00 for 95 min; it weighed 0.01 kg less afterwards.",
    )
    [visit] = found.findings
    assert (visit.kind, visit.stage, visit.device) == ("visit", "stands", "sensor.scale")
    [visits, visited] = found.measured
    assert (visits.name, visits.value, visited.name) == ("visits", 1, "visited")
    assert visited.value == pytest.approx(-10, abs=4)


def test_steps_that_are_more_than_three_hours_apart_are_two_visits():
    found = find_visits(day_of(weights((9, 0, 5000), (12.5, 0, 3000))))
    assert [round(f.measured[0].value, -2) for f in found.findings] == [5000, 3000]


def test_a_visit_is_told_three_hours_after_its_last_step():
    made = weights((9, 0, 5000), (11, 0, 3000))
    assert find_visits(day_of(made, until=13.9)).findings == ()
    [visit] = find_visits(day_of(made, until=14.2)).findings
    assert visit.told == "2026-06-10T14:05:00.000Z"
    assert find_visits(day_of(made)).findings == (visit,)


def test_a_visit_that_goes_on_unseen_at_first_is_told_again_as_the_same_matter():
    made = weights((9, 0, 5000), (12, 50, 4000))  # the second ends, and shows, after 12:05
    early = find_visits(day_of(made, until=12.2)).findings
    late = find_visits(day_of(made)).findings
    assert late[: len(early)] == early
    assert len(early) == 1
    assert len(late) == 2
    assert late[0].matter == late[1].matter


@pytest.mark.parametrize("hour", [-2.0, 25.0])
def test_a_visit_belongs_to_the_day_on_which_it_began(hour):
    assert find_visits(day_of(weights((hour, 0, 5000)))).findings == ()


def test_bees_that_leave_are_no_visit():
    assert find_visits(day_of(weights((12, 15, -1800)))) == Found()


def test_a_loss_at_night_is_told_and_is_no_visit():
    found = find_visits(day_of(weights((2.5, 10, -1800))))
    assert found.findings == ()
    assert found.sentences == ("At 02:30 it lost 1.80 kg within 10 min.",)


def test_a_hive_without_readings_has_no_visits():
    assert find_visits(day_of([])).sentences == ()
    assert day_of([]).time_of(BEGIN + 9.75 * HOUR) == "09:45"
