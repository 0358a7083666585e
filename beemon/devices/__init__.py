"""Drivers by name: the one place that imports a driver.

The word ``driver`` in a device's table is the name of a module or a package. For example,
``driver = "rain"`` in ``[sensor.roof]`` is ``beemon/devices/sensors/rain.py``, and
``driver = "alsa"`` in ``[microphone.brood]`` is ``beemon/devices/microphones/alsa/``. Any other
word is looked up among the installed packages. A package adds a driver by an entry point in the
group ``beemon.sensors``, or in the group of another kind. The entry point's name is the word, and
its value is the module.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from beemon.base.defects import contain
from beemon.base.options import Problem, Where, build, suggestion
from beemon.devices._base import CommonSettings, Device, own_options

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

PACKAGES = {
    "camera": "cameras", "microphone": "microphones", "sensor": "sensors", "output": "outputs",
}


class UnknownDriverError(LookupError):
    """No driver of that name for that kind of device; the text lists the existing ones."""


class BrokenDriverError(ImportError):
    """A driver that cannot be imported or lacks a class; the text says why."""


@functools.cache
def drivers(kind: str) -> tuple[str, ...]:
    """The names of beemon's own drivers for a kind of device."""
    package = importlib.import_module(f"{__name__}.{PACKAGES[kind]}")
    found = (m.name for m in pkgutil.iter_modules(package.__path__) if m.name[0] != "_")
    return tuple(sorted(found))


def module(kind: str, driver: str) -> ModuleType:
    """The driver's module; beemon's own come first.

    Raises :class:`UnknownDriverError`, :class:`BrokenDriverError`.
    """
    own = drivers(kind)
    if driver in own:
        path = f"{__name__}.{PACKAGES[kind]}.{driver}"
        return _loaded(f'driver "{driver}"', lambda: importlib.import_module(path))
    added = _added(kind)
    if driver not in added.names:
        known = sorted({*own, *added.names})
        raise UnknownDriverError(f'unknown {kind} driver "{driver}"{suggestion(driver, known)}')
    point = added[driver]
    package = point.dist.name if point.dist else point.value
    return _loaded(f'driver "{driver}" of the package {package}', point.load)


def _loaded(driver: str, load: Callable[[], ModuleType]) -> ModuleType:
    """The module of a driver. Raises :class:`BrokenDriverError`.

    An import runs code of others, so it can raise anything: RPi.GPIO raises ``RuntimeError`` on
    what it takes for another computer.
    """

    def refuse(error: Exception) -> NoReturn:
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        raise BrokenDriverError(f"{driver} cannot be loaded: {kind}{error}") from error

    found = contain(load, refuse)
    for name, wanted in (("Settings", CommonSettings), ("Driver", Device)):
        one = getattr(found, name, None)
        if not (isinstance(one, type) and issubclass(one, wanted)):
            raise BrokenDriverError(
                f"{driver} cannot be used: {found.__name__} has no {name} of the class "
                f"{wanted.__name__}"
            )
    return found


def _added(kind: str) -> EntryPoints:
    """The drivers that installed packages add."""
    from importlib.metadata import entry_points  # it brings `email`; most hives add no driver

    return entry_points(group=f"beemon.{PACKAGES[kind]}")


def settings_for(
    kind: str, name: str, table: Mapping[str, object], where: Where
) -> tuple[CommonSettings | None, list[Problem]]:
    """The driver's settings from a device's table, or None and what is wrong with it."""
    try:
        wanted: type[CommonSettings] = module(kind, str(table.get("driver"))).Settings
    except (UnknownDriverError, BrokenDriverError) as error:
        return None, [Problem(where("driver"), str(error))]
    return contain(
        lambda: build(wanted, own_options(table), where, given={"name": name}),
        lambda error: (None, [_defect(where, error)]),
    )


def _defect(where: Where, error: Exception) -> Problem:
    said = f"{type(error).__name__}: {error}"
    return Problem(where("driver"), f"its driver has a defect: {said}")


def load(kind: str, name: str, table: Mapping[str, object]) -> Device:
    """The device, not yet open. Raises ``ValueError`` where its table has a problem."""
    settings, problems = settings_for(kind, name, table, lambda _: name)
    if problems:
        raise ValueError("; ".join(map(str, problems)))
    device: Device = module(kind, str(table["driver"])).Driver(settings)
    return device
