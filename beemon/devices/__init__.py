"""Drivers by name: the one place that imports a driver.

The word ``driver`` in a device's table is the name of a module: ``driver = "alsa"`` in
``[microphone.brood]`` is ``beemon/devices/microphones/alsa.py``.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from beemon.devices._base import Device, own_options
from beemon.options import Problem, Where, build, suggestion

PACKAGES = {
    "camera": "cameras", "microphone": "microphones", "sensor": "sensors", "output": "outputs",
}


class UnknownDriverError(LookupError):
    """No driver of that name for that kind of device; the text lists those there are."""


def drivers(kind: str) -> list[str]:
    """The names of the drivers for a kind of device."""
    package = importlib.import_module(f"{__name__}.{PACKAGES[kind]}")
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name[0] != "_")


def module(kind: str, driver: str) -> ModuleType:
    """The driver's module. Raises :class:`UnknownDriverError`."""
    known = drivers(kind)
    if driver not in known:
        raise UnknownDriverError(f'unknown {kind} driver "{driver}"{suggestion(driver, known)}')
    return importlib.import_module(f"{__name__}.{PACKAGES[kind]}.{driver}")


def settings_for(
    kind: str, name: str, table: Mapping[str, Any], where: Where
) -> tuple[Any, list[Problem]]:
    """The driver's settings from a device's table, or None and what is wrong with it."""
    try:
        driver = module(kind, str(table.get("driver")))
    except UnknownDriverError as error:
        return None, [Problem(where("driver"), str(error))]
    return build(driver.Settings, own_options(table), where, given={"name": name})


def load(kind: str, name: str, table: Mapping[str, Any]) -> Device:
    """The device, not yet open. Raises ``ValueError`` where its table has a problem."""
    settings, problems = settings_for(kind, name, table, lambda _: name)
    if problems:
        raise ValueError("; ".join(map(str, problems)))
    device: Device = module(kind, table["driver"]).Driver(settings)
    return device
