"""Parameters: what a request may ask for, and what is told of everything else."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import make_mocked_request

from beemon.web import parameters
from beemon.web.errors import ApiError
from beemon.web.parameters import Asked

NOW = 1_780_315_200_000_000  # 2026-06-01T12:00Z
BERLIN = ZoneInfo("Europe/Berlin")


def asked(query: str, *wanted) -> Asked:
    return Asked(make_mocked_request("GET", f"/api/x?{query}"), *wanted)


def refusal(query: str, *wanted, read=lambda asked: None) -> str:
    with pytest.raises(ApiError) as error:
        read(asked(query, *wanted))
    assert error.value.status == 400
    return error.value.message


def test_a_missing_parameter_is_named():
    assert '"device" is missing' in refusal("", parameters.DEVICE)


def test_an_unknown_parameter_is_named():
    assert '"colour"' in refusal("colour=red", parameters.SINCE)


def test_a_parameter_is_given_once():
    assert "more than once" in refusal("since=1d&since=2d", parameters.SINCE)


@pytest.mark.parametrize("written", ["7", "5001", "-1", "1e3", "many", "", "9" * 400, "1_000"])
def test_a_number_outside_its_limits_is_refused(written):
    message = refusal(f"points={written}", parameters.POINTS,
                      read=lambda asked: asked.number(parameters.POINTS))
    assert "8 to 5000" in message


def test_a_number_has_a_default():
    assert asked("", parameters.POINTS).number(parameters.POINTS) == 1000
    assert asked("points=8", parameters.POINTS).number(parameters.POINTS) == 8


@pytest.mark.parametrize("written", [
    "brood", "sensor.", "../etc", "sensor.BROOD", "sensor.a%00", "sensor.a%0A", "s" * 30 + ".a",
])
def test_what_cannot_be_a_device_is_refused(written):
    refusal(f"device={written}", parameters.DEVICE)


@pytest.mark.parametrize("parameter", [
    one for one in vars(parameters).values() if isinstance(one, parameters.Parameter)
], ids=lambda one: one.name)
def test_every_pattern_is_one_for_javascript_too(parameter):
    for schema in (parameter.schema, *parameter.schema.get("anyOf", ())):
        if pattern := schema.get("pattern"):
            assert pattern.startswith("^")
            assert pattern.endswith("$")
            assert not re.search(r"\\[^.dws\\-]|\(\?", pattern)


def test_a_job_from_a_damaged_database_has_a_number_below_0():
    request = make_mocked_request("GET", "/api/jobs/-1", match_info={"job": "-1"})
    assert Asked(request, parameters.JOB_IN_PATH).number(parameters.JOB_IN_PATH) == -1
