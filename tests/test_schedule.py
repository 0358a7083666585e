"""When scheduled work is due: a grid in local civil time, through nights and clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.options import BadOptionError, build
from beemon.schedule import Schedule, in_window, next_slot, slot_verb

BERLIN = ZoneInfo("Europe/Berlin")  # 2026: +1 to +2 on 29 March at 02:00, back on 25 October, 03:00
SECOND = timedelta(seconds=1)


def schedule(interval="1h", window=("00:00", "00:00"), duration=None) -> Schedule:
    table = {"interval": interval, "window": list(window)}
    built, problems = build(Schedule, table | ({"duration": duration} if duration else {}), str)
    assert problems == []
    return built


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


def slots(of: Schedule, after: datetime, count: int) -> list[str]:
    """The next slots, as clocks on the wall show them."""
    found = []
    for _ in range(count):
        after = next_slot(of, after, BERLIN)
        found.append(f"{after.astimezone(BERLIN):%d %H:%M}")
    return found


# What a schedule may be

def test_a_schedule_is_read_from_its_words():
    assert schedule("5m", ("06:00", "21:30"), "60s") == Schedule(
        interval=300.0, duration=60.0, window=(time(6), time(21, 30))
    )


def test_without_a_window_the_whole_day_is_meant():
    built, _ = build(Schedule, {"interval": "1h"}, str)
    assert built.window == (time(0), time(0))


@pytest.mark.parametrize(
    "window", ["06:00", ["06:00"], ["06:00", "24:00"], ["6:00", "21:00"], ["06:00", "21:60"],
               ["06:00", 21], [], ["06:00\n", "21:00"], ["٠٦:00", "21:00"], None]
)
def test_a_window_is_two_clock_times(window):
    _, [problem] = build(Schedule, {"interval": "1h", "window": window}, str)
    assert 'must be two clock times such as ["06:00", "21:30"]' in str(problem)


@pytest.mark.parametrize(("interval", "duration"), [("0.5s", None), ("25h", None), ("0s", None),
                                                    ("1d", "0s"), ("1d", "3601s")])
def test_impossible_times_are_refused(interval, duration):
    table = {"interval": interval} | ({"duration": duration} if duration else {})
    assert build(Schedule, table, str)[0] is None


def test_a_recording_fits_into_its_interval():
    with pytest.raises(BadOptionError, match="60 s does not fit into an interval of 30 s"):
        Schedule(interval=30, duration=60)
    assert Schedule(interval=60, duration=60).duration == 60


def test_a_slot_stands_for_a_command():
    assert slot_verb("sensor.brood", schedule()) == "read"
    assert slot_verb("camera.entrance", schedule()) == "snapshot"
    assert slot_verb("camera.entrance", schedule(duration="10s")) == "record"
    assert slot_verb("microphone.brood", schedule(duration="10s")) == "record"


# The grid

def test_slots_stand_on_a_grid_from_the_windows_start():
    assert slots(schedule("25m", ("06:10", "07:30")), berlin("2026-06-01T00:00"), 6) == [
        "01 06:10", "01 06:35", "01 07:00", "01 07:25", "02 06:10", "02 06:35",
    ]


def test_a_slot_is_later_than_the_moment_asked_about():
    hourly = schedule("1h")
    slot = berlin("2026-06-01T05:00")
    assert next_slot(hourly, slot - SECOND, BERLIN) == slot
    assert next_slot(hourly, slot, BERLIN) == slot + timedelta(hours=1)


def test_a_slot_is_told_in_utc():
    slot = next_slot(schedule(), berlin("2026-06-01T05:30"), BERLIN)
    assert slot.tzinfo is UTC
    assert slot == datetime(2026, 6, 1, 4, tzinfo=UTC)


def test_a_slot_at_the_windows_start_counts_and_one_at_its_end_does_not():
    hourly = schedule("1h", ("06:00", "08:00"))
    assert slots(hourly, berlin("2026-06-01T05:59"), 3) == ["01 06:00", "01 07:00", "02 06:00"]


def test_an_interval_longer_than_the_window_leaves_its_start():
    assert slots(schedule("1d", ("06:00", "06:01")), berlin("2026-06-01T12:00"), 2) == [
        "02 06:00", "03 06:00",
    ]


def test_an_interval_that_does_not_divide_the_day_begins_anew_each_midnight():
    assert slots(schedule("7h"), berlin("2026-06-01T00:00"), 5) == [
        "01 07:00", "01 14:00", "01 21:00", "02 00:00", "02 07:00",
    ]


# Nights

def test_a_window_may_go_on_after_midnight():
    night = schedule("2h", ("21:00", "04:00"))
    assert slots(night, berlin("2026-06-01T20:00"), 5) == [
        "01 21:00", "01 23:00", "02 01:00", "02 03:00", "02 21:00",
    ]
    assert slots(night, berlin("2026-06-02T00:30"), 1) == ["02 01:00"]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [("2026-06-01T20:59:59", False), ("2026-06-01T21:00", True), ("2026-06-02T00:00", True),
     ("2026-06-02T03:59:59", True), ("2026-06-02T04:00", False)],
)
def test_a_window_is_open_from_its_start_until_before_its_end(moment, is_open):
    assert in_window(schedule("1h", ("21:00", "04:00")), berlin(moment), BERLIN) is is_open


def test_a_window_that_ends_when_it_starts_is_a_whole_day_from_there():
    day = schedule("8h", ("06:00", "06:00"))
    assert slots(day, berlin("2026-06-01T00:00"), 4) == [
        "01 06:00", "01 14:00", "01 22:00", "02 06:00",
    ]
    assert in_window(day, berlin("2026-06-01T05:00"), BERLIN)


# Clock changes

def test_in_spring_the_day_has_an_hour_less():
    assert slots(schedule("1h"), berlin("2026-03-29T00:30"), 4) == [
        "29 01:00", "29 03:00", "29 04:00", "29 05:00",
    ]


def test_in_autumn_the_day_has_an_hour_more():
    assert slots(schedule("1h"), berlin("2026-10-25T00:30"), 5) == [
        "25 01:00", "25 02:00", "25 02:00", "25 03:00", "25 04:00",
    ]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_clock_change_at_night_does_not_shift_the_morning(day):
    morning = schedule("1h", ("06:00", "08:00"))
    assert slots(morning, berlin(f"{day}T00:30"), 2) == [f"{day[-2:]} 06:00", f"{day[-2:]} 07:00"]


def test_a_start_that_the_clock_jumps_over_comes_as_much_later():
    skipped = schedule("1h", ("02:30", "05:00"))
    assert slots(skipped, berlin("2026-03-28T12:00"), 3) == ["29 03:30", "29 04:30", "30 02:30"]


def test_a_window_that_the_clock_jumps_over_has_no_slot_that_day():
    gone = schedule("1h", ("02:30", "03:10"))
    assert slots(gone, berlin("2026-03-28T12:00"), 1) == ["30 02:30"]
    assert not in_window(gone, berlin("2026-03-29T03:05"), BERLIN)


def test_a_start_that_comes_twice_counts_the_first_time():
    twice = schedule("2h", ("02:30", "05:00"))
    first = next_slot(twice, berlin("2026-10-24T12:00"), BERLIN)
    assert first == berlin("2026-10-25T02:30", fold=0).astimezone(UTC)
    assert slots(twice, first, 2) == ["25 03:30", "26 02:30"]


def test_without_a_zone_the_systems_counts():
    local = next_slot(schedule("1d", ("06:00", "07:00")), datetime(2026, 6, 1, tzinfo=UTC))
    assert (local.astimezone().hour, local.astimezone().minute) == (6, 0)


ZONES = st.sampled_from(
    [UTC, *map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                          "America/Santiago", "Asia/Kathmandu", "Pacific/Apia"))]
)
SCHEDULES = st.builds(
    Schedule,
    interval=st.integers(1, 86400).map(float) | st.floats(1, 86400),
    window=st.tuples(*[st.times().map(lambda t: t.replace(second=0, microsecond=0))] * 2),
)
MOMENTS = st.datetimes(datetime(2012, 2, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(SCHEDULES, MOMENTS, ZONES)
def test_a_slot_is_later_inside_the_window_and_on_the_grid(of, after, zone):
    slot = next_slot(of, after, zone)
    assert after < slot < after + timedelta(days=3)
    assert in_window(of, slot, zone)
    local = slot.astimezone(zone)
    starts = [
        datetime.combine(local.date() - timedelta(days=ago), of.window[0], zone).astimezone(UTC)
        for ago in (0, 1)
    ]
    step = timedelta(seconds=of.interval)
    assert any(start <= slot and not (slot - start) % step for start in starts)


@given(SCHEDULES, MOMENTS, ZONES)
def test_no_slot_is_left_out_between_two(of, after, zone):
    first = next_slot(of, after, zone)
    between = after + (first - after) / 2
    assert next_slot(of, between, zone) == first
