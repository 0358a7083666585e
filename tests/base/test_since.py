"""The begin of a period, as people write it."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.moments import EARLIEST_US, LATEST_US, US_PER_DAY, US_PER_HOUR
from beemon.base.since import begin_us

NOW = 1_780_315_200_000_000  # 2026-06-01T12:00Z
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("written", "ago_us"), [
    ("0h", 0), ("12h", 12 * US_PER_HOUR), ("7d", 7 * US_PER_DAY), ("4w", 28 * US_PER_DAY),
    ("today", 14 * US_PER_HOUR), ("yesterday", 38 * US_PER_HOUR),
    ("2026-06-01", 14 * US_PER_HOUR), ("2026-03-01", 92 * US_PER_DAY + 13 * US_PER_HOUR),
])
def test_a_begin_is_a_span_or_a_local_day(written, ago_us):
    assert begin_us(written, NOW, BERLIN) == NOW - ago_us


@pytest.mark.parametrize("written", [
    "", "7", "7x", "-7d", "99999d", "tomorrow", "2026-13-01", "2026-02-30", "20260601", "２d",
    "2026-W23-1", "7d\n",
])
def test_nothing_else_is_a_begin(written):
    assert begin_us(written, NOW, BERLIN) is None


@given(st.integers(0, 9999), st.sampled_from("hdw"), st.integers(EARLIEST_US, LATEST_US))
def test_every_span_ends_at_a_time_that_there_is(count, unit, now_us):
    assert EARLIEST_US <= begin_us(f"{count}{unit}", now_us, UTC) <= now_us


@given(st.dates(), st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Kiritimati")]))
def test_every_date_is_a_time_that_there_is(day, there):
    assert EARLIEST_US <= begin_us(day.isoformat(), NOW, there) <= LATEST_US + US_PER_DAY
