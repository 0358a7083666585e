"""Influx line protocol: one line for each reading, as InfluxDB and VictoriaMetrics take it.

The measurement is ``beemon``. The tags are the hive, the sensor, the quantity, its unit and the
quality of the clock. The fields are the value with its quality and its uncertainty, or the reason
why there is no value. The time is in nanoseconds since 1970. A reading that is written twice is
the same point.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from beemon.formats.measured import Measured

MEASUREMENT = "beemon"
_NS_PER_US = 1000

_IN_TAG = re.compile(r"[,= ]")
_UNSPEAKABLE = re.compile(r"[\\\x00-\x1f\x7f]")
"""A backslash at the end of a tag would escape the comma after it, and nothing escapes it."""


def line(hive: str, one: Measured) -> str:
    """A reading as a line, with its end."""
    tags = {
        "clock": one.clock, "hive": hive, "quantity": one.quantity, "sensor": one.sensor,
        "unit": one.unit,
    }
    said = "".join(f",{name}={_tag(text)}" for name, text in tags.items() if text)
    fields = ",".join(f"{name}={value}" for name, value in _fields(one).items())
    return f"{MEASUREMENT}{said} {fields} {one.utc_us * _NS_PER_US}\n"


def _fields(one: Measured) -> Mapping[str, str]:
    return dict(_present_fields(one))


def _present_fields(one: Measured) -> Iterator[tuple[str, str]]:
    if one.value is not None and math.isfinite(one.value):
        yield "value", repr(float(one.value))
        yield "quality", _text(one.quality or "good")
        if one.uncertainty is not None and math.isfinite(one.uncertainty):
            yield "uncertainty", repr(float(one.uncertainty))
    else:
        yield "reason", _text(one.reason or "not-a-number")
    if one.job is not None:
        yield "job", f"{one.job}i"


def _tag(text: str) -> str:
    """A text as the value of a tag."""
    return _IN_TAG.sub(r"\\\g<0>", _UNSPEAKABLE.sub("_", text))


def _text(text: str) -> str:
    """A text as a field."""
    escaped = _UNSPEAKABLE.sub("_", text).replace('"', r"\"")
    return f'"{escaped}"'
