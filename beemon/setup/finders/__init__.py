"""Finders: one module for each way in which a device can be found.

Each has a function ``find(machine)``. It yields a :class:`Candidate` for each device that the
config could have, and an :class:`Obstacle` for each other one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from beemon.setup.candidates import Candidate, Obstacle
from beemon.setup.machine import Machine

Found = Candidate | Obstacle


def names() -> list[str]:
    """The names of all finders."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_all(machine: Machine) -> Iterator[Found]:
    """Everything that can be found on a machine."""
    for name in names():
        yield from importlib.import_module(f"{__name__}.{name}").find(machine)
