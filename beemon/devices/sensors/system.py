"""The computer as a sensor: temperature, power, memory, disk, load, clock and radio.

``cpu_temperature`` comes from the kernel's thermal zones, in m°C
(Documentation/driver-api/thermal/sysfs-api.rst). ``memory_available``, ``load`` and ``wifi_signal``
come from /proc (proc(5), and the link table of the wireless extensions). The clock comes from
:mod:`beemon.base.clock` and /sys/class/rtc.

The firmware of a Raspberry Pi reports problems in ``get_throttled``, a hexadecimal word. Bit 0 is
set while the supply is below 4.63 V, and bits 1 to 3 while the processor is slowed down. From bit
16, the same bits are set if it has happened since boot (raspberrypi.com, documentation of
vcgencmd). The kernel shows the word in /sys. The hwmon chip ``rpi_volt`` has the supply alarm.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from beemon.base import clock
from beemon.base.options import option
from beemon.devices._base import (
    ARCHIVE,
    BadReadingError,
    DeviceError,
    DeviceMissingError,
    Measurement,
    Refusal,
    Sensor,
    SensorSettings,
)
from beemon.devices._choices import some_of
from beemon.devices.sensors._chips import PLAUSIBLE
from beemon.devices.sensors._sysfs import number_in, read_number, read_text

# The zone of the processor, by its type: Raspberry Pi and most ARM boards, then PCs.
PROCESSOR_ZONES = ("cpu-thermal", "cpu_thermal", "soc-thermal", "x86_pkg_temp")

LOW_SUPPLY = 0b0001
SLOWED_DOWN = 0b1110
SINCE_BOOT = 16
"""Bits of get_throttled, and the shift of those for the time since boot."""

WEAKEST_DBM = -120.0
"""No radio hears less: the noise of one Wi-Fi channel alone is -101 dBm."""

# A line of the table: the interface, its status, then quality, level and noise. The kernel shows
# a level in dBm 256 lower than its byte, so below zero; one without a unit is never below zero
# (net/wireless/wext-proc.c).
_WIRELESS_LINK = (
    r"^\s*(?P<name>\S+): +[0-9a-f]{4} +(?P<quality>\d+)\.? +(?P<level>-?\d+)\.? +-?\d+"
)


class Quantity(NamedTuple):
    """A quantity: its measurement, and a check whether this computer has it."""

    unit: str
    measure: Callable[[Settings], float]
    present: Callable[[Settings], bool] = lambda _: True


def cpu_temperature(settings: Settings) -> float:
    """The processor in °C."""
    zone = _processor_zone(settings)
    if zone is None:
        raise DeviceMissingError(f"no thermal zone under {settings.sysfs}/class/thermal")
    value = read_number(zone / "temp") / 1000
    low, high = PLAUSIBLE["temperature"]
    if not low <= value <= high:
        raise BadReadingError("out-of-range", f"{zone} is at {value:g} °C, according to the kernel")
    return value


def under_voltage(settings: Settings) -> float:
    """1 while a Raspberry Pi's supply is too low, else 0."""
    chip = _voltage_chip(settings)
    if chip is not None:
        return read_number(chip / "in0_lcrit_alarm")
    return _flag(settings, LOW_SUPPLY)


def under_voltage_since_boot(settings: Settings) -> float:
    """1 where the supply has been too low since the Raspberry Pi was started, else 0."""
    return _flag(settings, LOW_SUPPLY << SINCE_BOOT)


def throttled(settings: Settings) -> float:
    """1 while a Raspberry Pi is slowed down, by its supply or its heat, else 0."""
    return _flag(settings, SLOWED_DOWN)


def throttled_since_boot(settings: Settings) -> float:
    """1 if it has been slowed down since it was started, else 0."""
    return _flag(settings, SLOWED_DOWN << SINCE_BOOT)


def clock_synchronised(_: Settings) -> float:
    """1 where the clock is kept by the network, else 0: then a battery clock or nobody does."""
    return float(clock.quality() is clock.Quality.SYNCHRONISED)


def rtc_offset(settings: Settings) -> float:
    """The seconds by which the battery-backed clock is ahead of the system's; it has whole seconds.
    """
    return read_number(_battery_clock(settings)) - time.time()


def wifi_signal(settings: Settings) -> float:
    """The signal of the Wi-Fi connection in dBm: -50 is strong, -80 is weak."""
    match = re.search(_WIRELESS_LINK, read_text(Path(settings.proc, "net/wireless")), re.MULTILINE)
    if match is None:
        raise DeviceMissingError("no Wi-Fi interface is up")
    if float(match["quality"]) == 0:
        raise DeviceError(f"{match['name']} is not connected")
    level = float(match["level"])
    if not WEAKEST_DBM <= level < 0:
        raise BadReadingError(
            "out-of-range", f"{match['name']} reports its level as {level:g}, which is not in dBm: "
            'leave "wifi_signal" out of "quantities"'
        )
    return level


def memory_available(settings: Settings) -> float:
    """Memory that programs can still have, in bytes."""
    text = read_text(Path(settings.proc, "meminfo"))
    match = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    if match is None:
        raise BadReadingError("not-a-number", "meminfo has no MemAvailable")
    return float(match[1]) * 1024


def disk_free(settings: Settings) -> float:
    """The space in bytes that a user without privileges can still write under ``path``."""
    path = settings.path or os.environ.get(ARCHIVE, "/")
    try:
        found = os.statvfs(path)
    except OSError as error:
        raise DeviceMissingError(error.errno, error.strerror, path) from error
    return float(found.f_bavail * found.f_frsize)


def load(settings: Settings) -> float:
    """Processes that run or want to, as the mean of the last minute."""
    file = Path(settings.proc, "loadavg")
    return number_in(read_text(file).partition(" ")[0], file)


def _processor_zone(settings: Settings) -> Path | None:
    """The processor's thermal zone, else the first one that there is."""
    zones = sorted(Path(settings.sysfs, "class/thermal").glob("thermal_zone*/temp"))
    by_type = {read_text(zone.with_name("type")): zone.parent for zone in reversed(zones)}
    known = [by_type[name] for name in PROCESSOR_ZONES if name in by_type]
    return (known + [zone.parent for zone in zones] + [None])[0]


def _voltage_chip(settings: Settings) -> Path | None:
    chips = Path(settings.sysfs, "class/hwmon").glob("hwmon*/in0_lcrit_alarm")
    return next((c.parent for c in chips if read_text(c.with_name("name")) == "rpi_volt"), None)


def _throttled_file(settings: Settings) -> Path | None:
    firmware = Path(settings.sysfs, "devices/platform").glob("soc*/*firmware/get_throttled")
    return next(firmware, None)


def _flag(settings: Settings, bits: int) -> float:
    """Whether any of these bits of get_throttled is set."""
    file = _throttled_file(settings)
    if file is None:
        raise DeviceMissingError(f"no get_throttled under {settings.sysfs}/devices/platform")
    text = read_text(file)
    try:
        return float(int(text, 16) & bits != 0)
    except ValueError:
        raise BadReadingError("not-a-number", f"{file} contains {text!r}") from None


def _battery_clock(settings: Settings) -> Path:
    return Path(settings.sysfs, "class/rtc/rtc0/since_epoch")


def _has_wifi(settings: Settings) -> bool:
    """Whether there is a radio, and its level has a unit."""
    try:
        table = Path(settings.proc, "net/wireless").read_text()
    except OSError:  # a kernel without the wireless extensions
        return False
    match = re.search(_WIRELESS_LINK, table, re.MULTILINE)
    return match is not None and (float(match["level"]) < 0 or float(match["quality"]) == 0)


QUANTITIES = {
    "cpu_temperature": Quantity("°C", cpu_temperature, lambda s: _processor_zone(s) is not None),
    "under_voltage": Quantity(
        "", under_voltage, lambda s: bool(_voltage_chip(s) or _throttled_file(s))
    ),
    "under_voltage_since_boot": Quantity(
        "", under_voltage_since_boot, lambda s: _throttled_file(s) is not None
    ),
    "throttled": Quantity("", throttled, lambda s: _throttled_file(s) is not None),
    "throttled_since_boot": Quantity(
        "", throttled_since_boot, lambda s: _throttled_file(s) is not None
    ),
    "memory_available": Quantity("B", memory_available),
    "disk_free": Quantity("B", disk_free),
    "load": Quantity("", load),
    "clock_synchronised": Quantity("", clock_synchronised),
    "rtc_offset": Quantity("s", rtc_offset, lambda s: _battery_clock(s).exists()),
    "wifi_signal": Quantity("dBm", wifi_signal, _has_wifi),
}


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """The computer itself.

    ``under_voltage`` is 1 while a Raspberry Pi's supply voltage is too low. ``throttled`` is 1
    while this or heat slows it down. ``under_voltage_since_boot`` and ``throttled_since_boot`` are
    1 if this has happened since the Pi started. ``clock_synchronised`` is 1 while the network sets
    the clock. ``rtc_offset`` is the time in seconds by which the battery-backed clock is ahead.
    ``wifi_signal`` is in dBm.

        [sensor.system]
        driver = "system"
    """

    quantities: tuple[str, ...] | None = option(
        None, parse=some_of(QUANTITIES),
        doc=f"the quantities to read: {', '.join(QUANTITIES)}. By default all that this computer "
        "has",
    )
    path: str | None = option(
        None, doc="the folder of which to measure the free disk space; by default the archive"
    )
    sysfs: str = option("/sys", doc="where sysfs is mounted", for_tests=True)
    proc: str = option("/proc", doc="where proc is mounted", for_tests=True)

    @property
    def measures(self) -> Sequence[str]:
        return self.quantities or tuple(QUANTITIES)


class Driver(Sensor):
    """Reads what the config names, or what this machine was found to have when it was opened."""

    settings: Settings

    def open(self) -> None:
        self._quantities = self.settings.quantities or tuple(
            name for name, quantity in QUANTITIES.items() if quantity.present(self.settings)
        )

    def read(self) -> Sequence[Measurement | Refusal]:
        said = [self._measure(name) for name in self._quantities]
        errors = [one for one in said if isinstance(one, DeviceError)]
        if len(errors) == len(said):
            raise errors[0]
        return [
            _refusal(name, one) if isinstance(one, DeviceError) else one
            for name, one in zip(self._quantities, said, strict=True)
        ]

    def _measure(self, name: str) -> Measurement | DeviceError:
        quantity = QUANTITIES[name]
        try:
            return Measurement(name, quantity.measure(self.settings), quantity.unit)
        except DeviceError as error:
            return error


def _refusal(name: str, error: DeviceError) -> Refusal:
    return Refusal(name, QUANTITIES[name].unit, error.reason, str(error))
