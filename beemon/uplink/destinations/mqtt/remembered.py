"""The last announcement, remembered over restarts: its components and its topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from beemon.base.facts import JsonObject
from beemon.uplink import kept
from beemon.uplink.destinations.mqtt.discovery import Device

_NAME = "announced.json"


@dataclass
class Remembered:
    """The last announcement: its topics, its components with their platforms, and the devices."""

    discovery_topic: str = ""
    status_topic: str = ""
    components: dict[str, str] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)


def load(folder: Path) -> Remembered:
    """The last announcement; an empty one if there was none, or if the file is damaged."""
    found = kept.read(folder / _NAME)
    try:
        return Remembered(
            str(found["discovery_topic"]), str(found["status_topic"]),
            {str(key): str(platform) for key, platform in _mapping(found["components"]).items()},
            {str(name): device(told) for name, told in _mapping(found["devices"]).items()},
        )
    except (KeyError, TypeError, ValueError):
        return Remembered()


def keeper(folder: Path) -> kept.Keeper:
    """The keeper of the last announcement, which takes :func:`describe` of it."""
    return kept.Keeper(folder / _NAME, "after a restart, sensors that are gone may stay")


def describe(announced: Remembered) -> JsonObject:
    """An announcement as an object."""
    devices: JsonObject = {
        name: {"driver": one.driver, "interval_seconds": one.interval}
        for name, one in announced.devices.items()
    }
    return {
        "discovery_topic": announced.discovery_topic, "status_topic": announced.status_topic,
        "components": announced.components, "devices": devices,
    }


def _mapping(found: object) -> Mapping[object, object]:
    if not isinstance(found, dict):
        raise TypeError(f"{type(found).__name__} is no object")
    return found


def device(told: object) -> Device:
    """A device from its object. Raises ``KeyError``, ``TypeError`` or ``ValueError``."""
    found = _mapping(told)
    interval = found.get("interval_seconds")
    return Device(str(found["driver"]), None if interval is None else float(str(interval)))
