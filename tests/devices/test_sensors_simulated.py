"""The simulated hive's numbers."""

from __future__ import annotations

import pytest
from contracts import SensorContract

from beemon.devices import load
from beemon.devices.sensors.simulated import (
    DAY,
    humidity,
    outside_temperature,
    temperature,
    weight,
)

MIDSUMMER = 20_625 * DAY
HOURS = [MIDSUMMER + 3600 * hour for hour in range(24 * 14)]


@pytest.mark.parametrize("curve", [temperature, outside_temperature, humidity, weight])
def test_a_value_depends_on_seed_and_time_alone(curve):
    assert curve(7, MIDSUMMER) == curve(7, MIDSUMMER)
    assert curve(7, MIDSUMMER) != curve(8, MIDSUMMER)


def test_the_brood_nest_stays_at_brood_temperature():
    assert all(34.5 <= temperature(1, t) <= 35.5 for t in HOURS)


def test_afternoons_are_warmer_than_nights():
    for day in range(14):
        start = MIDSUMMER + day * DAY
        assert outside_temperature(1, start + 15 * 3600) > outside_temperature(1, start + 3 * 3600)


def test_humidity_is_a_percentage_that_a_hive_has():
    assert all(50 <= humidity(1, t) <= 70 for t in HOURS)


def test_the_hive_is_lighter_while_the_foragers_are_out():
    morning, evening = MIDSUMMER + 10 * 3600, MIDSUMMER + 19 * 3600
    assert 200 < weight(1, evening) - weight(1, morning) < 700


def test_weight_has_no_step_at_midnight():
    assert weight(1, MIDSUMMER + DAY + 1) == pytest.approx(weight(1, MIDSUMMER + DAY - 1), abs=1)


def test_the_config_chooses_the_quantities():
    sensor = load("sensor", "sensor.scale", {"driver": "simulated", "quantities": ["weight"]})
    assert [(m.quantity, m.unit) for m in sensor.read()] == [("weight", "g")]


@pytest.mark.parametrize("quantities", [[], ["wieght"], ["weight", "weight"], "weight", [1]])
def test_a_wrong_choice_of_quantities_is_refused(quantities):
    with pytest.raises(ValueError, match="quantities"):
        load("sensor", "sensor.scale", {"driver": "simulated", "quantities": quantities})


class TestContract(SensorContract):
    @pytest.fixture
    def device(self):
        return load("sensor", "sensor.hive", {"driver": "simulated"})
