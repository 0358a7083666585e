"""The simulated hive's numbers."""

from __future__ import annotations

import time

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError
from beemon.devices.sensors.simulated import (
    COUNTS_AT_ZERO,
    COUNTS_PER_GRAM,
    COUNTS_PER_KELVIN,
    DAY,
    FULL_SCALE,
    counts,
    flights,
    humidity,
    outside_temperature,
    temperature,
    weight,
)
from tests.devices.contracts import SensorContract

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


SCALE = {"driver": "simulated", "quantities": ["bridge"]}


def test_a_scale_says_a_raw_number_that_goes_with_the_load(tmp_path):
    load_file = tmp_path / "load"
    scale = load("sensor", "sensor.scale", {**SCALE, "load_file": str(load_file)})
    with pytest.raises(DeviceError, match="contains no load"):
        scale.read()
    said = []
    for grams in ("0", "10000"):
        load_file.write_text(grams)
        said += scale.read()
    assert {(one.quantity, one.unit) for one in said} == {("bridge", "mV/V")}
    assert said[1].raw - said[0].raw == pytest.approx(10_000 * COUNTS_PER_GRAM, abs=250)
    assert said[1].value == pytest.approx(said[1].raw / FULL_SCALE)


def test_without_a_load_file_the_hive_stands_on_the_scale():
    [one] = load("sensor", "sensor.scale", SCALE).read()
    assert 25_000 < (one.raw - COUNTS_AT_ZERO) / COUNTS_PER_GRAM < 45_000


def test_no_two_samples_of_a_scale_share_their_noise_and_it_drifts():
    shown = [counts(1, MIDSUMMER, 10_000, sample) for sample in range(50)]
    assert len(set(shown)) > 25
    warmer = outside_temperature(1, MIDSUMMER + 12 * 3600) - outside_temperature(1, MIDSUMMER)
    moved = counts(1, MIDSUMMER + 12 * 3600, 10_000, 0) - counts(1, MIDSUMMER, 10_000, 0)
    assert moved == pytest.approx(COUNTS_PER_KELVIN * warmer, abs=130)


def test_a_load_is_for_a_scale_alone():
    with pytest.raises(ValueError, match="is for a scale"):
        load("sensor", "sensor.hive", {"driver": "simulated", "load_file": "/tmp/load"})


class TestScaleContract(SensorContract):
    @pytest.fixture
    def device(self):
        return load("sensor", "sensor.scale", SCALE)


class TestContract(SensorContract):
    @pytest.fixture
    def device(self):
        return load("sensor", "sensor.hive", {"driver": "simulated"})


def test_bees_fly_by_day_and_all_come_home():
    evening, morning = MIDSUMMER + 22 * 3600, MIDSUMMER + DAY + 5 * 3600
    assert flights(1, evening) == flights(1, morning)
    assert flights(1, morning + DAY) - flights(1, morning) == pytest.approx(24_000)


def test_the_count_of_flights_never_falls():
    counted = [flights(1, MIDSUMMER + 20 * step) for step in range(2 * 4320)]
    assert counted == sorted(counted)


def test_bees_are_counted_from_one_reading_to_the_next():
    table = {"driver": "simulated", "quantities": ["bees_in", "bees_out"], "speed": 100_000.0}
    sensor = load("sensor", "sensor.entrance", table)
    sensor.open()
    began = time.monotonic()
    first, second = ([m.value for m in sensor.read()] for _ in range(2))
    most = 24_000 * (1 + (time.monotonic() - began) * 100_000 / DAY)
    assert all(0 <= value <= most and value.is_integer() for value in [*first, *second])


def test_each_bee_is_counted_once_however_often_it_is_read(monkeypatch):
    noon = MIDSUMMER + DAY / 2
    clock = iter([noon, noon, *[noon + 600 * n for n in range(1, 7)]])
    monkeypatch.setattr(time, "time", lambda: next(clock))
    sensor = load("sensor", "sensor.entrance", {"driver": "simulated", "quantities": ["bees_out"]})
    sensor.open()
    counted = [sensor.read()[0].value for _ in range(6)]
    assert sum(counted) == pytest.approx(flights(1, noon + 3600) - flights(1, noon), abs=1)
    assert min(counted) > 100
