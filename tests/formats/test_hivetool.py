"""HiveTool: an observation in XML."""

from __future__ import annotations

from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from beemon.formats import hivetool
from beemon.formats.fields import choose
from beemon.formats.measured import Measured
from tests.formats.samples import HUMIDITY, NO_WEIGHT, OUTSIDE, TEMPERATURE, WEIGHT

BERLIN = ZoneInfo("Europe/Berlin")


def observation(*readings: Measured, hive: str = "apiary-7") -> dict[str, str | None] | None:
    choice = choose(hivetool.FIELDS, {one.series for one in readings}, {})
    text = hivetool.observation(hive, readings, choice, BERLIN)
    if text is None:
        return None
    root = ElementTree.fromstring(f"{hivetool.HEAD}{text}{hivetool.TAIL}")
    assert root.tag == "hive_data"
    [found] = root
    assert found.tag == "hive_observation"
    return {element.tag: element.text for element in found}


def test_an_observation_has_pounds_degrees_celsius_and_local_time() -> None:
    assert observation(WEIGHT, TEMPERATURE, HUMIDITY, OUTSIDE) == {
        "hive_id": "apiary-7", "hive_observation_time": "2026-06-01 14:01:00",
        "hive_weight_lbs": "68.8956", "hive_temp_c": "34.8", "hive_relative_humidity": "61.5",
        "hive_ambient_temp_c": "-3.25",
    }


def test_a_missing_value_is_left_out() -> None:
    assert "hive_weight_lbs" not in (observation(TEMPERATURE, NO_WEIGHT) or {})
    assert observation(NO_WEIGHT) is None


def test_the_name_of_the_hive_is_escaped() -> None:
    told = observation(TEMPERATURE, hive="<&>") or {}
    assert told["hive_id"] == "<&>"
