"""Sensors that a kernel driver reads: hwmon, IIO and 1-Wire, through files under ``/sys``.

File names and units are the kernel's ABI (Documentation/hwmon/sysfs-interface.rst,
Documentation/ABI/testing/sysfs-bus-iio, Documentation/w1/slaves/w1_therm.rst). A device is found
by its name at every read, never by its number, which changes when it is plugged in again.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from beemon.devices._base import (
    BadReadingError,
    DeviceError,
    DeviceMissingError,
    Measurement,
    Refusal,
    Sensor,
    SensorSettings,
)
from beemon.devices._choices import words
from beemon.devices.sensors import _converter
from beemon.options import option

FOLDERS = {"hwmon": "class/hwmon", "iio": "bus/iio/devices", "w1": "bus/w1/devices"}
POWER_ON_VALUE = 85000  # m°C; the temperature register at power-on (DS18B20 data sheet, table 1)


class DeviceIOError(DeviceError):
    """The device is there and did not answer properly."""

    reason = "io-error"


class ChecksumError(DeviceError):
    """The device's answer did not match its checksum."""

    reason = "crc"


_KINDS_OF_ERROR: dict[int, type[DeviceError]] = {
    errno.ENOENT: DeviceMissingError,
    errno.ENODEV: DeviceMissingError,
    errno.ENXIO: DeviceMissingError,
    errno.EBADMSG: ChecksumError,
}


class Kind(NamedTuple):
    """What a kind of channel measures: kernel value times ``factor`` is in ``unit``."""

    quantity: str
    unit: str
    factor: float


HWMON = {
    "temp": Kind("temperature", "°C", 1e-3),
    "humidity": Kind("humidity", "%", 1e-3),
    "in": Kind("voltage", "V", 1e-3),
    "curr": Kind("current", "A", 1e-3),
    "power": Kind("power", "W", 1e-6),
    "fan": Kind("fan_speed", "1/min", 1.0),
}
IIO = {
    "temp": Kind("temperature", "°C", 1e-3),
    "humidityrelative": Kind("humidity", "%", 1e-3),
    "pressure": Kind("pressure", "Pa", 1e3),
    "illuminance": Kind("illuminance", "lx", 1.0),
    "voltage": Kind("voltage", "V", 1e-3),
    "current": Kind("current", "A", 1e-3),
    "resistance": Kind("resistance", "Ω", 1.0),
    "concentration": Kind("concentration", "%", 1.0),
    "concentration_co2": Kind("co2", "%", 1.0),
}

# What can be true at all, inclusive, for a chip that is not listed below.
PLAUSIBLE = {
    "temperature": (-60.0, 150.0),
    "humidity": (0.0, 100.0),
    "pressure": (30_000.0, 120_000.0),
    "co2": (0.0, 100.0),
}
# What a chip can measure, by its data sheet; its other quantities are held to PLAUSIBLE.
CHIPS = {
    "sht3x": {"temperature": (-40.0, 125.0)},
    "sht4x": {"temperature": (-40.0, 125.0)},
    "aht10": {"temperature": (-40.0, 85.0)},
    "aht20": {"temperature": (-40.0, 85.0)},
    "bme280": {"temperature": (-40.0, 85.0), "pressure": (30_000.0, 110_000.0)},
    "bmp280": {"temperature": (-40.0, 85.0), "pressure": (30_000.0, 110_000.0)},
    "bme680": {"temperature": (-40.0, 85.0), "pressure": (30_000.0, 110_000.0)},
    "scd4x": {"temperature": (-10.0, 60.0), "co2": (0.0, 4.0)},
    "w1": {"temperature": (-55.0, 125.0)},
}

_HOUR, _DAY = 3600.0, 86400.0
# After how long only a dead chip still says exactly the same, in seconds. The data sheets' noise
# is many steps of these converters, so two equal readings are rare and a day of them is none. A
# DS18B20 has steps of 0.0625 °C and little noise: in melting snow a good one stands still for
# weeks. Where a quantity is not listed (humidity at 100 % lasts all winter), it is never stuck.
STUCK_AFTER = {
    "hx711": {"voltage": _HOUR},
    "nau7802": {"voltage": _HOUR},
    "sht3x": {"temperature": _DAY},
    "sht4x": {"temperature": _DAY},
    "bme280": {"temperature": _DAY, "pressure": _DAY},
    "bmp280": {"temperature": _DAY, "pressure": _DAY},
    "bme680": {"temperature": _DAY, "pressure": _DAY},
    "w1": {"temperature": 60 * _DAY},
}


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """A kernel sensor's options."""

    subsystem: Literal["hwmon", "iio", "w1"] = option(doc="which part of the kernel reads it")
    device: str = option(
        doc='its name ("sht3x"), name and bus address ("sht3x@1-0044"), or 1-Wire ROM id ("28-…")'
    )
    channels: tuple[str, ...] = option(
        (), parse=words, doc='which channels, as the kernel names them ("temp1"); all by default'
    )
    sysfs: str = option("/sys", doc="where sysfs is mounted")


class Channel(NamedTuple):
    """One number of a device: the name the kernel gives it, and what it means."""

    name: str
    quantity: str
    kind: Kind


class Driver(Sensor):
    """Reads every channel of one kernel sensor, or those that the config names."""

    settings: Settings

    def open(self) -> None:
        """Find the device and its channels, so that a wrong name is told before the first read."""
        self._chosen_channels()

    def read(self) -> Sequence[Measurement | Refusal]:
        folder, channels = self._chosen_channels()
        measured: list[Measurement | Refusal] = []
        errors: list[DeviceError] = []
        for channel in channels:
            try:
                measured.append(self._measure(folder, channel))
            except DeviceError as error:
                errors.append(error)
                kind = channel.kind
                measured.append(Refusal(channel.quantity, kind.unit, error.reason, str(error)))
        if len(errors) == len(measured):
            raise errors[0]
        return measured

    def _chosen_channels(self) -> tuple[Path, list[Channel]]:
        folder = find_device(Path(self.settings.sysfs), self.settings)
        found = {channel.name: channel for channel in channels_of(folder, self.settings.subsystem)}
        chosen = self.settings.channels or tuple(found)
        missing = [name for name in chosen if name not in found]
        if missing or not chosen:
            known = ", ".join(found) or "none"
            raise DeviceMissingError(f"{folder} has no channel {', '.join(missing)}; has: {known}")
        return folder, [found[name] for name in chosen]

    def _measure(self, folder: Path, channel: Channel) -> Measurement:
        raw, value = kernel_value(folder, channel.name)
        if self.settings.subsystem == "w1" and raw == POWER_ON_VALUE:
            raise BadReadingError(
                "power-on-value", f"{folder.name} shows 85 °C, its value before it measured"
            )
        chip, kind = self._chip(folder), channel.kind
        if chip == "hx711":  # drivers/iio/adc/hx711.c: it counts from the lower end of the range
            _converter.signed(int(raw) ^ 0x800000, 24, chip)
        measured = Measurement(
            channel.quantity, round(value * kind.factor, 9), kind.unit, raw,
            stuck_after=STUCK_AFTER.get(chip, {}).get(kind.quantity),
        )
        check_plausible(measured, kind.quantity, chip)
        return measured

    def _chip(self, folder: Path) -> str:
        return "w1" if self.settings.subsystem == "w1" else read_text(folder / "name")


def find_device(sysfs: Path, settings: Settings) -> Path:
    """The folder of the one device that the settings name. Raises DeviceMissingError."""
    parent = sysfs / FOLDERS[settings.subsystem]
    found = sorted(f for f in _listing(parent) if settings.device in _names(f, settings.subsystem))
    if not found:
        known = sorted(name for f in _listing(parent) for name in _names(f, settings.subsystem))
        raise DeviceMissingError(
            f'no {settings.subsystem} device "{settings.device}" in {parent}; '
            f"there are: {', '.join(known) or 'none'}"
        )
    if len(found) > 1:
        choices = ", ".join(_names(f, settings.subsystem)[1] for f in found)
        raise DeviceMissingError(f'"{settings.device}" could be each of {choices}: name one')
    return found[0]


def channels_of(folder: Path, subsystem: str) -> Iterator[Channel]:
    """The channels of a device whose meaning the ABI states."""
    if subsystem == "w1":
        if (folder / "temperature").exists():
            yield Channel("temperature", "temperature", HWMON["temp"])
        return
    rule = _hwmon_channel if subsystem == "hwmon" else _iio_channel
    seen = dict.fromkeys(rule(file.name) for file in sorted(_listing(folder)))
    yield from (channel for channel in seen if channel is not None)


def kernel_value(folder: Path, channel: str) -> tuple[float, float]:
    """What the kernel says of a channel, and that in the ABI's unit.

    IIO states either the value (``_input``) or ``_raw``, where the value is (raw + offset) x scale.
    """
    for name in (channel, f"{channel}_input"):
        if (folder / name).is_file():
            raw = read_number(folder / name)
            return raw, raw
    raw = read_number(folder / f"{channel}_raw")
    offset = _shared_number(folder, channel, "offset", 0.0)
    return raw, (raw + offset) * _shared_number(folder, channel, "scale", 1.0)


def check_plausible(measured: Measurement, quantity: str, chip: str) -> None:
    """Raise BadReadingError for a value that the chip cannot have measured."""
    low, high = {**PLAUSIBLE, **CHIPS.get(chip, {})}.get(quantity, (-float("inf"), float("inf")))
    if not low <= measured.value <= high:
        raise BadReadingError(
            "out-of-range",
            f"{chip} read {measured.quantity} as {measured.value:g} {measured.unit}, "
            f"outside {low:g} to {high:g}",
        )


def read_number(path: Path) -> float:
    """The number that a sysfs file holds."""
    text = read_text(path)
    try:
        return float(text)
    except ValueError:
        raise BadReadingError("not-a-number", f"{path} says {text!r}") from None


def read_text(path: Path) -> str:
    """The one line of a sysfs file; an error of the device's driver comes as an OSError."""
    try:
        return path.read_text().strip()
    except OSError as error:
        raise error_of(error, str(path)) from error


def error_of(error: OSError, path: str) -> DeviceError:
    """What the kernel's error says of the device, as far as its driver tells it apart."""
    kind = _KINDS_OF_ERROR.get(error.errno or 0, DeviceIOError)
    return kind(error.errno, error.strerror, path)


def _hwmon_channel(file: str) -> Channel | None:
    """``temp1_input`` is temperature, ``temp2_input`` temperature2; voltages count from 0."""
    match = re.fullmatch(r"(([a-z]+)(\d+))_input", file)
    if match is None or match[2] not in HWMON:
        return None
    kind = HWMON[match[2]]
    number = "" if match[3] == "1" and match[2] != "in" else match[3]
    return Channel(match[1], kind.quantity + number, kind)


def _iio_channel(file: str) -> Channel | None:
    """``in_temp_input`` is temperature, ``in_voltage0_raw`` voltage0."""
    match = re.fullmatch(r"(in_([a-z]+)(\d*)((?:_[a-z][a-z0-9]*)?))_(?:input|raw)", file)
    if match is None:
        return None
    kind = IIO.get(match[2] + match[4]) or IIO.get(match[2])
    if kind is None:
        return None
    modifier = match[4] if match[2] + match[4] not in IIO else ""
    return Channel(match[1], kind.quantity + match[3] + modifier, kind)


def _shared_number(folder: Path, channel: str, what: str, default: float) -> float:
    """A channel's own ``_scale`` or ``_offset``, or the one for all channels of its kind."""
    kind = re.sub(r"^(in_[a-z]+).*", r"\1", channel)
    for name in (f"{channel}_{what}", f"{kind}_{what}"):
        if (folder / name).is_file():
            return read_number(folder / name)
    return default


def _names(folder: Path, subsystem: str) -> list[str]:
    """What the config may call a device: its name, and that with its bus address."""
    if subsystem == "w1":
        return [folder.name]
    try:
        name = (folder / "name").read_text().strip()
    except OSError:  # no name: not a device, or one that is just going away
        return []
    link = folder / "device"
    owner = link.resolve() if link.exists() else folder.resolve().parent
    return [name, f"{name}@{owner.name}"]


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # the kernel makes the folder with its first device
        return []
