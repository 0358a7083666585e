"""Steps: what happened to a hive, found in its weights and named right."""

from __future__ import annotations

from functools import cache

import pytest

from beemon.scale.steps import KINDS, Around, Step, Weighed, find_steps
from tests.planted import BEGAN, DAY, HOUR, MINUTE, PLANTS, Verdict, is_day, judge, year

NOON = BEGAN + 150 * DAY + 12 * HOUR
NIGHT = NOON - 11 * HOUR
BLIND = Around(is_day)


def series(*moves: tuple[float, float, float], base=35_000.0, interval=60.0, at=NOON):
    """Four hours of readings around a moment; each move adds grams evenly between two times."""
    found = []
    for number in range(int(4 * HOUR / interval)):
        time = at - 2 * HOUR + number * interval
        grams = base + (number % 3 - 1) * 4.0
        for begin, end, change in moves:
            share = (time - at - begin) / (end - begin) if end > begin else float(time - at > begin)
            grams += change * min(max(share, 0.0), 1.0)
        found.append(Weighed(time, grams, 10.0))
    return found


def kinds(weights, around=BLIND) -> list[str]:
    return [step.kind for step in find_steps(weights, around)]


def test_a_hive_that_is_left_alone_has_no_steps():
    assert kinds(series()) == []
    assert kinds([]) == kinds(series()[:1]) == []


def test_a_swarm_has_its_size_with_how_well_it_is_known():
    [step] = find_steps(series((0, 21 * MINUTE, -1872.0)), BLIND)
    assert step.kind == "swarm"
    assert step.grams == pytest.approx(-1872, abs=20)
    assert 50 < step.uncertainty < 150
    assert step.begin == pytest.approx(NOON, abs=5 * MINUTE)
    assert step.end == pytest.approx(NOON + 21 * MINUTE, abs=5 * MINUTE)


@pytest.mark.parametrize(
    ("moves", "kind"),
    [
        ([(0, 0, -3000), (5 * MINUTE, 5 * MINUTE, 3000)], "lid"),
        ([(0, 0, -3000), (MINUTE * 25, MINUTE * 25, 2900)], "inspection"),
        ([(0, 0, -3000), (5 * MINUTE, 5 * MINUTE, -12000), (30 * MINUTE, 30 * MINUTE, 5000)],
         "harvest"),
        ([(0, 0, -15000)], "harvest"),
        ([(0, 0, 2500)], "added"),
        ([(0, 0, -3000), (5 * MINUTE, 5 * MINUTE, 6000)], "added"),
        ([(0, 40 * MINUTE, 1400)], "rain"),
    ],
)
def test_what_happened_is_told_by_its_shape_and_size(moves, kind):
    assert kinds(series(*moves)) == [kind]


def test_a_lid_that_lies_beside_the_hive_for_long_is_no_swarm():
    assert kinds(series((0, 0, -3000), (40 * MINUTE, 40 * MINUTE, 3000))) == ["loss", "added"]


def test_foragers_that_leave_and_come_home_are_none():
    assert kinds(series((-60 * MINUTE, -20 * MINUTE, -900), (0, 45 * MINUTE, 800))) == []


def test_a_loss_at_night_is_no_swarm():
    assert kinds(series((0, 10 * MINUTE, -2000), at=NIGHT)) == ["loss"]


def test_a_loss_without_bees_that_leave_is_no_swarm():
    loss = series((0, 10 * MINUTE, -2000))
    times = [weighed.at for weighed in loss]
    nobody = Around(is_day, bees_out=[(at, 0.0) for at in times])
    many = Around(is_day, bees_out=[(at, 1000.0) for at in times])
    assert kinds(loss, nobody) == ["loss"]
    assert kinds(loss, many) == ["swarm"]


def test_a_loss_while_the_beekeeper_is_there_is_no_swarm():
    there = Around(is_day, opened=[(NOON - 5 * MINUTE, NOON + 20 * MINUTE)])
    assert kinds(series((0, 10 * MINUTE, -2000)), there) == ["inspection"]


def test_a_rain_gauge_has_the_last_word_on_rain():
    gain = series((0, 40 * MINUTE, 400))
    dry = Around(is_day, rain=[(weighed.at, 0.0) for weighed in gain])
    wet = Around(is_day, rain=[(weighed.at, 0.3) for weighed in gain])
    assert kinds(gain) == []
    assert kinds(gain, dry) == []
    assert kinds(gain, wet) == ["rain"]


def test_at_night_a_slow_gain_is_rain():
    assert kinds(series((0, 40 * MINUTE, 400), at=NIGHT)) == ["rain"]


def test_what_is_not_over_is_not_told_yet():
    weights = series((90 * MINUTE, 100 * MINUTE, -2000))
    assert kinds(weights) == []


@pytest.mark.parametrize("begin", [-60, -30, -1])
@pytest.mark.parametrize("end", [22, 40, 100])
@pytest.mark.parametrize("grams", [-15_000, -2000, 3000])
def test_a_step_during_missing_data_is_not_invented(begin, end, grams):
    gap = NOON + begin * MINUTE, NOON + end * MINUTE
    assert kinds([w for w in series((0, 0, grams)) if not gap[0] < w.at < gap[1]]) == []


def test_a_step_that_missing_data_cut_short_is_not_told_of():
    weights = series((0, 20 * MINUTE, -2000))
    gap = NOON + 10 * MINUTE, NOON + 50 * MINUTE
    assert kinds([w for w in weights if not gap[0] < w.at < gap[1]]) == []


def test_single_wild_readings_are_none():
    weights = series()
    for number in (50, 100, 101 + 20):
        weights[number] = weights[number]._replace(grams=0.0)
    assert kinds(weights) == []


@pytest.mark.parametrize("minutes", [1, 3, 5, 10, 15])
@pytest.mark.parametrize("grams", [-30_000, -655, 655, 2000])
def test_a_single_wild_reading_is_none_at_any_interval(minutes, grams):
    weights = series(interval=minutes * MINUTE)
    middle = len(weights) // 2
    weights[middle] = weights[middle]._replace(grams=weights[middle].grams + grams)
    assert kinds(weights) == []


def test_a_single_reading_with_the_lid_off_counts_if_the_hive_was_said_to_be_open():
    weights = series(interval=5 * MINUTE)
    middle = len(weights) // 2
    weights[middle] = weights[middle]._replace(grams=32_000.0)
    at = weights[middle].at
    assert kinds(weights, Around(is_day, opened=[(at - MINUTE, at + MINUTE)])) == ["lid"]


@pytest.mark.parametrize("grams", [700, 1744])
def test_a_super_by_day_is_no_rain_without_a_gauge(grams):
    slow = series((0, 10 * MINUTE, grams), interval=5 * MINUTE)
    lifted = series((0, 0, -234), (15 * MINUTE, 15 * MINUTE, grams + 234), interval=5 * MINUTE)
    assert kinds(slow) == []
    assert kinds(lifted) == ["added"]


def test_a_step_is_known_by_a_reading_half_an_hour_later_and_never_changes_after():
    weights = series((0, 10 * MINUTE, -2000))
    [step] = find_steps(weights, BLIND)
    assert 30 * MINUTE <= step.known - step.end <= 35 * MINUTE
    assert find_steps([w for w in weights if w.at < step.known], BLIND) == []
    assert find_steps([w for w in weights if w.at <= step.known], BLIND) == [step]


# How often one is missed, misnamed or false over many years is for `scripts/steps` to say.

@pytest.mark.parametrize("interval", [60.0, 300.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_planted_step_is_found_and_named_right_without_gauges_too_but_rain(seed, interval):
    made = year(seed, interval, days=20, calm=True)
    made.weights = cache(made.weights)  # both look at the same days
    with_gauges, without = judge(made, gauges=True), judge(made, gauges=False)
    assert with_gauges.false == without.false == []
    assert misnamed(with_gauges) == set()
    assert {planted for planted, _ in misnamed(without)} <= {"rain"}


def misnamed(verdict: Verdict) -> set[tuple[str, str]]:
    return {pair for pair in verdict.named if pair[0] != pair[1]}


def test_every_kind_that_can_be_planted_is_one():
    assert {plant.__name__ for plant in PLANTS} <= set(KINDS)


def test_who_looks_again_and_again_at_the_last_hours_finds_the_same_and_each_once():
    made = year(5, interval=120.0, days=8, calm=True)
    days = (made.weights(day) for day in range(made.days))
    weights = sorted({weighed.at: weighed for day in days for weighed in day}.values())
    known: list[Step] = []
    for look in range(int(made.days * DAY / (30 * MINUTE))):
        now = BEGAN + look * 30 * MINUTE
        seen = [weighed for weighed in weights if now - 8 * HOUR <= weighed.at <= now]
        around = made.around(now - 8 * HOUR, now, gauges=True)
        known += [
            step for step in find_steps(seen, around)
            if not any(step.begin <= one.end and one.begin <= step.end for one in known)
        ]
    planted = [plant.kind for plant in made.plants if not plant.hidden]
    assert len(planted) > 2
    assert [step.kind for step in sorted(known, key=lambda step: step.begin)] == planted
