"""Parameters: what a request may ask for, and what is told of everything else."""

from __future__ import annotations

import re
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.moments import EARLIEST_US, LATEST_US, US_PER_DAY, US_PER_HOUR
from beemon.web import parameters
from beemon.web.errors import ApiError
from beemon.web.parameters import Asked, moment_us

NOW = 1_780_315_200_000_000  # 2026-06-01T12:00Z
BERLIN = ZoneInfo("Europe/Berlin")


def asked(query: str, *wanted) -> Asked:
    return Asked(make_mocked_request("GET", f"/api/x?{query}"), *wanted)


def refusal(query: str, *wanted, read=lambda asked: None) -> str:
    with pytest.raises(ApiError) as error:
        read(asked(query, *wanted))
    assert error.value.status == 400
    return error.value.message


@pytest.mark.parametrize(("written", "ago_us"), [
    ("0h", 0), ("12h", 12 * US_PER_HOUR), ("7d", 7 * US_PER_DAY), ("4w", 28 * US_PER_DAY),
    ("today", 14 * US_PER_HOUR), ("yesterday", 38 * US_PER_HOUR),
    ("2026-06-01", 14 * US_PER_HOUR), ("2026-03-01", 92 * US_PER_DAY + 13 * US_PER_HOUR),
])
def test_a_begin_is_a_span_or_a_local_day(written, ago_us):
    assert moment_us(written, NOW, BERLIN) == NOW - ago_us


@pytest.mark.parametrize("written", [
    "", "7", "7x", "-7d", "99999d", "tomorrow", "2026-13-01", "2026-02-30", "20260601", "２d",
    "2026-W23-1", "7d\n",
])
def test_nothing_else_is_a_begin(written):
    assert moment_us(written, NOW, BERLIN) is None


@given(st.integers(0, 9999), st.sampled_from("hdw"), st.integers(EARLIEST_US, LATEST_US))
def test_every_span_ends_at_a_time_that_there_is(count, unit, now_us):
    assert EARLIEST_US <= moment_us(f"{count}{unit}", now_us, UTC) <= now_us


@given(st.dates(), st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Kiritimati")]))
def test_every_date_is_a_time_that_there_is(day, there):
    assert EARLIEST_US <= moment_us(day.isoformat(), NOW, there) <= LATEST_US + US_PER_DAY


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
