"""A reading: a value or a reason, never both, never neither, never a stand-in."""

from __future__ import annotations

import dataclasses
import math

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading


def reading(value=None, reason=None) -> Reading:
    return Reading("sensor.brood", "temperature", "°C", value, reason, Stamp(0, 0.0, Quality.RTC))


def test_a_reading_has_a_value_or_a_reason():
    assert reading(value=34.5).quality == "good"
    assert reading(reason="timeout").value is None


def test_zero_is_a_value():
    assert reading(value=0.0).value == 0


@pytest.mark.parametrize(("value", "reason"), [(None, None), (34.5, "timeout")])
def test_neither_and_both_are_no_reading(value, reason):
    with pytest.raises(ValueError, match="either a value or a reason"):
        reading(value, reason)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_reading(value):
    with pytest.raises(ValueError, match="say the reason instead"):
        reading(value)


def test_reasons_and_qualities_are_closed_lists():
    with pytest.raises(ValueError, match="no such reason or quality: tired"):
        reading(reason="tired")
    with pytest.raises(ValueError, match="no such reason or quality: fine"):
        dataclasses.replace(reading(value=1.0), quality="fine")


def test_a_reading_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        reading(1.0).value = 2.0
