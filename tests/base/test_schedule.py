"""When scheduled work is due: a grid in local civil time, through nights and clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.options import BadOptionError, build
from beemon.base.schedule import (
    Schedule,
    Series,
    SunTime,
    count_slots,
    describe,
    next_slot,
    recall,
    slot_number,
    slot_verb,
    slots_between,
    window_state,
)
from beemon.base.sun import Place

BERLIN = ZoneInfo("Europe/Berlin")  # 2026: +1 to +2 on 29 March at 02:00, back on 25 October, 03:00
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


def schedule(interval="1h", window=("00:00", "00:00"), duration=None, place=None) -> Schedule:
    table = {"interval": interval, "window": list(window)}
    table |= {"duration": duration} if duration else {}
    built, problems = build(Schedule, table, str, {"place": place})
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
               ["06:00", 21], [], ["06:00\n", "21:00"], ["٠٦:00", "21:00"], None,
               ["sunrise", "sundown"], ["sunrise +1h", "sunset"], ["Sunrise", "sunset"],
               ["sunrise+", "sunset"], ["noon", "sunset"], ["sunrise\n", "sunset"]]
)
def test_a_window_is_two_times(window):
    _, [problem] = build(Schedule, {"interval": "1h", "window": window}, str)
    assert 'must be two times such as ["06:00", "21:30"] or ["sunrise-30m"' in str(problem)


@pytest.mark.parametrize(("word", "told"), [
    ("sunrise+30", 'has an offset from sunrise that must be a duration such as "90s"'),
    ("sunset+13h", "may be up to 12h before or after the sun's event, not \"13h\""),
])
def test_an_offset_from_the_sun_is_a_duration(word, told):
    _, [problem] = build(Schedule, {"interval": "1h", "window": ["06:00", word]}, str)
    assert told in str(problem)


def test_a_window_by_the_sun_is_read_from_its_words():
    by_sun = schedule("5m", ("sunrise-30m", "sunset+1.5h"))
    assert by_sun.window == (SunTime("sunrise", -1800.0), SunTime("sunset", 5400.0))
    assert schedule("5m", ("sunset", "06:00")).window == (SunTime("sunset"), time(6))
    assert by_sun.follows_sun
    assert not schedule("5m").follows_sun


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


def in_window(of: Schedule, at: datetime, zone: ZoneInfo) -> bool:
    return window_state(of, at, zone).is_open


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


@pytest.mark.parametrize("window", [
    ("21:00", "04:00"), ("06:00", "06:00"), ("02:30", "03:10"), ("sunrise-30m", "sunset+30m"),
    ("sunset", "sunrise"), ("sunset", "00:00"),
])
@pytest.mark.parametrize("day", ["2026-01-01", "2026-03-28", "2026-06-21", "2026-10-24"])
def test_a_window_stays_as_it_is_for_as_long_as_it_is_said_to(window, day):
    of = schedule("1h", window, place=TROMSO)
    at = berlin(f"{day}T00:07").astimezone(UTC)
    end = at + timedelta(days=2)
    while at < end:
        state = window_state(of, at, BERLIN)
        assert state.until > at
        part = (state.until - at) / 8
        moments = [*(at + number * part for number in range(8)), state.until - TICK]
        assert {in_window(of, moment, BERLIN) for moment in moments} == {state.is_open}
        at = state.until


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


# The sun

HOME = Place(52.52, 13.41)  # Berlin
TROMSO = Place(69.65, 18.96)  # no sunset from 18 May to 25 July, no sunrise from 28 Nov to 14 Jan
OSLO = ZoneInfo("Europe/Oslo")


def day_of(of: Schedule, day: str, zone: ZoneInfo = BERLIN) -> list[str]:
    """The slots of a civil day, as clocks on the wall show them."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    found, after = [], midnight - SECOND
    while (slot := next_slot(of, after, zone)) and slot < midnight + timedelta(days=1):
        found.append(f"{slot.astimezone(zone):%H:%M}")
        after = slot
    return found


def test_a_window_follows_the_sun_through_the_year():
    light = schedule("12h", ("sunrise-30m", "sunset+30m"), place=HOME)
    assert day_of(light, "2026-06-21") == ["04:13", "16:13"]  # the sun is up from 04:43 to 21:33
    assert day_of(light, "2026-12-21") == ["07:45"]  # from 08:15 to 15:54


def test_a_window_by_the_sun_does_not_jump_with_the_clock():
    light = schedule("12h", ("sunrise", "sunset"), place=HOME)
    assert day_of(light, "2026-03-28") == ["05:50", "17:50"]
    assert day_of(light, "2026-03-29") == ["06:48", "18:48"]


def test_a_night_goes_from_the_sunset_to_the_next_sunrise():
    dark = schedule("3h", ("sunset+1h", "sunrise-1h"), place=HOME)
    assert day_of(dark, "2026-06-21") == ["01:33", "22:33"]
    assert not in_window(dark, berlin("2026-06-21T12:00"), BERLIN)
    assert in_window(dark, berlin("2026-06-21T23:59"), BERLIN)


@pytest.mark.parametrize(("window", "found"), [
    (("06:00", "sunset"), ["06:00", "12:00", "18:00"]),
    (("sunset", "23:30"), ["21:33"]),
    (("sunset", "06:00"), ["03:33", "21:33"]),
    (("00:00", "sunrise"), ["00:00"]),
    (("sunrise-1h", "sunrise+6h"), ["03:43", "09:43"]),
])
def test_one_end_may_be_by_the_clock(window, found):
    assert day_of(schedule("6h", window, place=HOME), "2026-06-21") == found


def test_a_sun_that_does_not_set_makes_a_whole_day_of_the_light_and_no_night():
    light = schedule("4h", ("sunrise", "sunset"), place=TROMSO)
    assert len(day_of(light, "2026-06-21", OSLO)) == 6
    assert in_window(light, datetime(2026, 6, 21, 23, tzinfo=UTC), OSLO)
    dark = schedule("4h", ("sunset", "sunrise"), place=TROMSO)
    assert day_of(dark, "2026-06-21", OSLO) == []
    summer = datetime(2026, 5, 20, tzinfo=UTC), datetime(2026, 7, 24, tzinfo=UTC)
    assert next_slot(dark, summer[0], OSLO) is None
    assert count_slots(dark, *summer, OSLO) == 0
    assert count_slots(light, *summer, OSLO) == 65 * 6


def test_a_sun_that_does_not_rise_leaves_what_is_around_noon():
    light = schedule("4h", ("sunrise", "sunset"), place=TROMSO)
    assert day_of(light, "2026-12-21", OSLO) == []
    dawn = schedule("20m", ("sunrise-30m", "sunset+30m"), place=TROMSO)
    assert day_of(dawn, "2026-12-21", OSLO) == ["11:12", "11:32", "11:52"]
    dark = schedule("4h", ("sunset", "sunrise"), place=TROMSO)
    assert len(day_of(dark, "2026-12-21", OSLO)) == 6


def test_a_window_is_over_when_the_next_one_begins():
    long = schedule("4h", ("sunrise-6h", "sunset+6h"), place=HOME)
    year = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    found, after = [], year[0]
    while (slot := next_slot(long, after, BERLIN)) <= year[1]:
        found.append(slot)
        after = slot
    assert found == sorted(set(found))
    assert len(found) == count_slots(long, *year, BERLIN)


def test_without_a_place_the_sun_tells_nothing():
    with pytest.raises(ValueError, match="sunrise-1800s needs a place"):
        next_slot(schedule("1h", ("sunrise-30m", "sunset")), berlin("2026-06-01"), BERLIN)


# Counting

def test_slots_are_counted_after_a_moment_and_up_to_another():
    hourly = schedule("1h", ("06:00", "08:00"))
    first, last = berlin("2026-06-01T06:00"), berlin("2026-06-02T06:00")
    assert count_slots(hourly, first - SECOND, last, BERLIN) == 3
    assert count_slots(hourly, first, last, BERLIN) == 2
    assert count_slots(hourly, first, last - SECOND, BERLIN) == 1
    assert count_slots(hourly, last, first, BERLIN) == 0
    assert slots_between(hourly, first, last, BERLIN) == Series(
        berlin("2026-06-01T07:00").astimezone(UTC), last.astimezone(UTC), 2
    )
    assert slots_between(hourly, last, last + SECOND, BERLIN) is None


def test_a_year_has_as_many_slots_as_its_clock_changes_leave():
    year = berlin("2026-01-01T00:00") - SECOND, berlin("2027-01-01T00:00") - SECOND
    assert count_slots(schedule("1m"), *year, BERLIN) == 365 * 24 * 60
    assert count_slots(schedule("1h", ("02:00", "03:00")), *year, BERLIN) == 365 + 1 - 1


# Descriptions

@pytest.mark.parametrize("of", [
    schedule("5m", ("06:00", "21:30")),
    schedule("1.25s", ("sunrise-30m", "23:00"), place=HOME),
    schedule("1d", ("sunset+0.5s", "sunrise+12h"), place=HOME),
    schedule("86399.123457s"),
])
def test_a_schedule_is_recalled_from_its_description(of):
    assert recall(describe(of, BERLIN)) == (of, BERLIN)
    assert recall(describe(of, UTC)) == (of, UTC)


def test_a_description_of_a_zone_without_a_name_follows_the_machines(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert recall('{"interval": "300s", "zone": "system"}') == (schedule("5m"), BERLIN)


@pytest.mark.parametrize("text", [
    "", "{}", "7", '{"zone": "Europe/Berlin"}', '{"zone": "Atlantis", "interval": "5m"}',
    '{"zone": "system", "interval": "5m", "phase": "moon"}',
])
def test_what_describes_no_schedule_is_told(text):
    with pytest.raises(ValueError):
        recall(text)


def test_what_decides_no_slot_is_not_described():
    assert describe(schedule("5m", duration="60s"), "UTC") == describe(schedule("5m"), "UTC")
    assert describe(schedule("5m", place=HOME), "UTC") == describe(schedule("5m"), "UTC")


ZONES = st.sampled_from(
    [UTC, *map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                          "America/Santiago", "Asia/Kathmandu", "Pacific/Apia"))]
)
SCHEDULES = st.builds(
    Schedule,
    interval=st.integers(1, 86400).map(float) | st.floats(1, 86400),
    window=st.tuples(*[st.times().map(lambda t: t.replace(second=0, microsecond=0))] * 2),
)
MOMENTS = st.integers(1_328_054_400, 1_893_456_000).map(lambda at: datetime.fromtimestamp(at, UTC))


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
def test_what_is_counted_is_what_comes(of, after, zone):
    until = after + timedelta(seconds=of.interval * 40)
    found, at = [], after
    while (slot := next_slot(of, at, zone)) and slot <= until:
        found.append(slot)
        at = slot
    expected = Series(found[0], found[-1], len(found)) if found else None
    assert slots_between(of, after, until, zone) == expected


@given(SCHEDULES, MOMENTS, ZONES)
def test_no_slot_is_left_out_between_two(of, after, zone):
    first = next_slot(of, after, zone)
    between = after + (first - after) / 2
    assert next_slot(of, between, zone) == first


@pytest.mark.parametrize(
    ("window", "text", "number"),
    [
        (("00:00", "00:00"), "2026-06-01 00:00", 0),
        (("00:00", "00:00"), "2026-06-01 23:00", 23),
        (("06:30", "21:30"), "2026-06-01 06:30", 0),
        (("06:30", "21:30"), "2026-06-01 08:30", 2),
        (("21:00", "05:00"), "2026-06-02 01:00", 4),
    ],
)
def test_a_slot_is_numbered_in_its_window(window, text, number):
    assert slot_number(schedule("1h", window), berlin(text), BERLIN) == number


def test_the_night_on_which_the_clocks_change_has_a_number_more_or_less():
    assert slot_number(schedule("1h"), berlin("2026-03-29 12:00"), BERLIN) == 11
    assert slot_number(schedule("1h"), berlin("2026-10-25 12:00"), BERLIN) == 13


@given(SCHEDULES, MOMENTS, ZONES)
def test_the_numbers_of_a_window_follow_each_other(of, after, zone):
    first = next_slot(of, after, zone)
    second = next_slot(of, first, zone)
    assert slot_number(of, second, zone) in (0, slot_number(of, first, zone) + 1)
