"""OGC SensorThings 1.1 (OGC 18-088): a Thing with all that belongs to it, for a deep insert.

The hive is the Thing. Each series is a Datastream with its Sensor, its ObservedProperty and its
Observations. A reading without a value has the result null, and its reason among the parameters.
A Location is there only with a position: a server makes the feature of interest of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from beemon.base.facts import JsonObject
from beemon.base.moments import iso
from beemon.formats.measured import Measured, Series

_MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
_QUANTITY_KINDS = "http://qudt.org/vocab/quantitykind/"


class Unit(NamedTuple):
    """A unit: its name, and its code in UCUM."""

    name: str
    ucum: str


UNITS: Mapping[str, Unit] = {
    "°C": Unit("degree Celsius", "Cel"), "%": Unit("percent", "%"), "g": Unit("gram", "g"),
    "kg": Unit("kilogram", "kg"), "Pa": Unit("pascal", "Pa"), "hPa": Unit("hectopascal", "hPa"),
    "V": Unit("volt", "V"), "mV": Unit("millivolt", "mV"), "A": Unit("ampere", "A"),
    "mA": Unit("milliampere", "mA"), "W": Unit("watt", "W"), "Hz": Unit("hertz", "Hz"),
    "1/min": Unit("per minute", "/min"), "s": Unit("second", "s"), "mm": Unit("millimetre", "mm"),
    "m/s": Unit("metre per second", "m/s"), "lx": Unit("lux", "lx"), "Ω": Unit("ohm", "Ohm"),
    "ppm": Unit("parts per million", "[ppm]"), "mV/V": Unit("millivolt per volt", "mV/V"),
    "B": Unit("byte", "By"), "MB": Unit("megabyte", "MBy"), "": Unit("one", "1"),
}
"""By beemon's unit. Any other one has no definition."""

PROPERTIES: Mapping[str, str] = {
    "temperature": "Temperature", "humidity": "RelativeHumidity", "weight": "Mass",
    "pressure": "AtmosphericPressure", "illuminance": "Illuminance", "voltage": "Voltage",
    "current": "ElectricCurrent", "power": "Power", "resistance": "Resistance",
}
"""The kinds of quantities of QUDT, by beemon's quantity. Any other one has a name of beemon's."""


class Position(NamedTuple):
    """A position in degrees (WGS 84)."""

    latitude: float
    longitude: float


def document(
    hive: str, streams: Iterable[tuple[Series, Iterable[Measured]]], position: Position | None
) -> Iterator[str]:
    """The pieces of a JSON document: the hive with the observations of each series."""
    yield f'{_opened(_thing(hive, position))}, "Datastreams": ['
    for number, (series, readings) in enumerate(streams):
        yield f'{"," if number else ""}\n{_opened(_stream(hive, series))}, "Observations": ['
        for again, one in enumerate(readings):
            yield f'{"," if again else ""}\n{json.dumps(observation(one), ensure_ascii=False)}'
        yield "]}"
    yield "]}\n"


def _opened(told: JsonObject) -> str:
    """An object without its end, to which members are added."""
    return json.dumps(told, ensure_ascii=False)[:-1]


def _thing(hive: str, position: Position | None) -> JsonObject:
    told: JsonObject = {"name": hive, "description": "a beehive that beemon observes"}
    if position is not None:
        place: JsonObject = {
            "type": "Point", "coordinates": [position.longitude, position.latitude],
        }
        told["Locations"] = [{
            "name": hive, "description": "the position of the hive",
            "encodingType": "application/geo+json", "location": place,
        }]
    return told


def _stream(hive: str, series: Series) -> JsonObject:
    name = f"{series.sensor} {series.quantity}"
    kind = PROPERTIES.get(series.quantity)
    return {
        "name": name,
        "description": f"{series.quantity} by {series.sensor} of {hive}",
        "observationType": _MEASUREMENT,
        "unitOfMeasurement": unit_of_measurement(series.unit),
        "Sensor": {
            "name": series.sensor, "description": f"{series.sensor} of {hive}",
            "encodingType": "text/plain", "metadata": f"the device {series.sensor} of beemon",
        },
        "ObservedProperty": {
            "name": series.quantity, "description": series.quantity,
            "definition": f"{_QUANTITY_KINDS}{kind}" if kind else f"urn:beemon:{series.quantity}",
        },
    }


def unit_of_measurement(unit: str) -> JsonObject:
    """The name, the symbol and the definition of a unit."""
    known = UNITS.get(unit)
    if known is None:
        return {"name": unit, "symbol": unit, "definition": None}
    return {"name": known.name, "symbol": unit, "definition": f"ucum:{known.ucum}"}


def observation(one: Measured) -> JsonObject:
    """A reading as an Observation."""
    at = iso(one.utc_us)
    parameters: JsonObject = {
        "reason": one.reason, "clock": one.clock, "uncertainty": one.uncertainty, "raw": one.raw,
        "job": one.job,
    }
    told: JsonObject = {
        "phenomenonTime": at, "resultTime": at, "result": one.value,
        "parameters": {name: value for name, value in parameters.items() if value is not None},
    }
    if one.value is not None:
        code = {"code": one.quality or "good"}
        told["resultQuality"] = [{"nameOfMeasure": "DQ_Status", "DQ_Result": code}]
    return told
