"""The kernel's own drivers under ours: chips whose registers i2c-stub holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError, DeviceMissingError, Sensor
from tests.guest.i2c import Chip, swapped

# The trimming values and the measurement of Bosch's worked example (BMP280 data sheet, section
# 3.12): 25.08 °C and 100653 Pa. The BME280 reckons both alike.
TEMPERATURE_TRIM = (27504, 26435, -1000)
PRESSURE_TRIM = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
ADC_TEMPERATURE, ADC_PRESSURE = 519888, 415148
# Trimming values as a real chip has them, and a measurement (BME280 data sheet, section 4.2.2).
H1, H2, H3, H4, H5, H6 = 75, 362, 0, 328, 50, 30
ADC_HUMIDITY = 30000


def words(first: int, values: tuple[int, ...]) -> dict[int, int]:
    """Signed words in consecutive registers, the low byte first."""
    registers = {}
    for number, value in enumerate(values):
        registers[first + 2 * number] = value & 0xFF
        registers[first + 2 * number + 1] = value >> 8 & 0xFF
    return registers


BME280 = {
    0xD0: 0x60,  # chip id
    0xF3: 0x00,  # status: nothing is being measured
    **words(0x88, TEMPERATURE_TRIM),
    **words(0x8E, PRESSURE_TRIM),
    0xA1: H1, **words(0xE1, (H2,)), 0xE3: H3,
    0xE4: H4 >> 4, 0xE5: (H4 & 0xF) | (H5 & 0xF) << 4, 0xE6: H5 >> 4, 0xE7: H6,
    0xF7: ADC_PRESSURE >> 12, 0xF8: ADC_PRESSURE >> 4 & 0xFF, 0xF9: (ADC_PRESSURE & 0xF) << 4,
    0xFA: ADC_TEMPERATURE >> 12, 0xFB: ADC_TEMPERATURE >> 4 & 0xFF,
    0xFC: (ADC_TEMPERATURE & 0xF) << 4,
    0xFD: ADC_HUMIDITY >> 8, 0xFE: ADC_HUMIDITY & 0xFF,
}


def humidity() -> float:
    """BME280 data sheet, appendix 8.1: the humidity in % by floating point."""
    t1, t2, t3 = TEMPERATURE_TRIM
    first = (ADC_TEMPERATURE / 16384.0 - t1 / 1024.0) * t2
    fine = first + (ADC_TEMPERATURE / 131072.0 - t1 / 8192.0) ** 2 * t3 - 76800.0
    wet = ADC_HUMIDITY - (H4 * 64.0 + H5 / 16384.0 * fine)
    wet *= H2 / 65536.0 * (1.0 + H6 / 67108864.0 * fine * (1.0 + H3 / 67108864.0 * fine))
    return wet * (1.0 - H1 * wet / 524288.0)


@pytest.fixture
def bme280() -> Iterator[Chip]:
    chip = Chip("bme280", 0x76)
    chip.set(BME280)
    chip.bind()
    yield chip
    chip.unbind()


@pytest.fixture
def lm75() -> Iterator[Chip]:
    chip = Chip("lm75", 0x48)
    chip.set({0: swapped(0x1980)}, "w")  # 25.5 °C in steps of 1/256
    chip.bind()
    yield chip
    chip.unbind()


def sensor(subsystem: str, device: str) -> Sensor:
    found = load("sensor", "sensor.a", {
        "driver": "kernel", "subsystem": subsystem, "device": device,
    })
    assert isinstance(found, Sensor)
    return found


def values(found: Sensor) -> dict[str, float]:
    return {measured.quantity: measured.value for measured in found.read()}


def test_a_bme280_is_read_through_the_kernels_iio_driver(bme280: Chip) -> None:
    found = sensor("iio", "bme280")
    found.open()
    measured = values(found)
    assert measured["temperature"] == pytest.approx(25.08, abs=0.005)
    assert measured["pressure"] == pytest.approx(100653, abs=2)
    assert measured["humidity"] == pytest.approx(humidity(), abs=0.05)


def test_an_lm75_is_read_through_the_kernels_hwmon_driver(lm75: Chip) -> None:
    assert values(sensor("hwmon", "lm75"))["temperature"] == 25.5
    lm75.set({0: swapped(0xF600)}, "w")
    assert values(sensor("hwmon", f"lm75@{lm75.location}"))["temperature"] == -10.0


def test_a_chip_that_is_gone_is_a_reason_and_comes_back(lm75: Chip) -> None:
    found = sensor("hwmon", "lm75")
    assert values(found)["temperature"] == 25.5
    lm75.unbind()
    with pytest.raises(DeviceMissingError, match='no hwmon device "lm75"'):
        found.read()
    lm75.bind()
    assert values(found)["temperature"] == 25.5


def test_an_address_where_no_chip_answers_is_a_reason(bme280: Chip) -> None:
    nobody = Chip("sht3x", 0x44)  # the stub has no such address
    nobody.bind()
    try:
        with pytest.raises(DeviceError, match="sht3x"):
            sensor("hwmon", "sht3x").read()
    finally:
        nobody.unbind()
