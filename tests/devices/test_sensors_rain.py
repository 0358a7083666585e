"""The rain gauge, over gpiozero's mock pins."""

from __future__ import annotations

import pytest

from beemon.devices import load
from tests.devices.contracts import SensorContract

PIN = 22


@pytest.fixture
def gauge(pins):
    pins.now = 100.0
    made = []

    def make(**options):
        table = {"driver": "rain", "pin": PIN, "mm_per_tip": 0.2794, **options}
        made.append(load("sensor", "sensor.rain", table))
        made[-1].open()
        return made[-1]

    yield make
    for each in made:
        each.close()


def tip(pins, bounces=0):
    """The contact closes for a tenth of a second, and bounces as it does."""
    pin = pins.pin(PIN)
    for _ in range(bounces):
        pin.drive_low()
        pins.now += 0.002
        pin.drive_high()
        pins.now += 0.001
    pin.drive_low()
    pins.now += 0.1
    pin.drive_high()
    pins.now += 1.0


def read(sensor):
    return {m.quantity: m.value for m in sensor.read()}


def test_rain_is_what_fell_since_the_read_before(gauge, pins):
    sensor = gauge()
    for _ in range(3):
        tip(pins)
    pins.now = 160.0
    assert read(sensor) == {"rain": pytest.approx(0.8382), "interval": 60.0}
    pins.now = 220.0
    assert read(sensor) == {"rain": 0.0, "interval": 60.0}


def test_the_number_of_tips_is_kept(gauge, pins):
    sensor = gauge()
    tip(pins)
    assert [m.raw for m in sensor.read()] == [1, None]


def test_a_contact_that_bounces_tips_once(gauge, pins):
    sensor = gauge()
    tip(pins, bounces=10)
    assert sensor.read()[0].raw == 1


def test_how_much_a_tip_is_must_be_said():
    with pytest.raises(ValueError, match="mm_per_tip"):
        load("sensor", "sensor.rain", {"driver": "rain", "pin": PIN})


class TestContract(SensorContract):
    @pytest.fixture
    def device(self, pins):
        return load("sensor", "sensor.rain", {"driver": "rain", "pin": PIN, "mm_per_tip": 0.2})
