"""Moments: microseconds, datetimes and text are one and the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from beemon.base import moments


def test_moments_are_told_in_microseconds():
    at = datetime(2026, 6, 1, 12, 0, 0, 123457, tzinfo=UTC)
    assert moments.to_datetime(moments.to_microseconds(at)) == at
    assert moments.to_microseconds(datetime(1970, 1, 1, tzinfo=UTC) - timedelta(seconds=1)) == -1e6


def test_a_moment_is_told_on_the_clocks_of_a_zone():
    at = moments.to_datetime(1_780_315_200_000_000, ZoneInfo("Europe/Berlin"))
    assert at.isoformat() == "2026-06-01T14:00:00+02:00"


def test_the_first_and_the_last_moment_have_a_date_in_every_zone():
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        moments.to_datetime(moments.EARLIEST_US, ZoneInfo(zone))
        moments.to_datetime(moments.LATEST_US, ZoneInfo(zone))


def test_a_time_reads_as_utc_with_milliseconds():
    assert moments.iso(1_780_315_200_000_000) == "2026-06-01T12:00:00.000Z"
    assert moments.iso(0) == "1970-01-01T00:00:00.000Z"
    assert moments.iso(moments.LATEST_US + 1) == "253402214400000001 us"


@given(st.integers(0, 4_102_444_800_000))
def test_no_millisecond_is_lost_or_won(milliseconds):
    moment = datetime.fromisoformat(moments.iso(milliseconds * 1000))
    assert moment.tzinfo == UTC
    assert round(moment.timestamp() * 1000) == milliseconds


@given(st.integers(moments.EARLIEST_US - 1, moments.LATEST_US + 1),
       st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Monrovia"]))
def test_a_formatter_says_what_is_said_one_by_one(utc_us, name):
    zone = ZoneInfo(name)
    assert moments.formatter()(utc_us) == moments.iso(utc_us)
    if moments.EARLIEST_US <= utc_us <= moments.LATEST_US:
        there = moments.to_datetime(utc_us, zone).isoformat(timespec="milliseconds")
        assert moments.formatter(zone)(utc_us) == there
