"""Metrics: base units, times of good values, and a format that Prometheus reads."""

from __future__ import annotations

import re

import pytest

from beemon.formats.prometheus import describe
from beemon.protocol.replies import ReadingFacts

UTC = "2026-06-01T12:00:00.000Z"
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\.)*"'
LINE = re.compile(rf"[a-z_]+(\{{{LABEL}(,{LABEL})*\}})? -?[0-9.e+-]+")

STATUS = {
    "state": "degraded", "hive": 'my "hive"\\', "version": "1.0", "uptime_seconds": 7.5,
    "heartbeat_age_seconds": 0.2, "waiting": 2, "troubles": [{}], "free_bytes": 10**9,
    "devices": {
        "sensor.a": {"state": "running", "last_good_age_seconds": 60.0},
        "sensor.b": {"state": "in-trouble", "last_good_age_seconds": None},
    },
}


def lines(readings=(), status=None) -> dict[str, str]:
    text = "".join(describe(status, readings, 1_780_315_200.0))
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            assert LINE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            assert name not in found
            found[name] = value
    return found


def reading(quantity: str, unit: str, value: float | None, **more) -> ReadingFacts:
    return ReadingFacts("sensor.a", quantity, UTC, unit, value, **more)


@pytest.mark.parametrize(("unit", "value", "name", "in_base"), [
    ("°C", 35.5, "celsius", "35.5"), ("%", 61.5, "ratio", "0.615"), ("°F", 32.0, "celsius", "0"),
    ("g", 30000.0, "grams", "30000"), ("kg", 30.0, "grams", "30000"),
    ("hPa", 1013.0, "pascals", "101300"), ("mV", 5.0, "volts", "0.005"),
])
def test_values_are_in_base_units(unit, value, name, in_base):
    found = lines([reading("q", unit, value, uncertainty=0.0)])
    assert found[f'beemon_reading_{name}{{device="sensor.a",quantity="q"}}'] == in_base
    assert found[f'beemon_reading_uncertainty_{name}{{device="sensor.a",quantity="q"}}'] == "0"


def test_an_unknown_unit_is_a_label():
    found = lines([reading("q", "mV/V", 1.5), reading("count", "", 7.0)])
    assert found['beemon_reading{device="sensor.a",quantity="q",unit="mV/V"}'] == "1.5"
    assert found['beemon_reading{device="sensor.a",quantity="count",unit=""}'] == "7"


def test_a_good_value_has_its_time_and_a_missing_one_its_reason_instead():
    found = lines([reading("q", "g", 1.0), reading("r", "g", None, reason="stuck")])
    assert found['beemon_reading_timestamp_seconds{device="sensor.a",quantity="q"}'] == "1780315200"
    assert found['beemon_reading_missing{device="sensor.a",quantity="r",reason="stuck"}'] == "1"
    assert not [name for name in found if 'quantity="r"' in name and "missing" not in name]


def test_the_service_and_its_devices_are_told():
    found = lines(status=STATUS)
    assert found["beemon_up"] == "1"
    assert found['beemon_state{state="degraded"}'] == "1"
    assert found['beemon_state{state="healthy"}'] == "0"
    assert found['beemon_info{hive="my \\"hive\\"\\\\",version="1.0"}'] == "1"
    assert found['beemon_device_last_good_timestamp_seconds{device="sensor.a"}'] == "1780315140"
    assert 'beemon_device_last_good_timestamp_seconds{device="sensor.b"}' not in found
    assert found['beemon_device_state{device="sensor.b",state="in-trouble"}'] == "1"
    assert found["beemon_disk_free_bytes"] == "1000000000"
