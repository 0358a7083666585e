"""OGC SensorThings: a document that a service can take whole."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from beemon.formats import sensorthings
from beemon.formats.measured import Measured
from beemon.formats.sensorthings import Position, document
from tests.formats.samples import HUMIDITY, NO_WEIGHT, TEMPERATURE, WEIGHT

TEXT = {"type": "string", "minLength": 1}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}


def entity(needed: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An entity of these properties alone."""
    return {
        "type": "object", "properties": {**needed, **optional}, "required": list(needed),
        "additionalProperties": False,
    }


OBSERVATION = entity(
    {"phenomenonTime": TIME, "result": {"type": ["number", "null"]}, "resultTime": TIME},
    parameters={"type": "object"}, resultQuality={"type": "array"},
)
UNIT = entity({"name": {"type": "string"}, "symbol": {"type": "string"},
               "definition": {"type": ["string", "null"]}})
STREAM = entity({
    "name": TEXT, "description": TEXT, "observationType": TEXT, "unitOfMeasurement": UNIT,
    "Sensor": entity(dict.fromkeys(("name", "description", "encodingType", "metadata"), TEXT)),
    "ObservedProperty": entity(dict.fromkeys(("name", "definition", "description"), TEXT)),
    "Observations": {"type": "array", "items": OBSERVATION},
})
LOCATION = entity({**dict.fromkeys(("name", "description", "encodingType"), TEXT),
                   "location": {"type": "object"}})
THING = entity(
    {"name": TEXT, "description": TEXT, "Datastreams": {"type": "array", "items": STREAM}},
    Locations={"type": "array", "items": LOCATION},
)
"""The mandatory properties of the tables of OGC 18-088, as far as the document has them."""


def read(*readings: Measured, position: Position | None = None) -> dict[str, Any]:
    streams = [(one.series, [one]) for one in readings]
    told: dict[str, Any] = json.loads("".join(document("apiary-7", streams, position)))
    jsonschema.validate(told, THING)
    return told


def test_a_hive_is_a_thing_with_a_stream_for_each_series() -> None:
    told = read(TEMPERATURE, HUMIDITY)
    assert [one["name"] for one in told["Datastreams"]] == [
        "sensor.brood temperature", "sensor.brood humidity",
    ]
    assert told["Datastreams"][0]["unitOfMeasurement"] == {
        "name": "degree Celsius", "symbol": "°C", "definition": "ucum:Cel",
    }
    assert read()["Datastreams"] == []


def test_a_value_has_its_quality_and_its_uncertainty() -> None:
    [stream] = read(WEIGHT)["Datastreams"]
    [one] = stream["Observations"]
    assert one["result"] == 31_250.5
    assert one["resultQuality"][0]["DQ_Result"] == {"code": "few-samples"}
    assert one["parameters"] == {"clock": "rtc", "uncertainty": 2.5, "job": 8}


def test_a_missing_value_is_null_with_its_reason() -> None:
    [stream] = read(NO_WEIGHT)["Datastreams"]
    [one] = stream["Observations"]
    assert (one["result"], one["parameters"]["reason"]) == (None, "all-ones")
    assert "resultQuality" not in one


def test_the_position_is_there_only_if_it_is_given() -> None:
    assert "Locations" not in read(TEMPERATURE)
    [place] = read(TEMPERATURE, position=Position(48.1, 11.5))["Locations"]
    assert place["location"] == {"type": "Point", "coordinates": [11.5, 48.1]}


def test_a_unit_that_is_not_in_the_table_has_no_definition() -> None:
    told = sensorthings.unit_of_measurement("furlong")
    assert told == {"name": "furlong", "symbol": "furlong", "definition": None}
