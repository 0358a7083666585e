"""BEEP: objects that its server cannot mistake."""

from __future__ import annotations

import json

import pytest

from beemon.formats import beep
from beemon.formats.fields import choose
from beemon.formats.measured import Measured
from tests.formats.samples import HUMIDITY, NO_WEIGHT, OUTSIDE, TEMPERATURE, WEIGHT


def message(*readings: Measured) -> dict[str, int | float] | None:
    return beep.message(readings, choose(beep.FIELDS, {one.series for one in readings}, {}))


def test_a_set_is_one_object_with_unix_seconds() -> None:
    assert message(TEMPERATURE, HUMIDITY, OUTSIDE) == {
        "time": 1_780_315_200, "t_i": 34.8, "h": 61.5, "t": -3.25,
    }


def test_weights_are_in_kilograms_and_pressures_in_hectopascals() -> None:
    pressure = WEIGHT._replace(quantity="pressure", unit="Pa", value=101_325.0)
    assert message(WEIGHT, pressure) == {"time": 1_780_315_260, "weight_kg": 31.2505, "p": 1013.25}


def test_a_missing_value_is_left_out_as_its_server_would_make_0_of_it() -> None:
    assert message(TEMPERATURE, NO_WEIGHT) == {"time": 1_780_315_200, "t_i": 34.8}
    assert message(NO_WEIGHT) is None


@pytest.mark.parametrize("one", [TEMPERATURE, WEIGHT, HUMIDITY])
def test_every_member_is_a_number_and_none_is_the_key(one: Measured) -> None:
    told = json.loads(json.dumps(message(one)))
    assert "key" not in told
    assert all(isinstance(value, int | float) for value in told.values())


def test_the_names_are_those_that_beep_knows() -> None:
    known = {"t", "t_i", "h", "p", "weight_kg", "bv", "l", "bc_i", "bc_o", "s_tot", "rssi"}
    assert {field.name for field in beep.FIELDS} <= known
