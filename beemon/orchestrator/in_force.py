"""The settings in force, shared by all parts of the loop; a reload replaces them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from beemon.config.settings import RECORDERS, Settings
from beemon.devices.ask import ResolvedDevice
from beemon.protocol import commands


@dataclass
class InForce:
    """Holds the ``settings`` by which the service works now, with their ``devices``."""

    settings: Settings
    devices: dict[str, ResolvedDevice]


def recorders(devices: Iterable[str]) -> list[str]:
    """The cameras and microphones among these devices."""
    return [name for name in devices if commands.kind_of(name) in RECORDERS]
