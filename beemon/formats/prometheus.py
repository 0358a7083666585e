"""Prometheus: the hive as metrics in its text format, in base units.

The page answers them at ``/metrics``; a file of them is for the textfile collector of
node-exporter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, get_args

from beemon.base.status import DeviceState, ServiceState
from beemon.formats.measured import ReadingFacts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


class Unit(NamedTuple):
    """A base unit: its word in a name, and a factor from the unit of the readings."""

    word: str
    factor: float = 1.0
    offset: float = 0.0


UNITS: Mapping[str, Unit] = {
    "°C": Unit("celsius"), "%": Unit("ratio", 0.01), "g": Unit("grams"), "kg": Unit("grams", 1000),
    "°F": Unit("celsius", 5 / 9, -160 / 9), "K": Unit("kelvin"),
    "Pa": Unit("pascals"), "hPa": Unit("pascals", 100), "kPa": Unit("pascals", 1000),
    "mbar": Unit("pascals", 100), "V": Unit("volts"), "mV": Unit("volts", 0.001),
    "A": Unit("amperes"), "mA": Unit("amperes", 0.001), "W": Unit("watts"), "Hz": Unit("hertz"),
    "s": Unit("seconds"), "min": Unit("seconds", 60), "h": Unit("seconds", 3600),
    "mm": Unit("meters", 0.001), "m": Unit("meters"), "B": Unit("bytes"), "MB": Unit("bytes", 1e6),
    "lx": Unit("lux"), "ppm": Unit("ratio", 1e-6), "dBFS": Unit("dbfs"),
    "Ω": Unit("ohms"), "m/s": Unit("meters_per_second"),
}
"""By the unit of a reading; the readings of other units have that as a label."""


class Sample(NamedTuple):
    """A value and its labels."""

    labels: Labels
    value: float


def describe(
    status: Mapping[str, Any] | None, readings: Iterable[ReadingFacts], now: float
) -> Iterator[str]:
    """The lines of all metrics; ``now`` is in seconds since 1970."""
    is_up = Sample({}, status is not None)
    yield from _family("beemon_up", "1 if the recorder answers, else 0.", [is_up])
    if status is not None:
        yield from _of_service(status)
        yield from _of_devices(status.get("devices", {}), now)
    yield from _of_readings(list(readings))


def _of_service(status: Mapping[str, Any]) -> Iterator[str]:
    named = {"hive": str(status.get("hive", "")), "version": str(status.get("version", ""))}
    yield from _family("beemon_info", "The hive and its version of beemon.", [Sample(named, 1)])
    yield from _family(
        "beemon_state", "The state of the service: 1 for the present one.",
        [Sample({"state": state}, state == status.get("state"))
         for state in get_args(ServiceState)],
    )
    for name, member, help_text in (
        ("beemon_uptime_seconds", "uptime_seconds", "Time since the start of the service."),
        ("beemon_heartbeat_age_seconds", "heartbeat_age_seconds",
         "Time since the recorder process last reported."),
        ("beemon_jobs_waiting", "waiting", "Number of jobs that wait."),
        ("beemon_disk_free_bytes", "free_bytes", "Free space on the disk of the recordings."),
        ("beemon_restarts_last_day", "restarts_last_day",
         "Number of unplanned restarts in the last 24 hours."),
    ):
        if isinstance(value := status.get(member), int | float):
            yield from _family(name, help_text, [Sample({}, value)])
    troubles = len(status.get("troubles", ()))
    yield from _family("beemon_problems", "Number of problems of the service.",
                       [Sample({}, troubles)])


def _of_devices(devices: Mapping[str, Any], now: float) -> Iterator[str]:
    yield from _family(
        "beemon_device_state", "The state of a device: 1 for the present one.",
        [Sample({"device": name, "state": state.value}, state == told.get("state"))
         for name, told in devices.items() for state in DeviceState],
    )
    yield from _family(
        "beemon_device_last_good_timestamp_seconds", "Time of a device's last success.",
        [Sample({"device": name}, round(now - told["last_good_age_seconds"], 3))
         for name, told in devices.items() if told.get("last_good_age_seconds") is not None],
    )


def _of_readings(readings: list[ReadingFacts]) -> Iterator[str]:
    good = [one for one in readings if one.value is not None]
    units = {one.unit: UNITS.get(one.unit) for one in good}
    for word in dict.fromkeys(unit.word if unit else "" for unit in units.values()):
        chosen = [one for one in good if ((known := UNITS.get(one.unit)) is None and not word)
                  or (known is not None and known.word == word)]
        yield from _of_unit(word, chosen)
    yield from _family(
        "beemon_reading_timestamp_seconds", "Time of the latest reading, if it has a value.",
        [Sample(_labels(one), _seconds(one.utc)) for one in good],
    )
    yield from _family(
        "beemon_reading_missing", "1 for a latest reading without a value, with its reason.",
        [Sample({**_labels(one), "reason": one.reason or ""}, 1)
         for one in readings if one.value is None],
    )


def _of_unit(word: str, readings: list[ReadingFacts]) -> Iterator[str]:
    suffix = f"_{word}" if word else ""
    said = f", in {word}" if word else ", in the unit of its label"
    yield from _family(
        f"beemon_reading{suffix}", f"Value of the latest reading{said}.",
        [Sample(_labels(one, with_unit=not word), _in_base(one.unit, one.value))
         for one in readings if one.value is not None],
    )
    yield from _family(
        f"beemon_reading_uncertainty{suffix}", f"Standard uncertainty of that value{said}.",
        [Sample(_labels(one, with_unit=not word), _span_in_base(one.unit, one.uncertainty))
         for one in readings if one.uncertainty is not None],
    )


def _in_base(unit: str, value: float) -> float:
    known = UNITS.get(unit, Unit(""))
    return value * known.factor + known.offset


def _span_in_base(unit: str, span: float) -> float:
    return span * UNITS.get(unit, Unit("")).factor


def _labels(one: ReadingFacts, *, with_unit: bool = False) -> Labels:
    unit = {"unit": one.unit} if with_unit else {}
    return {"device": one.sensor, "quantity": one.quantity, **unit}


def _seconds(utc: str) -> float:
    return datetime.fromisoformat(utc).timestamp()


def _family(name: str, help_text: str, samples: Iterable[Sample]) -> Iterator[str]:
    """A metric with its samples; nothing if it has none."""
    lines = [f"{name}{_labelled(one.labels)} {float(one.value):.12g}\n" for one in samples]
    if lines:
        yield f"# HELP {name} {help_text}\n# TYPE {name} gauge\n"
        yield from lines


def _labelled(labels: Labels) -> str:
    said = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return f"{{{said}}}" if said else ""


_ESCAPES: Mapping[str, str] = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


def _escaped(text: str) -> str:
    return re.sub(r'[\\"\n]', lambda found: _ESCAPES[found[0]], text)
