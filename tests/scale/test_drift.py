"""Drift: the slope of a scale with the temperature, out of nights, or a refusal that says why."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.devices.sensors.simulated import outside_temperature, weight
from beemon.scale.drift import Hour, NoFitError, fit


def nights(slope: float, count: int = 20, noise: float = 3.0, seed: int = 1) -> list[list[Hour]]:
    """The simulated hive's nights in June, on a scale that drifts."""
    chance = random.Random(seed)
    found = []
    for day in range(150, 150 + count):
        night = []
        for hour in range(day * 24 + 22, day * 24 + 28):
            celsius = outside_temperature(seed, hour * 3600.0)
            grams = weight(seed, hour * 3600.0) + slope * celsius + chance.gauss(0, noise)
            night.append(Hour(hour, grams, celsius))
        found.append(night)
    return found


@given(st.floats(10, 60), st.sampled_from([-1, 1]), st.integers(0, 50))
def test_the_slope_of_a_scale_is_found_within_its_uncertainty(size, sign, seed):
    found = fit(nights(sign * size, seed=seed))
    assert abs(found.slope - sign * size) < max(5 * found.slope_uncertainty, 0.1 * size)
    assert found.slope_uncertainty < 0.15 * size
    assert found.r2 > 0.5
    assert (found.nights, found.hours) == (20, 120)


def test_what_is_compensated_follows_the_temperature_no_more():
    found = fit(nights(15.0))
    assert found.drift(found.reference) == 0
    assert found.drift(found.reference + 10) == pytest.approx(150, rel=0.1)
    assert fit([
        [hour._replace(grams=hour.grams - found.drift(hour.celsius) + 40 * hour.celsius)
         for hour in night] for night in nights(15.0)
    ]).slope == pytest.approx(40, abs=1e-6)


def test_an_even_loss_of_the_hive_is_not_taken_for_drift():
    made = nights(15.0, noise=0.0)
    lost = [
        [hour._replace(grams=hour.grams - 30.0 * number) for number, hour in enumerate(night)]
        for night in made
    ]
    assert fit(lost).slope == pytest.approx(fit(made).slope, abs=1e-6)


def test_the_uncertainty_grows_away_from_the_reference_and_needs_the_weights_own():
    found = fit(nights(15.0))
    assert found.uncertainty(found.reference, None) is None
    near, far = (found.uncertainty(found.reference + off, 4.0) for off in (0.0, 30.0))
    assert near is not None
    assert far is not None
    assert near >= found.residual
    assert far > near


def test_too_few_nights_are_refused():
    with pytest.raises(NoFitError, match="there are only 6 complete nights with 36 hours"):
        fit(nights(15.0, count=6))
    with pytest.raises(NoFitError, match="there are only 0 complete nights"):
        fit([])


def test_a_weight_that_does_not_follow_the_temperature_is_refused():
    with pytest.raises(NoFitError, match="of the weight's changes in 20 nights"):
        fit(nights(0.0, noise=30.0))


def test_temperatures_that_hardly_differ_are_refused():
    level = [
        [hour._replace(celsius=20 + hour.celsius / 100) for hour in night] for night in nights(15.0)
    ]
    with pytest.raises(NoFitError, match="the nights' temperatures are within"):
        fit(level)


def test_a_night_with_a_step_is_left_out():
    made = nights(15.0)
    made[3][2:] = [hour._replace(grams=hour.grams - 2000) for hour in made[3][2:]]
    assert fit(made).nights == 19
    assert fit(made).slope == pytest.approx(15, abs=1)


def test_short_nights_are_left_out():
    made = nights(15.0)
    made[0] = made[0][:4]
    assert fit(made).nights == 19
