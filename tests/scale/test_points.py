"""Weighing: known weights become a line, and its uncertainty is what repeated trials show."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.readings import Calibration
from beemon.scale.points import NotMovedError, Point, under_load, with_weight

ZERO, FACTOR = -213_400.0, 1 / 42


def raw(grams: float) -> float:
    return ZERO + grams / FACTOR


def point(grams: float, *, known: bool = True, unsure: float = 20.0, tolerance: float = 0.0):
    return Point(raw(grams), unsure, 5 * unsure, grams if known else None, tolerance)


EMPTY = point(0, known=False)
STANDING, ADDED = point(38_000, known=False), replace(point(43_000), grams=5000.0)


@given(st.floats(500, 100_000), st.sampled_from([-1, 1]))
def test_a_known_weight_gives_the_line_whichever_way_the_cell_is_wired(grams, sign):
    found = with_weight(Point(100.0, 0.1, 1.0), Point(100.0 + sign * 42 * grams, 0.1, 1.0, grams))
    assert found.value(100.0) == 0
    assert found.value(100.0 + sign * 42 * grams) == pytest.approx(grams)


def test_a_weight_on_top_gives_the_factor_and_the_zero_stays():
    found = under_load(STANDING, ADDED, EMPTY)
    assert (found.zero, found.factor) == (EMPTY.raw, pytest.approx(FACTOR))


def test_without_a_zero_it_follows_from_what_the_hive_weighs():
    found = under_load(replace(STANDING, grams=38_000.0), ADDED, None)
    assert found.zero == pytest.approx(ZERO)
    with pytest.raises(ValueError, match="not known"):
        under_load(STANDING, ADDED, None)


@pytest.mark.parametrize("moved", [0.0, 100.0, -2000.0])
def test_a_weight_that_moves_the_scale_too_little_is_refused(moved):
    with pytest.raises(NotMovedError, match="accurate to ±28"):
        with_weight(EMPTY, Point(EMPTY.raw + moved, 20.0, 100.0, 1000.0))


# The uncertainty against trials: the whole calibration and a weighing, again and again

TRIALS = 4000


def spread_of(trial: Callable[[random.Random], float]) -> float:
    chance = random.Random(1)
    return statistics.stdev(trial(chance) for _ in range(TRIALS))


def shaken(chance: random.Random, at: Point) -> Point:
    """A point as another trial would have measured it, and with another weight of the same mark."""
    off = chance.uniform(-at.tolerance, at.tolerance)
    return replace(at, raw=chance.gauss(at.raw + off / FACTOR, at.uncertainty))


@pytest.mark.parametrize("grams", [0.0, 5000.0, 10_000.0, 40_000.0])
def test_the_uncertainty_of_a_weight_is_what_trials_show(grams):
    zero, weight = EMPTY, point(10_000, tolerance=30.0)
    stated = with_weight(zero, weight).uncertainty(raw(grams), 15.0)

    def trial(chance: random.Random) -> float:
        made = with_weight(shaken(chance, zero), shaken(chance, weight))
        return made.value(chance.gauss(raw(grams), 15.0))

    assert stated == pytest.approx(spread_of(trial), rel=0.05)


@pytest.mark.parametrize("grams", [36_000.0, 43_000.0, 80_000.0])
@pytest.mark.parametrize("zero", [EMPTY, None], ids=["zeroed", "weighed"])
def test_the_uncertainty_under_load_is_what_trials_show(grams, zero):
    standing = point(38_000, known=zero is None, tolerance=0.0 if zero else 500.0)
    added = replace(ADDED, tolerance=10.0)
    stated = under_load(standing, added, zero).uncertainty(raw(grams), 15.0)

    def trial(chance: random.Random) -> float:
        hive = chance.uniform(-standing.tolerance, standing.tolerance)
        more = chance.uniform(-added.tolerance, added.tolerance)
        made = under_load(
            replace(standing, raw=chance.gauss(standing.raw + hive / FACTOR, standing.uncertainty)),
            replace(added, raw=chance.gauss(added.raw + (hive + more) / FACTOR, added.uncertainty)),
            zero and shaken(chance, zero),
        )
        return made.value(chance.gauss(raw(grams) + hive / FACTOR, 15.0))

    spread = spread_of(trial)
    if zero is None:  # the true weight differs from trial to trial as well, as its tolerance says
        assert stated == pytest.approx((spread**2 + 500.0**2 / 3) ** 0.5, rel=0.06)
    else:
        assert stated == pytest.approx(spread, rel=0.05)


def test_what_is_not_known_makes_no_uncertainty():
    assert Calibration(0.0, 2.0).uncertainty(5.0, 1.0) is None
    assert with_weight(EMPTY, point(10_000)).uncertainty(raw(5000), None) is None
