"""Sampling: trimmed means, refused samples, and sensors that do not move any more."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.readings import Calibration
from beemon.devices import settings_for
from beemon.devices._base import (
    BadReadingError,
    CommonSettings,
    Conversion,
    DeviceError,
    DeviceMissingError,
    Measurement,
    Refusal,
    Sensor,
    SensorSettings,
)
from beemon.worker.sampling import Sampler, standard_error, trimmed_mean

HOUR, DAY = 3600.0, 86400.0


class Scripted(Sensor):
    """Says what it is told to, one item for each sample; an error is raised."""

    def __init__(self, said: Sequence[object], **options) -> None:
        super().__init__(SensorSettings(name="sensor.scale", **options))
        self.said = list(said)

    def read(self):
        item = self.said.pop(0)
        if isinstance(item, DeviceError):
            raise item
        return item if isinstance(item, list) else [weight(item)]


def weight(raw: float, stuck_after: float | None = None) -> Measurement:
    return Measurement("weight", raw / 2, "g", raw, stuck_after=stuck_after)


def test_numbers_of_any_type_become_plain_ones() -> None:
    said = Measurement(
        "weight", np.float32(1.5), "g", np.int64(3), uncertainty=Decimal(1), raw_uncertainty=2
    )
    assert said == Measurement("weight", 1.5, "g", 3.0, uncertainty=1.0, raw_uncertainty=2)
    refused = Refusal("weight", "g", "stuck", "it stands", np.int64(3))
    numbers = (said.value, said.raw, said.uncertainty, said.raw_uncertainty, refused.raw)
    assert [type(number) for number in numbers] == [float, float, float, int, float]


def read_once(said: Sequence[object], **options):
    return Sampler().read(Scripted(said, **options))


# Samples

def test_one_sample_is_the_reading():
    assert read_once([8.0]) == [weight(8.0)]


def test_of_many_samples_the_trimmed_mean_is_the_reading_raw_and_value():
    samples = [0.0, *[100.0] * 8, 9e6]
    [said] = read_once(samples, samples=10)
    assert (said.value, said.raw, said.raw_uncertainty) == (50.0, 100.0, 0.0)


def test_the_samples_that_were_asked_for_are_taken_and_no_more():
    sensor = Scripted([1.0, 2.0, 3.0, 4.0], samples=3)
    assert Sampler().read(sensor) == [weight(2.0)]
    assert sensor.said == [4.0]


def test_a_refused_sample_is_left_out_and_told_of():
    [said] = read_once([10.0, BadReadingError("all-ones", "-1"), 20.0], samples=3)
    assert (said.value, said.quality) == (7.5, "few-samples")


@pytest.mark.parametrize("samples", [2, 3, 10])
def test_where_half_of_the_samples_are_refused_so_is_the_reading(samples):
    said = [BadReadingError("all-ones", "-1") if n % 2 else 1.0 for n in range(samples)]
    said[0] = BadReadingError("all-ones", "-1")
    with pytest.raises(BadReadingError, match="-1"):
        read_once(said, samples=samples)


def test_a_sensor_that_is_gone_is_not_asked_again():
    sensor = Scripted([DeviceMissingError("gone"), 1.0, 1.0], samples=3)
    with pytest.raises(DeviceMissingError):
        Sampler().read(sensor)
    assert sensor.said == [1.0, 1.0]


def test_each_quantity_is_averaged_and_refused_by_itself():
    dry = Refusal("humidity", "%", "out-of-range", "101 %")
    wet = Measurement("humidity", 80.0, "%")
    rain = [[weight(2.0), dry], [weight(4.0), dry], [weight(6.0), wet]]
    assert read_once(rain, samples=3) == [weight(4.0), dry]


def test_what_counts_is_read_as_it_is():
    class Counter(Sensor):
        def read(self):
            return [Measurement("count", 7.0, "", stuck_after=1.0)]

    assert Sampler().read(Counter(CommonSettings(name="sensor.gate")))[0].value == 7.0


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=100))
def test_a_trimmed_mean_lies_within_what_was_measured(values):
    assert min(values) - 1e-6 <= trimmed_mean(values) <= max(values) + 1e-6


@given(st.floats(-1e9, 1e9), st.integers(1, 100))
def test_a_trimmed_mean_of_equals_is_that(value, count):
    assert trimmed_mean([value] * count) == pytest.approx(value)


@pytest.mark.parametrize("spoiled", [1, 5])
def test_a_tenth_of_wild_samples_at_either_end_changes_nothing(spoiled):
    assert trimmed_mean([math.inf] * spoiled + [5.0] * (50 - 2 * spoiled) + [-9e9] * spoiled) == 5.0


# Calibration

def test_a_raw_number_becomes_a_value_that_names_its_calibration():
    weighed = Conversion(quantity="honey", unit="kg", zero=100.0, factor=0.5)
    [said] = read_once([108.0], calibration={"weight": weighed})
    assert said == Measurement("honey", 4.0, "kg", 108.0, calibration=Calibration(100.0, 0.5))


def test_without_a_raw_number_the_value_is_the_raw_one():
    fahrenheit = Conversion(quantity="warmth", unit="°F", zero=-160 / 9, factor=1.8)
    sensor = Scripted([[Measurement("temperature", 100.0, "°C")]],
                      calibration={"temperature": fahrenheit})
    [said] = Sampler().read(sensor)
    assert (said.value, said.unit, said.raw) == (pytest.approx(212.0), "°F", 100.0)


def test_a_refusal_is_of_the_quantity_that_the_value_would_have_had():
    weighed = Conversion(quantity="honey", unit="kg")
    refusal = Refusal("weight", "g", "all-ones", "-1")
    assert read_once([[refusal]], calibration={"weight": weighed}) == [
        Refusal("honey", "kg", "all-ones", "-1"),
    ]


def test_a_calibration_in_the_config_is_checked():
    wrong = {"quantity": "work", "unit": "", "zeor": 1}
    table = {"driver": "system", "calibration": {"load": wrong}}
    _, [problem] = settings_for("sensor", "sensor.x", table, str)
    assert 'is wrong for load: unknown option "zeor"; did you mean "zero"?' in str(problem)
    table["calibration"] = {"load": 3}
    _, [problem] = settings_for("sensor", "sensor.x", table, str)
    assert "must have a table for each quantity" in str(problem)
    table["calibration"] = {"load": {"quantity": "work", "unit": "", "factor": 2.0}}
    settings, _ = settings_for("sensor", "sensor.x", table, str)
    assert settings.calibration == {"load": Conversion(quantity="work", unit="", factor=2.0)}


# Stuck

class Hours:
    """A sampler whose clock is turned by hand, and a sensor that says one thing after another."""

    def __init__(self, stuck_after: float | None = None) -> None:
        self.seconds = 0.0
        self.sampler = Sampler(lambda: self.seconds)
        self.stuck_after = stuck_after

    def read(self, raw: float, limit: float | None = HOUR, after: float = 60.0):
        """What a reading says after some time."""
        self.seconds += after
        sensor = Scripted([[weight(raw, limit)]], stuck_after=self.stuck_after)
        [said] = self.sampler.read(sensor)
        return said.reason if isinstance(said, Refusal) else said.value


def test_a_value_that_never_moves_is_refused_from_its_time_on():
    hours = Hours()
    assert [hours.read(7.0) for _ in range(60)] == [3.5] * 60
    assert hours.read(7.0) == "stuck"
    assert hours.read(7.0) == "stuck"


def test_a_refusal_for_being_stuck_says_what_was_read_and_for_how_long():
    hours = Hours()
    hours.read(7.0)
    hours.seconds += HOUR
    [said] = hours.sampler.read(Scripted([[weight(7.0, HOUR)]]))
    assert said == Refusal("weight", "g", "stuck", "weight has been 7 for 1.0 h", raw=7.0)


def test_a_sensor_that_moves_again_is_believed_again():
    hours = Hours()
    for _ in range(70):
        hours.read(7.0)
    assert hours.read(8.0) == 4.0
    assert [hours.read(8.0) for _ in range(59)] == [4.0] * 59


def test_a_sensor_that_may_stand_still_for_ever_does():
    hours = Hours()
    assert [hours.read(100.0, None, DAY) for _ in range(200)] == [50.0] * 200


@pytest.mark.parametrize(("option", "expected"), [(300.0, "stuck"), (math.inf, 3.5)])
def test_the_config_has_the_last_word(option, expected):
    hours = Hours(option)
    assert [hours.read(7.0, after=HOUR) for _ in range(5)][-1] == expected


def test_quantities_are_stuck_each_by_itself():
    hours = Hours()
    for minute in range(70):
        hours.seconds += 60
        said = hours.sampler.read(Scripted([[
            weight(7.0, HOUR), Measurement("voltage", float(minute), "V", stuck_after=HOUR),
        ]]))
    assert isinstance(said[0], Refusal)
    assert isinstance(said[1], Measurement)


def test_a_refused_reading_between_does_not_make_a_dead_sensor_live():
    hours = Hours()
    for minute in range(70):
        if minute % 10 == 5:
            hours.sampler.read(Scripted([[Refusal("weight", "g", "io-error", "no answer")]]))
        last = hours.read(7.0)
    assert last == "stuck"


# No good sensor is flagged: each as its data sheet has its noise and its steps, for a winter

WINTER_MINUTES = 120 * 24 * 60 // 10  # a reading in ten minutes; seldom is harder


def quantised(value: float, step: float) -> float:
    return round(value / step) * step


@pytest.mark.parametrize(
    ("step", "noise", "swing", "limit"),
    [
        # HX711, 24 bits: 50 nV rms of noise at gain 128 on a +-20 mV range
        (1.0, 50e-9 / (40e-3 / 2**24), 0.0, HOUR),
        # SHT3x: steps of 0.0027 °C, repeatability 0.15 °C at 3 sigma at its noisiest, 0.04 at best
        (175 / 65535, 0.04 / 3, 0.0, DAY),
        # BMP280: 0.005 °C noise at standard resolution, steps of 0.01 °C as the kernel tells it
        (0.01, 0.005, 0.0, DAY),
        # DS18B20 in a winter cluster: steps of 0.0625 °C, hardly any noise, half a degree a week
        (0.0625, 0.01, 0.5, 60 * DAY),
    ],
    ids=["hx711", "sht3x", "bmp280", "ds18b20"],
)
def test_no_good_sensor_is_stuck_in_a_winter_without_a_change(step, noise, swing, limit):
    chance = random.Random(1)
    hours = Hours()
    for minute in range(WINTER_MINUTES):
        warmth = 20.0 + swing * math.sin(minute / WINTER_MINUTES * 17 * 2 * math.pi)
        said = hours.read(quantised(chance.gauss(warmth, noise), step), limit, after=600.0)
        assert said != "stuck"


# What was measured at the hive

MEASURED = Calibration(
    100.0, 0.5, job=7, noise=8.0, zero_uncertainty=1.0, factor_uncertainty=0.0, covariance=0.0
)


def test_a_converters_number_becomes_a_weight_that_names_its_calibration():
    [said] = Sampler().read(Scripted([108.0]), {"weight": MEASURED})
    assert (said.quantity, said.unit, said.value, said.raw) == ("weight", "g", 4.0, 108.0)
    assert said.calibration is MEASURED


def test_one_samples_noise_is_that_of_the_calibration():
    [said] = Sampler().read(Scripted([108.0]), {"weight": MEASURED})
    assert said.uncertainty == float(f"{0.5 * math.hypot(8.0, 1.0):.2g}")


def test_many_samples_tell_their_own_noise():
    [said] = Sampler().read(Scripted([108.0] * 20, samples=20), {"weight": MEASURED})
    assert said.uncertainty == 0.5


def test_the_configs_calibration_comes_before_what_was_measured():
    given = Conversion(quantity="honey", unit="kg")
    [said] = Sampler().read(
        Scripted([108.0], calibration={"weight": given}), {"weight": MEASURED}
    )
    assert (said.quantity, said.value, said.uncertainty) == ("honey", 108.0, None)


def test_a_refusal_of_a_calibrated_converter_is_one_of_the_weight():
    refusal = Refusal("bridge", "mV/V", "all-ones", "-1")
    [said] = Sampler().read(Scripted([[refusal]]), {"bridge": MEASURED})
    assert said == Refusal("weight", "g", "all-ones", "-1")


def test_a_point_of_a_calibration_has_samples_enough_and_says_how_still_they_were():
    chance = random.Random(1)
    [one] = Sampler().measure(Scripted([chance.gauss(100.0, 2.0) for _ in range(30)]))
    assert (one.quantity, one.unit, one.samples) == ("weight", "g", 30)
    assert one.raw == pytest.approx(100.0, abs=1.5)
    assert one.value == pytest.approx(one.raw / 2)
    assert one.noise == pytest.approx(2.0, rel=0.3)
    assert one.spread == pytest.approx(one.noise / 2, rel=0.05)


def test_wild_samples_of_a_point_change_nothing():
    calm = [100.0 + 0.5 * (number % 3) for number in range(30)]
    [one] = Sampler().measure(Scripted(calm))
    [wild] = Sampler().measure(Scripted([*calm[:28], 9e6, -9e6]))
    assert wild.raw == pytest.approx(one.raw, abs=0.1)
    assert wild.noise < 2 * one.noise
    assert wild.spread < 2 * one.spread


def test_a_converter_without_noise_is_known_to_its_own_steps():
    [one] = Sampler().measure(Scripted([100.0] * 30))
    assert (one.uncertainty, one.noise) == (pytest.approx(0.29, abs=0.01),) * 2
    [fine] = Sampler().measure(Scripted([100.5] * 30))
    assert fine.uncertainty == 0.0


def test_one_that_creeps_shows_by_its_halves():
    [one] = Sampler().measure(Scripted([*[100.0] * 15, *[140.0] * 15]))
    assert one.spread == 20.0


def test_what_tells_no_raw_number_or_counts_cannot_be_measured():
    class Counter(Sensor):
        def read(self):
            return [Measurement("count", 7.0, "")]

    assert Sampler().measure(Counter(SensorSettings(name="sensor.gate"))) == []
    with pytest.raises(DeviceError, match="has nothing to calibrate"):
        Sampler().measure(Counter(CommonSettings(name="sensor.gate")))


@pytest.mark.parametrize("count", [8, 10, 30, 100])
def test_the_standard_error_of_a_trimmed_mean_is_what_trials_show(count):
    chance = random.Random(1)
    trials = [[chance.gauss(0, 1) for _ in range(count)] for _ in range(3000)]
    shown = statistics.stdev(map(trimmed_mean, trials))
    errors = [error for trial in trials if (error := standard_error(trial)) is not None]
    assert len(errors) == len(trials)
    stated = math.sqrt(statistics.fmean(error**2 for error in errors))
    assert stated == pytest.approx(shown, rel=0.12)


def test_seven_samples_are_too_few_for_one():
    assert standard_error([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) is None
