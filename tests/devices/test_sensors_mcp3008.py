"""The analogue input, over gpiozero's mock SPI with a converter on it."""

from __future__ import annotations

import pytest

from beemon.devices import load
from beemon.devices._base import BadReadingError, DeviceError
from tests.devices.contracts import SensorContract

chips = pytest.importorskip("tests.grounds.chips")


@pytest.fixture
def converter(pins):
    """One whose inputs have the numbers in ``inputs``."""
    chip = chips.Converter(pins)
    yield chip
    chip.close()


@pytest.fixture
def analogue(converter):
    made = []

    def make(**options):
        made.append(load("sensor", "sensor.battery", {"driver": "mcp3008", **options}))
        made[-1].open()
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_voltage_is_a_share_of_the_reference(analogue, converter):
    converter.inputs = [0, 512, 0, 0, 0, 0, 0, 100]
    [measured] = analogue(channel=1).read()
    assert (measured.quantity, measured.value, measured.unit) == ("voltage", 1.65, "V")
    assert measured.raw == 512
    assert analogue(channel=7, reference=5.0).read()[0].value == pytest.approx(100 / 1024 * 5)


def test_the_config_says_what_the_voltage_stands_for(analogue, converter):
    converter.inputs = [512] * 8
    [measured] = analogue(
        channel=0, quantity="soil_moisture", unit="%", factor=-50.0, offset=100.0
    ).read()
    assert (measured.quantity, measured.unit) == ("soil_moisture", "%")
    assert measured.value == pytest.approx(100 - 50 * 1.65)


def test_full_scale_is_no_reading(analogue, converter):
    converter.inputs = [1023] * 8
    with pytest.raises(BadReadingError, match="reference") as caught:
        analogue(channel=0).read()
    assert caught.value.reason == "out-of-range"


def test_an_input_that_is_not_open_says_so(analogue):
    sensor = analogue(channel=0)
    sensor.close()
    with pytest.raises(DeviceError, match="not open"):
        sensor.read()


@pytest.mark.parametrize("quantity", ["Soil", "soil moisture", "", 5])
def test_a_quantity_is_a_word(quantity):
    with pytest.raises(ValueError, match="quantity"):
        load("sensor", "sensor.x", {"driver": "mcp3008", "channel": 0, "quantity": quantity})


class TestContract(SensorContract):
    @pytest.fixture
    def device(self, converter):
        converter.inputs = [512] * 8
        return load("sensor", "sensor.battery", {"driver": "mcp3008", "channel": 0})
