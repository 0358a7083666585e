"""MQTT: the hive in Home Assistant, and its records at a hub, by way of a broker.

On each connection, and at each start of Home Assistant, everything is published again: paho keeps
nothing, and neither does Home Assistant. The hub acknowledges each record itself.
"""

from __future__ import annotations

from importlib.util import find_spec

from beemon.uplink.contract import Destination
from beemon.uplink.destinations import MissingPackageError
from beemon.uplink.destinations.mqtt.destination import Mqtt
from beemon.uplink.destinations.mqtt.settings import Settings
from beemon.uplink.hive import Hive

__all__ = ["Settings", "make"]


def make(settings: Settings, hive: Hive) -> Destination:
    """The broker of the config. Raises :class:`MissingPackageError`."""
    if find_spec("paho") is None:
        raise MissingPackageError(
            "MQTT needs a package that is not installed: sudo apt install python3-paho-mqtt"
        )
    return Mqtt(settings, hive)
