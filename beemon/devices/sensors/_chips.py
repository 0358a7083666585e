"""Chips that the kernel reads, by name: their quantities, and how a Raspberry Pi enables them.

``measures`` are the chip's quantities: a chip without a channel for one of them was sold under a
wrong name. ``ranges`` are inclusive, in beemon's units, from the data sheets; a quantity without
one has only the physical limits. A value outside its range but within ``clamps`` is valid, because
the data sheet cuts it to the range. ``silences`` are the kernel's numbers with which a chip reports
that it measured nothing.

``stuck_after`` is the time in seconds after which only a dead chip still returns exactly the same
value. According to the data sheets, the noise is many steps of these converters. Two equal readings
are therefore rare, and a day of equal readings does not occur. A DS18B20 has steps of 0.0625 °C and
little noise: in melting snow a good one is constant for weeks. Quantities that are not listed are
never stuck; humidity, for example, can be 100 % all winter.

``boot`` is the line for ``/boot/firmware/config.txt``. Its overlays are part of Raspberry Pi OS
(``/boot/firmware/overlays/README``), except those that begin with ``beemon``: the package contains
their source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

_HOUR, _DAY = 3600.0, 86400.0

Range = tuple[float, float]

PLAUSIBLE: Mapping[str, Range] = {
    "temperature": (-60.0, 150.0),
    "humidity": (0.0, 100.0),
    "pressure": (30_000.0, 120_000.0),
    "co2": (0.0, 1_000_000.0),
    "illuminance": (0.0, 200_000.0),
}
"""The range of possible values; no daylight is brighter than 130,000 lx."""


class Silence(NamedTuple):
    """Why a number measures nothing: a word of ``outcomes.REASONS``, and a clause."""

    reason: str
    says: str


_NO_AIR = Silence("out-of-range", "air always has some humidity")
_NO_HUMIDITY = Silence(
    "out-of-range", "air always has some humidity; a BMP280 sold as a BME280 returns this"
)
_END = Silence("out-of-range", "it is at the end of its range: the load is too high, or a wire is "
                               "loose")
_ONES = Silence("all-ones", "it returned only ones; check its power and its wires")
_POWER_ON = Silence("power-on-value", "it returned 85 °C, its value after power-on")


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One kind of chip; ``subsystem`` is the part of the kernel that reads it.

    ``zero`` is the kernel driver's number in ``_raw`` at zero, if the driver states no offset.
    ``factors`` convert its numbers to beemon's units, if they are not in the units of the ABI.
    """

    title: str = ""
    subsystem: str = ""
    boot: str = ""
    measures: tuple[str, ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)
    clamps: Mapping[str, Range] = field(default_factory=dict)
    silences: Mapping[str, Mapping[float, Silence]] = field(
        default_factory=lambda: {"humidity": {0.0: _NO_AIR}}
    )
    factors: Mapping[str, float] = field(default_factory=dict)
    stuck_after: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    zero: int = 0


_AIR = ("temperature", "humidity", "pressure")
_BOSCH_RANGES = {"temperature": (-40.0, 85.0), "pressure": (30_000.0, 110_000.0)}
_BOSCH_STUCK = {"temperature": _DAY, "pressure": _DAY}
_OWN = "the overlay's source is in /usr/share/doc/beemon/examples"

CHIPS: Mapping[str, Chip] = {
    "bme280": Chip(
        title="BME280", subsystem="iio", boot="dtoverlay=i2c-sensor,bme280", measures=_AIR,
        ranges=_BOSCH_RANGES, silences={"humidity": {0.0: _NO_HUMIDITY}}, stuck_after=_BOSCH_STUCK,
        note="at address 0x77: dtoverlay=i2c-sensor,bme280,addr=0x77",
    ),
    "bmp280": Chip(
        title="BMP280", subsystem="iio", boot="dtoverlay=i2c-sensor,bmp280",
        measures=("temperature", "pressure"), ranges=_BOSCH_RANGES, stuck_after=_BOSCH_STUCK,
    ),
    "bme680": Chip(
        title="BME680", subsystem="iio", boot="dtoverlay=i2c-sensor,bme680", measures=_AIR,
        ranges=_BOSCH_RANGES, stuck_after=_BOSCH_STUCK,
    ),
    "sht3x": Chip(
        title="SHT30, SHT31, SHT35", subsystem="hwmon", boot="dtoverlay=i2c-sensor,sht3x",
        measures=("temperature", "humidity"), ranges={"temperature": (-40.0, 125.0)},
        stuck_after={"temperature": _DAY},
        note="at address 0x45: dtoverlay=i2c-sensor,sht3x,addr=0x45",
    ),
    "sht4x": Chip(
        title="SHT40, SHT41, SHT45", subsystem="hwmon", boot="dtoverlay=i2c-sensor,sht4x",
        measures=("temperature", "humidity"), ranges={"temperature": (-40.0, 125.0)},
        clamps={"humidity": (-6.0, 119.0)}, silences={},  # SHT4x data sheet, section 4.6
        stuck_after={"temperature": _DAY},
    ),
    "aht10": Chip(
        title="AHT10", subsystem="hwmon", boot="dtoverlay=i2c-sensor,aht10",
        measures=("temperature", "humidity"), ranges={"temperature": (-40.0, 85.0)},
        stuck_after={"temperature": _DAY},
    ),
    "aht20": Chip(
        title="AHT20", subsystem="hwmon", boot="dtoverlay=i2c-sensor,aht10",
        measures=("temperature", "humidity"), ranges={"temperature": (-40.0, 85.0)},
        stuck_after={"temperature": _DAY},
        note="the kernel may call it aht10: see its name below /sys/class/hwmon",
    ),
    "scd4x": Chip(
        title="SCD40, SCD41", subsystem="iio", boot="dtoverlay=beemon-i2c,scd4x",
        measures=("co2", "temperature", "humidity"),
        ranges={"temperature": (-10.0, 60.0), "co2": (300.0, 40_000.0)},
        silences={"humidity": {0.0: _NO_AIR}, "co2": {40_000.0: _END}},
        note=_OWN,
    ),
    "tsl2591": Chip(
        title="TSL2591", subsystem="iio", boot="dtoverlay=beemon-i2c,tsl2591",
        measures=("illuminance",), ranges={"illuminance": (0.0, 88_000.0)}, note=_OWN,
    ),
    "nau7802": Chip(
        title="NAU7802", subsystem="iio", boot="dtoverlay=beemon-i2c,nau7802",
        measures=("voltage",), silences={"voltage": {-(2.0**23): _END, 2.0**23 - 1: _END}},
        stuck_after={"voltage": _HOUR}, note=_OWN,
    ),
    "hx711": Chip(  # drivers/iio/adc/hx711.c counts from the lower end of the range
        title="HX711", subsystem="iio", boot="dtoverlay=beemon-hx711,clock=5,data=6",
        measures=("voltage",),
        silences={"voltage": {0.0: _END, 2.0**24 - 1: _END, 2.0**23 - 1: _ONES}},
        stuck_after={"voltage": _HOUR}, note=_OWN, zero=0x800000,
    ),
    "ds18b20": Chip(
        title="DS18B20", subsystem="w1", boot="dtoverlay=w1-gpio", measures=("temperature",),
        ranges={"temperature": (-55.0, 125.0)},
        silences={"temperature": {85_000.0: _POWER_ON}},  # DS18B20 data sheet, table 1
        stuck_after={"temperature": 60 * _DAY}, note="ls /sys/bus/w1/devices lists the ids",
    ),
}
"""By the name that the kernel gives them; 1-Wire sensors are named by their ids there."""

_THERMOMETER = CHIPS["ds18b20"]

ONE_WIRE: Mapping[str, Chip] = {
    "10": replace(_THERMOMETER, title="DS18S20"),
    "22": replace(_THERMOMETER, title="DS1822"),
    "28": _THERMOMETER,
    "3b": replace(_THERMOMETER, title="DS1825"),
    "42": replace(_THERMOMETER, title="DS28EA00"),
    "26": Chip(  # Documentation/w1/slaves/w1_ds2438.rst
        title="DS2438", subsystem="w1", boot=_THERMOMETER.boot, measures=("temperature",),
        ranges={"temperature": (-40.0, 85.0)}, factors={"temperature": 1 / 256},
        note=_THERMOMETER.note,
    ),
}
"""By the family, which is the first two digits of an id; those whose unit is documented."""

_OTHERS: Mapping[str, Chip] = {"w1_slave_temp": _THERMOMETER}
"""Devices that the kernel shows a second time under another name: 1-Wire thermometers in hwmon."""
_NOBODY = Chip()


def chip_of(device: str, subsystem: str) -> Chip:
    """The chip with that name (``sht3x``, ``sht3x@1-0044``, ``28-…``), if it is known."""
    if subsystem == "w1":
        return ONE_WIRE[device[:2].lower()]
    name = device.partition("@")[0]
    return CHIPS.get(name) or _OTHERS.get(name, _NOBODY)
