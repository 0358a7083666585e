"""BEEP: the JSON objects that ``POST /api/sensors`` of BEEP takes.

An object holds the readings of one second. ``time`` is in Unix seconds. BEEP makes 0 of a null or a
text, so that a missing value is left out. The ``key`` of the sensor is a secret and is added by the
sender.
"""

from __future__ import annotations

from collections.abc import Iterable

from beemon.base.moments import US_PER_SECOND
from beemon.formats.fields import Choice, Field, Place
from beemon.formats.measured import Measured

_CELSIUS = {"°C": 1.0}

FIELDS = (
    Field("t_i", "temperature", _CELSIUS, Place.INSIDE),
    Field("t", "temperature", _CELSIUS, Place.OUTSIDE),
    Field("h", "humidity", {"%": 1.0}, Place.INSIDE),
    Field("p", "pressure", {"Pa": 0.01, "hPa": 1.0, "mbar": 1.0}),
    Field("weight_kg", "weight", {"g": 0.001, "kg": 1.0}),
    Field("bv", "voltage", {"V": 1.0, "mV": 0.001}),
    Field("l", "illuminance", {"lx": 1.0}),
    Field("bc_i", "bees_in", {"": 1.0}),
    Field("bc_o", "bees_out", {"": 1.0}),
)
"""The fields that beemon's quantities can fill. BEEP also has bands of sound; none of them has the
width of a band of beemon, so that these stay at home."""


def message(readings: Iterable[Measured], choice: Choice) -> dict[str, int | float] | None:
    """The object of a set of readings; None if they fill no field."""
    told: dict[str, int | float] = {}
    for one in readings:
        field = choice.fields.get(one.series)
        if field is not None and one.value is not None:
            told.setdefault("time", one.utc_us // US_PER_SECOND)
            told[field.name] = field.convert(one.unit, one.value)
    return told or None
