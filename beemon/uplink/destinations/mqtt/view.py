"""View: the present state of the hive as Home Assistant shows it.

Home Assistant still shows the last value after a message without a number; only null shows
``unknown``. It shows a retained value as fresh after its restart. Therefore a reading without a
value is null, with its reason, and nothing is retained but the discovery and the availability.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from beemon.base.clock import Moment
from beemon.base.facts import Json, JsonObject
from beemon.base.moments import US_PER_SECOND
from beemon.protocol.replies import ReadingFacts
from beemon.uplink.destinations.mqtt import discovery
from beemon.uplink.destinations.mqtt.discovery import Device

EXPIRED = "expired"
"""The reason in the place of a value that is too old to be shown again."""
_STATES = {"healthy": "working", "degraded": "degraded", "starting": "starting", "hung": "down"}


def reading_messages(
    readings: Iterable[ReadingFacts], devices: Mapping[str, Device], now: Moment
) -> Iterator[tuple[str, JsonObject]]:
    """The message of each quantity, by its component.

    Null stands in the place of a value that Home Assistant would not show any more: to send that
    again would make it fresh.
    """
    for key, reading in discovery.chosen(readings, devices).items():
        is_old = _is_expired(reading, devices[reading.sensor], now)
        yield key, _reading_message(reading, is_old=is_old)


def service_messages(status: Mapping[str, Json] | None) -> Iterator[tuple[str, JsonObject]]:
    """The messages of the state and of the problems, by their components."""
    if status is None:
        problems = ["the service does not answer"]
        yield "state", {"value": "down"}
    else:
        problems = [*_problems(status)]
        state = _STATES.get(str(status.get("state")), "down")
        extras = {name: status[name] for name in ("version", "clock") if name in status}
        yield "state", {"value": state, **extras, "inspection": "inspection" in status}
    yield "trouble", {"value": "ON" if problems else "OFF", "problems": problems}


def encode(message: JsonObject) -> str:
    """A message as it travels. Raises ``ValueError`` for a number that is not finite."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _reading_message(reading: ReadingFacts, *, is_old: bool) -> JsonObject:
    value = None if is_old else discovery.shown_value(reading)
    told: JsonObject = {"value": value, "utc": reading.utc}
    if value is None:
        return {**told, "reason": EXPIRED if is_old else reading.reason}
    optional: JsonObject = {"quality": reading.quality}
    if reading.uncertainty is not None:
        optional["uncertainty"] = discovery.in_shown_unit(reading.unit, reading.uncertainty)
    return {**told, **{name: found for name, found in optional.items() if found is not None}}


def _is_expired(reading: ReadingFacts, device: Device, now: Moment) -> bool:
    expiry = discovery.expiry(device.interval)
    if expiry is None or reading.value is None:
        return False
    at = datetime.fromisoformat(reading.utc).timestamp()
    return now.utc_us / US_PER_SECOND - at > expiry


def _problems(status: Mapping[str, Json]) -> Iterator[str]:
    troubles, devices = status.get("troubles"), status.get("devices")
    for trouble in troubles if isinstance(troubles, list) else ():
        yield str(trouble["says"])
    for name, told in devices.items() if isinstance(devices, dict) else ():
        if told.get("trouble"):
            yield f"{name}: {told['trouble']}"
