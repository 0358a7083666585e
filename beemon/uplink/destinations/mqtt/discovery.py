"""Discovery: the message by which Home Assistant knows a hive, and every quantity of it.

A hive is one device, named by the UUID of its archive, so that it can be renamed. Home Assistant
refuses the complete message for one unknown key of the device or the origin. It does so too for one
component without ``unique_id``, or of an unknown platform. It refuses one component whose unit does
not fit its ``device_class``. Therefore other units have no class.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from beemon.base.facts import JsonObject
from beemon.base.readings import UNKNOWN_QUANTITY
from beemon.base.values import value_class
from beemon.protocol.commands import kind_of
from beemon.protocol.replies import ReadingFacts

EXPIRY_INTERVALS, SHORTEST_EXPIRY = 3, 300
"""The number of a sensor's intervals for which its value counts, and the least time in seconds."""
STATES = ("starting", "working", "degraded", "down")
"""The states of the service, as Home Assistant shows them."""
EVENT_KINDS = (
    "alert", "archive", "clock", "defect", "deletion", "examination", "finding", "halt", "index",
    "inspection", "label", "lost", "low-disk", "output", "power", "recovered", "restored", "start",
    "weight",
)
"""The kinds of events that Home Assistant is always told to expect; it ignores others."""

_VALUE = "{{ value_json.value }}"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]", re.ASCII)
_ACRONYMS = {"cpu": "CPU", "rtc": "RTC", "wifi": "Wi-Fi", "co2": "CO₂", "usb": "USB"}


class Unit(NamedTuple):
    """A unit in Home Assistant: its name, its class, its digits, and the factor to it."""

    name: str
    device_class: str | None = None
    digits: int | None = None
    factor: float = 1.0


UNITS: Mapping[str, Unit] = {
    "g": Unit("kg", "weight", 2, 0.001), "kg": Unit("kg", "weight", 2),
    "°C": Unit("°C", "temperature", 1), "°F": Unit("°F", "temperature", 1),
    "K": Unit("K", "temperature", 1), "%": Unit("%", None, 0),
    "Pa": Unit("hPa", "atmospheric_pressure", 1, 0.01),
    "hPa": Unit("hPa", "atmospheric_pressure", 1), "mbar": Unit("mbar", "atmospheric_pressure", 1),
    "kPa": Unit("kPa", "atmospheric_pressure", 2),
    "V": Unit("V", "voltage", 2), "mV": Unit("mV", "voltage", 0),
    "A": Unit("A", "current", 2), "mA": Unit("mA", "current", 0), "W": Unit("W", "power", 1),
    "Hz": Unit("Hz", "frequency", 0), "s": Unit("s", "duration", 0),
    "min": Unit("min", "duration", 0), "h": Unit("h", "duration", 1),
    "mm": Unit("mm", "distance", 1), "m": Unit("m", "distance", 2),
    "lx": Unit("lx", "illuminance", 0),
    "B": Unit("MB", "data_size", 0, 1e-6), "MB": Unit("MB", "data_size", 0),
    "dBm": Unit("dBm", "signal_strength", 0), "dB": Unit("dB", "sound_pressure", 1),
    "m/s": Unit("m/s", "speed", 1), "ppm": Unit("ppm", None, 0),
}
"""By the unit of a reading. Others are shown as they are, without a class."""
CLASSES: Mapping[tuple[str, str], str] = {
    ("%", "humidity"): "humidity", ("%", "battery"): "battery", ("%", "moisture"): "moisture",
    ("mm", "rain"): "precipitation", ("mm", "precipitation"): "precipitation",
    ("ppm", "co2"): "carbon_dioxide", ("m/s", "wind"): "wind_speed",
}
"""The class of a unit for quantities whose name contains a word."""


@value_class
class Device:
    """A device of the config: its driver, and the time between its scheduled jobs in seconds."""

    driver: str
    interval: float | None = None


@value_class
class Subject:
    """All that a hive's discovery message is made of."""

    archive: str
    hive: str
    version: str
    base: str
    devices: Mapping[str, Device]
    readings: tuple[ReadingFacts, ...]
    commands: tuple[str, ...] = ()
    pictured: Collection[str] = ()
    """The cameras of which there is a picture."""
    event_kinds: Collection[str] = EVENT_KINDS
    url: str | None = None


def identify(archive: str) -> str:
    """The hive's name for programs: letters, digits, hyphens and underscores alone."""
    return f"beemon_{_safe(archive).replace('.', '_')}"


def discovery_topic(prefix: str, archive: str) -> str:
    """The topic of the discovery message."""
    return f"{prefix}/device/{identify(archive)}/config"


def status_topic(base: str) -> str:
    """The topic that says ``online`` or ``offline``."""
    return f"{base}/status"


def command_topic(base: str) -> str:
    """The topic on which the hive takes commands."""
    return f"{base}/command"


def reading_key(sensor: str, quantity: str) -> str:
    """The name of the component of one quantity."""
    return f"{sensor}.{_safe(quantity)}"


def topic_of(base: str, key: str) -> str:
    """The topic of a component: ``sensor.scale.weight`` is on ``sensor/scale/weight``."""
    return f"{base}/{'/'.join(key.split('.', 2))}"


def message(subject: Subject, removed: Mapping[str, str] | None = None) -> JsonObject:
    """The discovery message; ``removed`` are components that are no more, by their platforms."""
    device: JsonObject = {
        "ids": [identify(subject.archive)], "name": subject.hive, "mf": "beemon",
        "mdl": "beehive monitor", "sw": subject.version,
    }
    if subject.url:
        device["cu"] = subject.url
    return {
        "dev": device,
        "o": {"name": "beemon", "sw": subject.version},
        "availability": [{"topic": status_topic(subject.base)}],
        "qos": 1,
        "cmps": {**components(subject), **{
            key: {"p": platform} for key, platform in (removed or {}).items()
        }},
    }


def components(subject: Subject) -> dict[str, JsonObject]:
    """Every component, by its name."""
    return {key: {**one, "unique_id": f"{identify(subject.archive)}_{key}"}
            for key, one in _components(subject)}


def expiry(interval: float | None) -> int | None:
    """The seconds for which a value counts; None for a sensor without a schedule."""
    if interval is None:
        return None
    return max(SHORTEST_EXPIRY, math.ceil(EXPIRY_INTERVALS * interval))


def chosen(
    readings: Iterable[ReadingFacts], devices: Mapping[str, Device]
) -> dict[str, ReadingFacts]:
    """The reading of each component: of devices in the config, and of one quantity the newest.

    A quantity has two if its unit has changed.
    """
    found: dict[str, ReadingFacts] = {}
    for reading in sorted(readings, key=lambda one: one.utc):
        if reading.sensor in devices and reading.quantity != UNKNOWN_QUANTITY:
            found[reading_key(reading.sensor, reading.quantity)] = reading
    return dict(sorted(found.items()))


def shown_value(reading: ReadingFacts) -> float | None:
    """The value in the unit that Home Assistant shows."""
    return None if reading.value is None else in_shown_unit(reading.unit, reading.value)


def in_shown_unit(unit: str, value: float) -> float:
    """A value or an uncertainty in the unit that Home Assistant shows."""
    known = UNITS.get(unit)
    return value if known is None else float(f"{value * known.factor:.12g}")


def _components(subject: Subject) -> Iterator[tuple[str, JsonObject]]:
    for key, reading in chosen(subject.readings, subject.devices).items():
        yield key, _quantity(reading, subject.devices[reading.sensor], topic_of(subject.base, key))
    for name in subject.devices:
        if kind_of(name) in ("camera", "microphone"):
            yield f"{name}.last", _last_recording(name, subject.base)
        if name in subject.pictured:
            yield f"{name}.picture", _picture(name, subject.base)
    yield from _of_service(subject)
    for text in subject.commands:
        yield f"button.{_safe(text)}", {
            "p": "button", "name": _sentence(text.split(" ")),
            "command_topic": command_topic(subject.base), "payload_press": text,
        }


def _quantity(reading: ReadingFacts, device: Device, topic: str) -> JsonObject:
    found: JsonObject = {
        "p": "sensor", "name": _sentence([*_words(reading.sensor), reading.quantity]),
        "state_topic": topic, "value_template": _VALUE, "json_attributes_topic": topic,
        "state_class": "measurement",
    }
    unit = UNITS.get(reading.unit, Unit(reading.unit))
    optional: JsonObject = {
        "unit_of_measurement": unit.name or None,
        "device_class": _device_class(reading, unit),
        "suggested_display_precision": unit.digits,
        "expire_after": expiry(device.interval),
        "entity_category": "diagnostic" if device.driver == "system" else None,
    }
    return {**found, **{name: value for name, value in optional.items() if value is not None}}


def _device_class(reading: ReadingFacts, unit: Unit) -> str | None:
    for (name, word), found in CLASSES.items():
        if name == reading.unit and word in reading.quantity.lower():
            return found
    return unit.device_class


def _last_recording(device: str, base: str) -> JsonObject:
    return {
        "p": "sensor", "name": _sentence([*_words(device), "last recording"]),
        "state_topic": topic_of(base, f"{device}.last"), "value_template": _VALUE,
        "device_class": "timestamp", "entity_category": "diagnostic",
    }


def _picture(device: str, base: str) -> JsonObject:
    return {
        "p": "image", "name": _sentence([*_words(device), "picture"]),
        "image_topic": topic_of(base, f"{device}.picture"), "content_type": "image/jpeg",
    }


def _of_service(subject: Subject) -> Iterator[tuple[str, JsonObject]]:
    base = subject.base
    yield "state", {
        "p": "sensor", "name": "State", "device_class": "enum", "options": list(STATES),
        "state_topic": topic_of(base, "state"), "value_template": _VALUE,
        "json_attributes_topic": topic_of(base, "state"), "entity_category": "diagnostic",
    }
    yield "trouble", {
        "p": "binary_sensor", "name": "Problem", "device_class": "problem",
        "state_topic": topic_of(base, "trouble"), "value_template": _VALUE,
        "json_attributes_topic": topic_of(base, "trouble"), "entity_category": "diagnostic",
    }
    yield "event", {
        "p": "event", "name": "Event", "state_topic": topic_of(base, "event"),
        "event_types": sorted({*EVENT_KINDS, *subject.event_kinds}),
    }


def _words(device: str) -> Iterable[str]:
    return device.partition(".")[2].replace("-", " ").replace("_", " ").split()


def _sentence(words: Iterable[str]) -> str:
    """A name for people: ``Brood temperature``, ``System CPU temperature``."""
    parts = " ".join(words).replace("_", " ").replace(".", " ").split()
    shown = " ".join(_ACRONYMS.get(part, part) for part in parts)
    return shown[:1].upper() + shown[1:]


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text)
