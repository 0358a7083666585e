"""What the computer says of itself: processor temperature, memory, disk and load.

``cpu_temperature`` comes from the kernel's thermal zones (Documentation/driver-api/thermal/
sysfs-api.rst: m°C), ``memory_available`` and ``load`` from /proc (proc(5)), ``under_voltage``
from the Raspberry Pi's hwmon chip ``rpi_volt`` (its alarm: 1 while the supply is below 4.63 V).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from beemon.devices._base import (
    BadReadingError,
    DeviceError,
    DeviceMissingError,
    Measurement,
    Sensor,
    SensorSettings,
)
from beemon.devices._choices import some_of
from beemon.options import option

# The zone of the processor, by its type: Raspberry Pi and most ARM boards, then PCs.
PROCESSOR_ZONES = ("cpu-thermal", "cpu_thermal", "soc-thermal", "x86_pkg_temp")


class Quantity(NamedTuple):
    """How a quantity is measured, and whether this machine has it."""

    unit: str
    measure: Callable[[Settings], float]
    present: Callable[[Settings], bool] = lambda _: True


def cpu_temperature(settings: Settings) -> float:
    """The processor in °C."""
    zone = _processor_zone(settings)
    if zone is None:
        raise DeviceMissingError(f"no thermal zone under {settings.sysfs}/class/thermal")
    return _number(_text(zone / "temp")) / 1000


def under_voltage(settings: Settings) -> float:
    """1 while a Raspberry Pi's supply is too low, else 0."""
    chip = _voltage_chip(settings)
    if chip is None:
        raise DeviceMissingError(f"no rpi_volt under {settings.sysfs}/class/hwmon")
    return _number(_text(chip / "in0_lcrit_alarm"))


def memory_available(settings: Settings) -> float:
    """Memory that programs can still have, in bytes."""
    text = _text(Path(settings.proc, "meminfo"))
    match = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    if match is None:
        raise BadReadingError("not-a-number", "meminfo does not tell MemAvailable")
    return _number(match[1]) * 1024


def disk_free(settings: Settings) -> float:
    """What a user without privileges can still write under ``path``, in bytes."""
    try:
        found = os.statvfs(settings.path)
    except OSError as error:
        raise DeviceMissingError(error.errno, error.strerror, settings.path) from error
    return float(found.f_bavail * found.f_frsize)


def load(settings: Settings) -> float:
    """Processes that run or want to, as the mean of the last minute."""
    return _number(_text(Path(settings.proc, "loadavg")).split(" ")[0])


def _processor_zone(settings: Settings) -> Path | None:
    """The processor's thermal zone, else the first one that there is."""
    zones = sorted(Path(settings.sysfs, "class/thermal").glob("thermal_zone*/temp"))
    by_type = {_text(zone.with_name("type")): zone.parent for zone in reversed(zones)}
    known = [by_type[name] for name in PROCESSOR_ZONES if name in by_type]
    return (known + [zone.parent for zone in zones] + [None])[0]


def _voltage_chip(settings: Settings) -> Path | None:
    chips = Path(settings.sysfs, "class/hwmon").glob("hwmon*/in0_lcrit_alarm")
    return next((c.parent for c in chips if _text(c.with_name("name")) == "rpi_volt"), None)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise DeviceError(error.errno, error.strerror, str(path)) from error


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadReadingError("not-a-number", f"expected a number, got {text!r}") from None


QUANTITIES = {
    "cpu_temperature": Quantity("°C", cpu_temperature, lambda s: _processor_zone(s) is not None),
    "under_voltage": Quantity("", under_voltage, lambda s: _voltage_chip(s) is not None),
    "memory_available": Quantity("B", memory_available),
    "disk_free": Quantity("B", disk_free),
    "load": Quantity("", load),
}


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """The options of the computer's own sensor."""

    quantities: tuple[str, ...] | None = option(
        None, parse=some_of(QUANTITIES), doc="what to read; by default all that this machine has"
    )
    path: str = option("/", doc="the folder whose free disk space is told")
    sysfs: str = option("/sys", doc="where sysfs is mounted")
    proc: str = option("/proc", doc="where proc is mounted")


class Driver(Sensor):
    """Reads what the config names, or what this machine was found to have when it was opened."""

    settings: Settings

    def open(self) -> None:
        self._quantities = self.settings.quantities or tuple(
            name for name, quantity in QUANTITIES.items() if quantity.present(self.settings)
        )

    def read(self) -> Sequence[Measurement]:
        return [self._measure(name) for name in self._quantities]

    def _measure(self, name: str) -> Measurement:
        quantity = QUANTITIES[name]
        return Measurement(name, quantity.measure(self.settings), quantity.unit)
