"""The fields of BEEP and HiveTool: nothing is guessed."""

from __future__ import annotations

import pytest

from beemon.formats import beep, hivetool
from beemon.formats.fields import FieldError, choose
from beemon.formats.measured import Series

BROOD = Series("sensor.brood", "temperature", "°C")
OUTSIDE = Series("sensor.outside-1", "temperature", "°C")
SCALE = Series("sensor.scale", "weight", "g")
PROCESSOR = Series("sensor.pi", "cpu_temperature", "°C")


def names(*series: Series, **asked: str) -> dict[str, str]:
    choice = choose(beep.FIELDS, series, asked)
    return {one.sensor: field.name for one, field in choice.fields.items()}


def test_the_name_of_a_sensor_tells_its_place() -> None:
    assert names(BROOD, OUTSIDE, SCALE, PROCESSOR) == {
        "sensor.brood": "t_i", "sensor.outside-1": "t", "sensor.scale": "weight_kg",
    }


@pytest.mark.parametrize("name", ["sensor.t1", "sensor.hive-outside", "microphone.brood"])
def test_a_place_that_is_not_clear_is_not_guessed(name: str) -> None:
    choice = choose(beep.FIELDS, [BROOD._replace(sensor=name)], {})
    assert (dict(choice.fields), [one.sensor for one in choice.left_out]) == ({}, [name])


def test_of_two_sensors_for_one_field_none_is_taken() -> None:
    other = BROOD._replace(sensor="sensor.nest")
    choice = choose(hivetool.FIELDS, [BROOD, other, SCALE], {})
    assert list(choice.fields) == [SCALE]
    assert choice.left_out == [BROOD, other]


def test_the_owner_chooses() -> None:
    first, second = (BROOD._replace(sensor=f"sensor.t{n}") for n in (1, 2))
    assert names(first, second, t="sensor.t2", t_i="sensor.t1") == {
        "sensor.t1": "t_i", "sensor.t2": "t",
    }
    assert names(BROOD, OUTSIDE, t_i="sensor.outside-1") == {"sensor.outside-1": "t_i"}


def test_a_field_or_a_sensor_that_is_not_there_is_refused() -> None:
    with pytest.raises(FieldError, match='no field "weight"; did you mean "weight_kg"'):
        names(SCALE, weight="sensor.scale")
    with pytest.raises(FieldError, match=r"sensor\.scale has no temperature for t_i"):
        names(SCALE, t_i="sensor.scale")


def test_a_sensor_whose_unit_was_changed_keeps_its_field() -> None:
    assert names(SCALE, SCALE._replace(unit="kg")) == {"sensor.scale": "weight_kg"}
    assert names(SCALE._replace(unit="mV/V")) == {}
