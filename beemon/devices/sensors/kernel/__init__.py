"""Sensors that a kernel driver reads: hwmon, IIO and 1-Wire, through files under ``/sys``.

File names and units are the kernel's ABI (Documentation/hwmon/sysfs-interface.rst,
Documentation/ABI/testing/sysfs-bus-iio, Documentation/w1/slaves/w1_therm.rst). A device is found
by its name at every read, never by its number, which changes when it is plugged in again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from beemon.base.options import BadOptionError, duration_within, option, suggestion
from beemon.devices._base import (
    BadReadingError,
    Claim,
    DeviceError,
    DeviceMissingError,
    Measurement,
    Refusal,
    Sensor,
    SensorSettings,
)
from beemon.devices._choices import words
from beemon.devices.sensors._chips import CHIPS, ONE_WIRE, PLAUSIBLE, Chip, chip_of
from beemon.devices.sensors._sysfs import listing, read_number
from beemon.devices.sensors.kernel.bulk import bus_of
from beemon.devices.sensors.kernel.heater import Heater

FOLDERS = {"hwmon": "class/hwmon", "iio": "bus/iio/devices", "w1": "bus/w1/devices"}


class Kind(NamedTuple):
    """A kind of channel: the kernel's value times ``factor`` is in ``unit``."""

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
    "concentration_co2": Kind("co2", "ppm", 1e4),
}


def _subsystem_of(device: str) -> str | None:
    """The part of the kernel that reads a device of that name, if that is known."""
    if re.fullmatch(r"[0-9a-f]{2}-[0-9a-f]{12}", device):
        return "w1"
    known = CHIPS.get(device.partition("@")[0])
    return known.subsystem if known and known.subsystem != "w1" else None


def _refuse_as_one_wire(device: str) -> None:
    """Raise :class:`BadOptionError` if it is nearly a ROM id, or a chip that is known by one."""
    rom = re.fullmatch(r"([0-9a-f]{2})-?([0-9a-f]{12})", device.lower())
    if rom:
        raise BadOptionError(
            f'"{device}" must be written as the kernel does; did you mean "{rom[1]}-{rom[2]}"?'
        )
    chip = CHIPS.get(device.lower())
    if chip and chip.subsystem == "w1":
        raise BadOptionError(
            f'a {device} needs its own 1-Wire id, such as device = "28-0316a2794dff": '
            "`ls /sys/bus/w1/devices` lists those that are connected"
        )


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """A sensor with a driver in the Linux kernel. By default every channel is read.

    On a Raspberry Pi, add a line for the sensor to ``/boot/firmware/config.txt``, then restart the
    Pi. beemon knows these chips by name:

        chip                 device   line in config.txt
        BME280               bme280   dtoverlay=i2c-sensor,bme280
        BMP280               bmp280   dtoverlay=i2c-sensor,bmp280
        BME680               bme680   dtoverlay=i2c-sensor,bme680
        SHT30, SHT31, SHT35  sht3x    dtoverlay=i2c-sensor,sht3x
        SHT40, SHT41, SHT45  sht4x    dtoverlay=i2c-sensor,sht4x
        AHT10                aht10    dtoverlay=i2c-sensor,aht10
        AHT20                aht20    dtoverlay=i2c-sensor,aht10
        SCD40, SCD41         scd4x    dtoverlay=beemon-i2c,scd4x
        TSL2591              tsl2591  dtoverlay=beemon-i2c,tsl2591
        NAU7802              nau7802  dtoverlay=beemon-i2c,nau7802
        HX711                hx711    dtoverlay=beemon-hx711,clock=5,data=6
        DS18B20              its id   dtoverlay=w1-gpio

    The source of the overlays that begin with ``beemon`` is in ``/usr/share/doc/beemon/examples``.
    The first lines of each show the command that installs it. If a chip does not have the usual
    address, add the address to its line: ``dtoverlay=i2c-sensor,sht3x,addr=0x45``. Debian's own
    kernel has no driver for the AHT, the SCD4x and the TSL2591.

    A 1-Wire id begins with the sensor's family. beemon knows the thermometers of the families 10,
    22, 28, 3b and 42, and reads the temperature of the DS2438, family 26. If a chip lacks a channel
    of its type (a BMP280 sold as a BME280), each reading gives a reason instead of the value. Name
    the existing channels in ``channels`` to prevent this.

    Several DS18B20 on one bus measure at the same time if the service may write to the bus's
    ``therm_bulk_read``. The package's udev rules allow it.

        [sensor.brood]
        driver = "kernel"
        device = "28-0316a2794dff"
    """

    device: str = option(
        doc='its name ("sht3x"), name and bus address ("sht3x@1-0044"), or 1-Wire ROM id ("28-…").'
        " Add the bus address if there are several of one name; 1-Wire ids are in "
        "``/sys/bus/w1/devices``",
    )
    subsystem: Literal["hwmon", "iio", "w1"] | None = option(
        None, doc="the part of the kernel that reads it; needed for a chip that is not in the list"
    )
    channels: tuple[str, ...] = option(
        (), parse=words, doc='the channels, as the kernel names them ("temp1"); all by default'
    )
    heater_above: float | None = option(
        None, minimum=50, maximum=100,
        doc="the humidity, in %, above which the heater of an SHT4x dries it; never by default. "
        "For a minute after a pulse of the heater the readings have the quality ``heated``, and "
        "``heater`` is 1. Needs Linux 6.13 or later",
    )
    heater_every: float = option(
        600.0, parse=duration_within("1m"),
        doc="minimum time between two pulses of the heater; at least 1m",
    )
    sysfs: str = option("/sys", doc="where sysfs is mounted", for_tests=True)

    def __post_init__(self) -> None:
        known = _subsystem_of(self.device)
        if known is None and self.subsystem in (None, "w1"):
            _refuse_as_one_wire(self.device)
        if "w1" in (known, self.subsystem) and self.device[:2].lower() not in ONE_WIRE:
            raise BadOptionError(
                f'"{self.device}" belongs to a 1-Wire family that beemon does not know; the ids '
                f"of thermometers begin with {', '.join(sorted(ONE_WIRE))}"
            )
        if self.subsystem is None and known is None:
            near = suggestion(self.device, CHIPS)
            raise BadOptionError(
                f'"subsystem" is missing: "{self.device}" is not a chip that beemon knows by name'
                f"{near}"
            )
        if None not in (known, self.subsystem) and known != self.subsystem:
            raise BadOptionError(f'"{self.device}" is read by {known}: leave "subsystem" out')

    @property
    def claims(self) -> list[Claim]:
        name, _, address = self.device.partition("@")
        chip = f"I2C address {address}" if address else f"kernel device {name}"
        return [
            Claim(f"{chip}, {channel}" if channel else chip, "device")
            for channel in self.channels or ("",)
        ]

    @property
    def boot_line(self) -> str:
        return chip_of(self.device, self.part).boot

    @property
    def part(self) -> str:
        """The part of the kernel that reads it: ``hwmon``, ``iio`` or ``w1``."""
        return self.subsystem or _subsystem_of(self.device) or ""


class Channel(NamedTuple):
    """One number of a device: the name the kernel gives it, and what it means."""

    name: str
    quantity: str
    kind: Kind


class Driver(Sensor):
    """Reads every channel of one kernel sensor, or those that the config names."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._chip = chip_of(settings.device, settings.part)
        self._heater: Heater | None = None
        if settings.heater_above is not None:
            self._heater = Heater(settings.heater_above, settings.heater_every)

    def absent(self) -> str | None:
        try:
            self._chosen_channels()
        except DeviceError as error:
            return str(error)
        return None

    def open(self) -> None:
        """Find the device and its channels, so that a wrong name fails before the first read."""
        self._chosen_channels()

    def read(self) -> Sequence[Measurement | Refusal]:
        folder, channels = self._chosen_channels()
        if self.settings.part == "w1":
            bus_of(folder).prepare(folder.name)
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
        return [*measured, *self._lacking(channels), *self._dried(folder, measured)]

    def _chosen_channels(self) -> tuple[Path, list[Channel]]:
        folder = find_device(Path(self.settings.sysfs), self.settings)
        found = {channel.name: channel for channel in channels_of(folder, self.settings.part)}
        chosen = self.settings.channels or tuple(found)
        missing = [name for name in chosen if name not in found]
        if missing or not chosen:
            known = ", ".join(found) or "none"
            raise DeviceMissingError(f"{folder} has no channel {', '.join(missing)}; has: {known}")
        return folder, [found[name] for name in chosen]

    def _lacking(self, channels: Sequence[Channel]) -> Iterator[Refusal]:
        """The quantities that the chip lacks compared to its name, unless the config chose
        channels."""
        chip, has = self._chip, {channel.kind.quantity for channel in channels}
        if self.settings.channels:
            return
        for kind in (HWMON if chip.subsystem != "iio" else IIO).values():
            if kind.quantity in chip.measures and kind.quantity not in has:
                names = ", ".join(f'"{channel.name}"' for channel in channels)
                yield Refusal(
                    kind.quantity, kind.unit, "missing-device",
                    f"this {self.settings.device} has no {kind.quantity}, so it is another chip; "
                    f"if you do not need that, set channels = [{names}]",
                )

    def _measure(self, folder: Path, channel: Channel) -> Measurement:
        kind, chip = channel.kind, self._chip
        _refuse_faulty(folder, channel)
        raw, value = kernel_value(folder, channel.name, chip.zero)
        if silence := chip.silences.get(kind.quantity, {}).get(raw):
            raise BadReadingError(
                silence.reason, f"{self.settings.device} says {raw:.12g}: {silence.says}"
            )
        value = round(value * chip.factors.get(kind.quantity, kind.factor), 9)
        return Measurement(
            channel.quantity, self._plausible(channel, value), kind.unit, raw,
            quality=self._heater.quality if self._heater else "good",
            stuck_after=chip.stuck_after.get(kind.quantity),
        )

    def _plausible(self, channel: Channel, value: float) -> float:
        """The value, or the end of the range for which it stands.

        Raises BadReadingError for one that the chip cannot have measured.
        """
        kind = channel.kind
        low, high = {**PLAUSIBLE, **self._chip.ranges}.get(kind.quantity, (-math.inf, math.inf))
        lowest, highest = self._chip.clamps.get(kind.quantity, (low, high))
        if not lowest <= value <= highest:
            raise BadReadingError(
                "out-of-range",
                f"{self.settings.device} read {channel.quantity} as {value:g} "
                f"{kind.unit}, outside {lowest:g} to {highest:g}",
            )
        return max(low, min(high, value))

    def _dried(
        self, folder: Path, measured: Sequence[Measurement | Refusal]
    ) -> Sequence[Measurement | Refusal]:
        if self._heater is None:
            return []
        humidity = next((one for one in measured if one.quantity == "humidity"), None)
        value = humidity.value if isinstance(humidity, Measurement) else None
        return [self._heater.look(folder, value)]


def find_device(sysfs: Path, settings: Settings) -> Path:
    """The folder of the one device that the settings name. Raises DeviceMissingError."""
    part = settings.part
    parent = sysfs / FOLDERS[part]
    found = sorted(f for f in listing(parent) if settings.device in _names(f, part))
    if not found:
        known = sorted(name for f in listing(parent) for name in _names(f, part))
        raise DeviceMissingError(
            f'no {part} device "{settings.device}" in {parent}; '
            f"there are: {', '.join(known) or 'none'}{_boot_line(chip_of(settings.device, part))}"
        )
    if len(found) > 1:
        choices = ", ".join(_names(f, part)[1] for f in found)
        raise DeviceMissingError(f'"{settings.device}" could be any of {choices}; name one')
    return found[0]


def channels_of(folder: Path, subsystem: str) -> Iterator[Channel]:
    """The channels of a device whose meaning the ABI states."""
    if subsystem == "w1":
        if (folder / "temperature").exists():
            yield Channel("temperature", "temperature", HWMON["temp"])
        return
    rule = _hwmon_channel if subsystem == "hwmon" else _iio_channel
    seen = dict.fromkeys(rule(file.name) for file in sorted(listing(folder)))
    yield from (channel for channel in seen if channel is not None)


def kernel_value(folder: Path, channel: str, zero: float = 0.0) -> tuple[float, float]:
    """The kernel's value of a channel, in its own unit and in the unit of the ABI.

    IIO states either the value (``_input``) or ``_raw``; the value is then (raw + offset) x scale.
    ``zero`` is the chip's number in ``_raw`` at zero, if the kernel states no offset.
    """
    for name in (channel, f"{channel}_input"):
        if (folder / name).exists():
            raw = read_number(folder / name)
            return raw, raw
    raw = read_number(folder / f"{channel}_raw")
    offset = _shared_number(folder, channel, "offset", 0.0) - zero
    return raw, (raw + offset) * _shared_number(folder, channel, "scale", 1.0)


def _refuse_faulty(folder: Path, channel: Channel) -> None:
    """Raise BadReadingError where the kernel says that a wire is broken or shorted.

    hwmon has ``temp1_fault`` beside a channel, IIO ``fault_oc`` and ``fault_ovuv`` for a device
    (Documentation/ABI/testing/sysfs-bus-iio-temperature-max31856). An alarm is no fault: it says
    that a true value is beyond a limit that somebody set.
    """
    for flag in (folder / f"{channel.name}_fault", *sorted(folder.glob("fault_*"))):
        if flag.exists() and read_number(flag):
            raise BadReadingError(
                "device-error", f"{flag} reports a faulty sensor; look for a broken wire"
            )


def _boot_line(chip: Chip) -> str:
    """The line that a Raspberry Pi needs for the chip, for a message."""
    if not chip.boot:
        return ""
    note = f" ({chip.note})" if chip.note else ""
    return f". A Raspberry Pi needs {chip.boot} in /boot/firmware/config.txt and a restart{note}"


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
        if (folder / name).exists():
            return read_number(folder / name)
    return default


def _names(folder: Path, subsystem: str) -> list[str]:
    """The possible names of a device in the config: its name, and its name with the bus address."""
    if subsystem == "w1":
        return [folder.name]
    try:
        name = (folder / "name").read_text().strip()
    except OSError:  # no name: not a device, or one that is just going away
        return []
    link = folder / "device"
    owner = link.resolve() if link.exists() else folder.resolve().parent
    return [name, f"{name}@{owner.name}"]

