"""Quiet hours and times of the week, on clocks that are changed twice a year."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as any_of

from beemon.base.moments import to_datetime, to_microseconds
from beemon.base.options import BadOptionError
from beemon.uplink import hours
from beemon.uplink.hours import Span, Weekly

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Span(time(22), time(6, 30))
moments = any_of.integers(
    to_microseconds(datetime(2026, 1, 1, tzinfo=UTC)),
    to_microseconds(datetime(2027, 1, 1, tzinfo=UTC)),
)
times = any_of.times().map(lambda at: at.replace(second=0, microsecond=0))


def utc_us(*local, fold=0):
    return to_microseconds(datetime(*local, tzinfo=BERLIN, fold=fold))


def exists(day, at):
    local = datetime.combine(day, at, BERLIN)
    return to_datetime(to_microseconds(local), BERLIN).replace(tzinfo=None) \
        == local.replace(tzinfo=None)


@given(moments)
def test_a_night_ends_at_its_time_on_the_clocks_of_the_hive(now_us):
    end_us, local = NIGHT.end_us(now_us, BERLIN), to_datetime(now_us, BERLIN)
    is_night = local.time() >= NIGHT.begin or local.time() < NIGHT.end
    assert (end_us is not None) == is_night
    if end_us is not None:
        assert to_datetime(end_us, BERLIN).time() == NIGHT.end
        assert 0 < end_us - now_us <= 9.5 * 3600e6


@given(moments, times, times)
def test_quiet_hours_are_never_longer_than_a_day_and_an_hour(now_us, begin, end):
    if begin == end:
        return
    end_us = Span(begin, end).end_us(now_us, BERLIN)
    if end_us is not None:
        assert 0 < end_us - now_us <= 25 * 3600e6
        day = to_datetime(end_us, BERLIN).date()
        if exists(day, end):
            assert to_datetime(end_us, BERLIN).time() == end


@given(moments, times)
def test_the_latest_time_of_day_is_past_and_the_next_one_is_ahead(now_us, at):
    latest, following = hours.latest_us(at, now_us, BERLIN), hours.next_us(at, now_us, BERLIN)
    assert latest <= now_us < following
    assert 22 * 3600e6 <= following - latest <= 26 * 3600e6
    for moment_us in (latest, following):
        moment = to_datetime(moment_us, BERLIN)
        assert moment.time() == at or not exists(moment.date(), at)


@given(moments, any_of.integers(0, 6), times)
def test_the_latest_time_of_the_week_is_within_the_week(now_us, weekday, at):
    latest = Weekly(weekday, at).latest_us(now_us, BERLIN)
    assert 0 <= now_us - latest <= (7 * 24 + 1) * 3600e6
    assert to_datetime(latest, BERLIN).weekday() == weekday


@pytest.mark.parametrize(("day", "length"), [((2026, 3, 28), 7.5), ((2026, 10, 24), 9.5)])
def test_a_night_with_a_change_of_the_clocks_is_an_hour_shorter_or_longer(day, length):
    begin = utc_us(*day, 22)
    end = NIGHT.end_us(begin, BERLIN)
    assert (end - begin) / 3600e6 == length


def test_an_hour_that_comes_twice_is_quiet_both_times():
    span = Span(time(2, 15), time(5))
    assert span.end_us(utc_us(2026, 10, 25, 2, 30), BERLIN) == utc_us(2026, 10, 25, 5)
    assert span.end_us(utc_us(2026, 10, 25, 2, 30, fold=1), BERLIN) == utc_us(2026, 10, 25, 5)


@pytest.mark.parametrize("text", [
    "22:00", "22:00-", "22:00-22:00", "24:00-06:00", "6:00-7:00", "22:00–06:00", 22, None,
])
def test_hours_that_are_none(text):
    with pytest.raises(BadOptionError, match="must be hours such as"):
        hours.span(text)


@pytest.mark.parametrize("text", ["Monday 07:00", "Mon", "Mon 7:00", "07:00 Mon", 1])
def test_times_of_the_week_that_are_none(text):
    with pytest.raises(BadOptionError, match="must be a weekday and a time"):
        hours.weekly(text)


@pytest.mark.parametrize("months", [[], [0], [13], [4, 4], ["4"], [True], 4, "4-9"])
def test_months_that_are_none(months):
    with pytest.raises(BadOptionError, match="must be a list of different months"):
        hours.months(months)


def test_what_was_read_reads_well():
    assert str(hours.span("22:00 - 06:30")) == "22:00-06:30"
    assert str(hours.weekly("mon 07:00")) == "Mon 07:00"
    assert hours.in_words(hours.months([5, 4])) == "Apr, May"
