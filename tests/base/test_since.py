"""The begin of a period, as people write it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.moments import EARLIEST_US, LATEST_US, US_PER_DAY, US_PER_HOUR, to_microseconds
from beemon.base.since import begin_us

NOW = 1_780_315_200_000_000  # 2026-06-01T12:00Z
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("written", "ago_us"), [
    ("0h", 0), ("12h", 12 * US_PER_HOUR), ("7d", 7 * US_PER_DAY), ("4w", 28 * US_PER_DAY),
    ("today", 14 * US_PER_HOUR), ("yesterday", 38 * US_PER_HOUR),
    ("2026-06-01", 14 * US_PER_HOUR), ("2026-03-01", 92 * US_PER_DAY + 13 * US_PER_HOUR),
    ("2026-06-01T13:00", US_PER_HOUR), ("2026-06-01T13", US_PER_HOUR),
    ("2026-06-01 13:00:00 +02:00", US_PER_HOUR), ("2026-06-01 11:00:00Z", US_PER_HOUR),
    ("2026-06-01T06:30-04:30", US_PER_HOUR),
])
def test_a_begin_is_a_span_or_a_local_day_or_time(written, ago_us):
    assert begin_us(written, NOW, BERLIN) == NOW - ago_us


@pytest.mark.parametrize("written", [
    "", "7", "7x", "-7d", "99999d", "tomorrow", "2026-13-01", "2026-02-30", "20260601", "２d",
    "2026-W23-1", "7d\n", "2026-06-01T", "2026-06-01T24:00", "2026-06-01T12:00+25:00",
    "2026-06-01T1200", "2026-06-01T12:00z", "T12:00", "2026-02-30T12:00",
])
def test_nothing_else_is_a_begin(written):
    assert begin_us(written, NOW, BERLIN) is None


@given(st.integers(0, 9999), st.sampled_from("hdw"), st.integers(EARLIEST_US, LATEST_US))
def test_every_span_ends_at_a_time_that_there_is(count, unit, now_us):
    assert EARLIEST_US <= begin_us(f"{count}{unit}", now_us, UTC) <= now_us


@pytest.mark.parametrize(("written", "utc"), [
    ("2026-03-29", "2026-03-28T23:00Z"), ("2026-03-30", "2026-03-29T22:00Z"),
    ("2026-10-25", "2026-10-24T22:00Z"), ("2026-10-26", "2026-10-25T23:00Z"),
    ("2026-10-25T02:30", "2026-10-25T00:30Z"), ("2026-10-25T02:30+01:00", "2026-10-25T01:30Z"),
    ("2026-10-25T03:00", "2026-10-25T02:00Z"), ("2026-03-29T03:00", "2026-03-29T01:00Z"),
])
def test_a_begin_is_right_on_the_days_on_which_the_clocks_change(written, utc):
    assert begin_us(written, NOW, BERLIN) == to_microseconds(datetime.fromisoformat(utc))


@pytest.mark.parametrize(("zone", "hours"), [
    ("Asia/Kolkata", 17.5), ("Pacific/Kiritimati", 2), ("UTC", 12),
])
def test_today_is_the_day_of_the_zone(zone, hours):
    assert begin_us("today", NOW, ZoneInfo(zone)) == NOW - hours * US_PER_HOUR


@given(st.datetimes(), st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Kiritimati")]))
def test_every_local_time_is_a_time_that_there_is(moment, there):
    written = moment.isoformat(timespec="minutes")
    assert EARLIEST_US <= begin_us(written, NOW, there) <= LATEST_US


@given(st.dates(), st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Kiritimati")]))
def test_every_date_is_a_time_that_there_is(day, there):
    assert EARLIEST_US <= begin_us(day.isoformat(), NOW, there) <= LATEST_US
