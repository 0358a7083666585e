"""Chips that the kernel reads, by name: what they can measure, and how a Raspberry Pi gets them.

``ranges`` are inclusive and in beemon's units, from the data sheets; a quantity without one is
held to what can be true at all. ``stuck_after`` are the seconds after which only a dead chip still
says exactly the same: the data sheets' noise is many steps of these converters, so that two equal
readings are rare and a day of them is none. A DS18B20 has steps of 0.0625 °C and little noise: in
melting snow a good one stands still for weeks. What is not listed (humidity at 100 % lasts all
winter) is never stuck. ``boot`` is the line for ``/boot/firmware/config.txt``; its overlays are
Raspberry Pi OS's own (``/boot/firmware/overlays/README``), but for those whose names begin with
``beemon``, which come as source with the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_HOUR, _DAY = 3600.0, 86400.0

Range = tuple[float, float]

PLAUSIBLE: Mapping[str, Range] = {
    "temperature": (-60.0, 150.0),
    "humidity": (0.0, 100.0),
    "pressure": (30_000.0, 120_000.0),
    "co2": (0.0, 1_000_000.0),
    "illuminance": (0.0, 200_000.0),
}
"""What can be true at all; no daylight is brighter than 130,000 lx."""


@dataclass(frozen=True)
class Chip:
    """One kind of chip; ``subsystem`` is the part of the kernel that reads it.

    ``zero`` is what the kernel's driver says in ``_raw`` at zero, where it states no offset.
    """

    title: str
    subsystem: str
    boot: str
    ranges: Mapping[str, Range] = field(default_factory=dict)
    stuck_after: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    zero: int = 0


_BOSCH_RANGES = {"temperature": (-40.0, 85.0), "pressure": (30_000.0, 110_000.0)}
_BOSCH_STUCK = {"temperature": _DAY, "pressure": _DAY}
_LOAD_CELLS_STUCK = {"voltage": _HOUR}
_OWN = "the overlay's source is in /usr/share/doc/beemon/examples"

CHIPS: Mapping[str, Chip] = {
    "bme280": Chip(
        "BME280: temperature, humidity, pressure", "iio", "dtoverlay=i2c-sensor,bme280",
        _BOSCH_RANGES, _BOSCH_STUCK, "at address 0x77: dtoverlay=i2c-sensor,bme280,addr=0x77",
    ),
    "bmp280": Chip(
        "BMP280: temperature, pressure", "iio", "dtoverlay=i2c-sensor,bmp280",
        _BOSCH_RANGES, _BOSCH_STUCK,
    ),
    "bme680": Chip(
        "BME680: temperature, humidity, pressure", "iio", "dtoverlay=i2c-sensor,bme680",
        _BOSCH_RANGES, _BOSCH_STUCK,
    ),
    "sht3x": Chip(
        "SHT30, SHT31, SHT35: temperature, humidity", "hwmon", "dtoverlay=i2c-sensor,sht3x",
        {"temperature": (-40.0, 125.0)}, {"temperature": _DAY},
        "at address 0x45: dtoverlay=i2c-sensor,sht3x,addr=0x45",
    ),
    "sht4x": Chip(
        "SHT40, SHT41, SHT45: temperature, humidity", "hwmon", "dtoverlay=i2c-sensor,sht4x",
        {"temperature": (-40.0, 125.0)}, {"temperature": _DAY},
    ),
    "aht10": Chip(
        "AHT10: temperature, humidity", "hwmon", "dtoverlay=i2c-sensor,aht10",
        {"temperature": (-40.0, 85.0)}, {"temperature": _DAY},
    ),
    "aht20": Chip(
        "AHT20: temperature, humidity", "hwmon", "dtoverlay=i2c-sensor,aht10",
        {"temperature": (-40.0, 85.0)}, {"temperature": _DAY},
        "the kernel may call it aht10: see its name below /sys/class/hwmon",
    ),
    "scd4x": Chip(
        "SCD40, SCD41: CO₂, temperature, humidity", "iio", "dtoverlay=beemon-i2c,scd4x",
        {"temperature": (-10.0, 60.0), "co2": (300.0, 40_000.0)}, {}, _OWN,
    ),
    "tsl2591": Chip(
        "TSL2591: light", "iio", "dtoverlay=beemon-i2c,tsl2591",
        {"illuminance": (0.0, 88_000.0)}, {}, _OWN,
    ),
    "nau7802": Chip(
        "NAU7802: a scale's load cells", "iio", "dtoverlay=beemon-i2c,nau7802",
        {}, _LOAD_CELLS_STUCK, _OWN,
    ),
    "hx711": Chip(
        "HX711: a scale's load cells", "iio", "dtoverlay=beemon-hx711,clock=5,data=6",
        {}, _LOAD_CELLS_STUCK, _OWN,
        zero=0x800000,  # drivers/iio/adc/hx711.c counts from the lower end of the range
    ),
    "ds18b20": Chip(
        "DS18B20: temperature", "w1", "dtoverlay=w1-gpio",
        {"temperature": (-55.0, 125.0)}, {"temperature": 60 * _DAY},
        "ls /sys/bus/w1/devices tells the ids",
    ),
}
"""By the name that the kernel gives them; 1-Wire sensors are named by their ids there."""

ONE_WIRE = CHIPS["ds18b20"]

_NOBODY = Chip("", "", "")


def chip_of(device: str, subsystem: str) -> Chip:
    """What is known of a device of that name (``sht3x``, ``sht3x@1-0044``, ``28-…``)."""
    if subsystem == "w1":
        return ONE_WIRE
    return CHIPS.get(device.partition("@")[0], _NOBODY)
