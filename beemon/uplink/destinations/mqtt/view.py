"""View: the present state of the hive as Home Assistant shows it.

Home Assistant still shows the last value after a message without a number; only null shows
``unknown``. It shows a retained value as fresh after its restart. Therefore a reading without a
value is null, with its reason, and nothing is retained but the discovery and the availability.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from beemon.base.clock import Moment
from beemon.base.facts import Json, JsonObject
from beemon.base.moments import US_PER_SECOND, from_iso
from beemon.base.readings import UNKNOWN_QUANTITY
from beemon.protocol.commands import kind_of
from beemon.protocol.replies import ReadingFacts
from beemon.uplink.destinations.mqtt import discovery
from beemon.uplink.destinations.mqtt.discovery import Device

EXPIRED = "expired"
"""The reason in the place of a value that is too old to be shown again."""
NOT_MEASURED = "no-longer-measured"
"""The reason in the place of a value that its sensor has measured no more: without its calibration,
it measures another quantity."""
_STATES = {"healthy": "working", "degraded": "degraded", "starting": "starting", "hung": "down"}


def reading_messages(
    readings: Iterable[ReadingFacts], devices: Mapping[str, Device], now: Moment
) -> Iterator[tuple[str, JsonObject]]:
    """The message of each quantity, by its component.

    Null stands in the place of a value that the sensor's next reading did not have. It also stands
    for one that Home Assistant would not show any more: to send that again would make it fresh.
    """
    found = sorted(readings, key=lambda one: one.utc)
    newest = {one.sensor: one for one in found if kind_of(one.sensor) == "sensor"}
    for key, reading in discovery.chosen(found, devices).items():
        reason = _reason_against(
            reading, newest.get(reading.sensor, reading), devices[reading.sensor], now
        )
        yield key, _reading_message(reading, reason)


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


def _reading_message(reading: ReadingFacts, reason: str | None) -> JsonObject:
    if reason is not None:
        return {"value": None, "utc": reading.utc, "reason": reason}
    told: JsonObject = {"value": discovery.shown_value(reading), "utc": reading.utc}
    optional: JsonObject = {"quality": reading.quality}
    if reading.uncertainty is not None:
        optional["uncertainty"] = discovery.in_shown_unit(reading.unit, reading.uncertainty)
    return {**told, **{name: found for name, found in optional.items() if found is not None}}


def _reason_against(
    reading: ReadingFacts, newest: ReadingFacts, device: Device, now: Moment
) -> str | None:
    """The reason why a reading has no value, or why its value does not count any more.

    All quantities of a sensor have the same time, so that the ``newest`` reading of the sensor
    proves a quantity gone. It has no quantity if the sensor has failed since the service started.
    """
    if reading.utc < newest.utc:
        return newest.reason if newest.quantity == UNKNOWN_QUANTITY else NOT_MEASURED
    return EXPIRED if _is_expired(reading, device, now) else reading.reason


def _is_expired(reading: ReadingFacts, device: Device, now: Moment) -> bool:
    expiry = discovery.expiry(device.interval)
    if expiry is None or reading.value is None:
        return False
    return now.utc_us - from_iso(reading.utc) > expiry * US_PER_SECOND


def _problems(status: Mapping[str, Json]) -> Iterator[str]:
    troubles, devices = status.get("troubles"), status.get("devices")
    for trouble in troubles if isinstance(troubles, list) else ():
        yield str(trouble["says"])
    for name, told in devices.items() if isinstance(devices, dict) else ():
        if told.get("trouble"):
            yield f"{name}: {told['trouble']}"
