"""HiveTool: the XML that hivetool.org takes, one observation for the readings of one minute.

Weights are in pounds and temperatures in degrees Celsius. The time is local and has no offset, so
that the repeated hour in autumn is ambiguous. A missing value is left out. The format has no word
for its reason, for the quality and the uncertainty of a value, or for the quality of the clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from xml.sax.saxutils import escape

from beemon.base.moments import to_datetime
from beemon.formats.fields import Choice, Field, Place
from beemon.formats.measured import Measured

HEAD, TAIL = '<?xml version="1.0" encoding="UTF-8"?>\n<hive_data>\n', "</hive_data>\n"

_CELSIUS = {"°C": 1.0}
_GRAMS_PER_POUND = 453.59237

FIELDS = (
    Field("hive_weight_lbs", "weight", {"g": 1 / _GRAMS_PER_POUND, "kg": 1000 / _GRAMS_PER_POUND}),
    Field("hive_temp_c", "temperature", _CELSIUS, Place.INSIDE),
    Field("hive_relative_humidity", "humidity", {"%": 1.0}, Place.INSIDE),
    Field("hive_ambient_temp_c", "temperature", _CELSIUS, Place.OUTSIDE),
    Field("hive_ambient_relative_humidity", "humidity", {"%": 1.0}, Place.OUTSIDE),
)
_DECIMALS = 4


def observation(
    hive: str, readings: Iterable[Measured], choice: Choice, zone: tzinfo
) -> str | None:
    """The element of a set of readings; None if they fill no field."""
    values: dict[str, float] = {}
    begun_us = None
    for one in readings:
        field = choice.fields.get(one.series)
        if field is not None and one.value is not None:
            begun_us = one.utc_us if begun_us is None else begun_us
            values[field.name] = field.convert(one.unit, one.value)
    if begun_us is None:
        return None
    told = {
        "hive_id": escape(hive),
        "hive_observation_time": f"{to_datetime(begun_us, zone):%Y-%m-%d %H:%M:%S}",
        **{
            field.name: f"{round(values[field.name], _DECIMALS):.10g}"
            for field in FIELDS if field.name in values
        },
    }
    inner = "".join(f"    <{name}>{text}</{name}>\n" for name, text in told.items())
    return f"  <hive_observation>\n{inner}  </hive_observation>\n"
