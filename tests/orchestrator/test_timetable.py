"""The timetable: which commands fall due as time goes by, in a time that the test tells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.config import settings as config
from beemon.config.settings import DeviceSettings
from beemon.ledger.slots import Begin, Series, Skip, Tick, Turn, Unaccounted
from beemon.orchestrator.timetable import LATE_SECONDS, Thinning, Timetable

T = TypeVar("T")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
DEVICES = """
[sensor.a]
driver = "simulated"
schedule = { interval = "1m" }
[sensor.b]
driver = "simulated"
schedule = { interval = "2m" }
[microphone.m]
driver = "simulated"
schedule = { interval = "5m", duration = "60s" }
[camera.c]
driver = "simulated"
schedule = { interval = "10m" }
[camera.idle]
driver = "simulated"
"""


def at(seconds: float, jump: float = 0.0, quality: Quality = Quality.SYNCHRONISED) -> Stamp:
    """So many seconds after noon; ``jump`` is how far the wall clock was set meanwhile."""
    return Stamp(round((NOON + seconds + jump) * 1e6), 1000.0 + seconds, quality)


def unsure(seconds: float, jump: float = 0.0) -> Stamp:
    return at(seconds, jump, Quality.UNSURE)


def utc_us(seconds: float) -> int:
    return at(seconds).utc_us


def look(timetable: Timetable, now: Stamp) -> Tick:
    """What a look finds, or an empty find."""
    return timetable.advance(now) or Tick(now)


def due(timetable: Timetable, now: Stamp) -> list[str]:
    return [due.command for due in look(timetable, now).due]


def skipped(timetable: Timetable, now: Stamp) -> dict[str, tuple[str, int]]:
    """Each device whose slots are skipped, with the reason and how many they are."""
    found = of_kind(Skip, look(timetable, now))
    return {skip.device: (skip.reason, skip.series.slots) for skip in found}


def of_kind(kind: type[T], tick: Tick) -> list[T]:
    return [change for change in tick.changes if isinstance(change, kind)]


def load(folder: Path, devices: str) -> Mapping[str, DeviceSettings]:
    (folder / "beemon.toml").write_text(devices)
    return config.load(folder / "beemon.toml").devices


@pytest.fixture
def timetable(tmp_path: Path) -> Timetable:
    """Begun a second after noon, by a clock that can be believed."""
    timetable = Timetable(load(tmp_path, DEVICES), UTC)
    assert due(timetable, at(1)) == []
    return timetable


def test_slots_that_fall_together_share_one_read(timetable: Timetable) -> None:
    assert due(timetable, at(60)) == ["read sensor.a"]
    assert due(timetable, at(120)) == ["read sensor.a sensor.b"]


def test_recorders_get_their_duration_and_a_camera_without_one_takes_snapshots(
    timetable: Timetable,
) -> None:
    due(timetable, at(599))
    assert due(timetable, at(600)) == [
        "snapshot camera.c", "record microphone.m 60", "read sensor.a sensor.b",
    ]


def test_a_slot_falls_due_once(timetable: Timetable) -> None:
    assert due(timetable, at(60)) == ["read sensor.a"]
    assert due(timetable, at(60.5)) == []


def test_it_says_how_long_to_sleep(timetable: Timetable) -> None:
    assert timetable.seconds_to_next(at(58.5)) == pytest.approx(1.5)
    assert timetable.seconds_to_next(at(70)) == 0
    assert Timetable({}, UTC).seconds_to_next(at(70)) is None


def test_what_is_switched_off_is_not_due_until_it_is_on_again(timetable: Timetable) -> None:
    timetable.switch({"sensor.a"}, on=False)
    assert due(timetable, at(60)) == []
    assert not timetable.is_on("sensor.a")
    timetable.switch({"sensor.a"}, on=True)
    assert due(timetable, at(120)) == ["read sensor.a sensor.b"]


def test_what_is_due_has_its_moment_and_the_look_says_how_far_the_account_goes(
    timetable: Timetable,
) -> None:
    due(timetable, at(119))
    tick = look(timetable, at(120.25))
    assert [(d.command, d.slot_us) for d in tick.due] == [("read sensor.a sensor.b", utc_us(120))]
    assert tick.accounted_us == utc_us(120.25)
    assert timetable.advance(at(121)) is None


def test_sensors_whose_slots_differ_are_read_apart(tmp_path: Path) -> None:
    timetable = Timetable(load(tmp_path, TWO_SENSORS), UTC)
    due(timetable, at(1))
    assert [(d.command, d.slot_us) for d in look(timetable, at(62)).due] == [
        ("read sensor.minutes", utc_us(60)), ("read sensor.seconds", utc_us(61)),
    ]


TWO_SENSORS = """
[sensor.minutes]
driver = "simulated"
schedule = { interval = "1m" }
[sensor.seconds]
driver = "simulated"
schedule = { interval = "61s", window = ["12:00", "13:00"] }
"""


# Slots that are not run

def test_a_look_that_comes_late_runs_the_last_slot_and_skips_those_before(
    timetable: Timetable,
) -> None:
    tick = look(timetable, at(185))
    assert [d.command for d in tick.due] == ["read sensor.a"]
    assert [(s.device, s.reason, s.series) for s in of_kind(Skip, tick)] == [
        ("sensor.a", "late", Series(utc_us(60), utc_us(120), 2)),
        ("sensor.b", "late", Series(utc_us(120), utc_us(120), 1)),
    ]


def test_a_slot_that_is_too_late_is_not_run(timetable: Timetable) -> None:
    assert due(timetable, at(60 + LATE_SECONDS)) == ["read sensor.a"]
    assert skipped(timetable, at(120 + LATE_SECONDS + 1)) == {
        "sensor.a": ("late", 1), "sensor.b": ("late", 1),
    }


def test_what_is_switched_off_is_skipped(timetable: Timetable) -> None:
    timetable.switch({"sensor.a", "camera.idle"}, on=False)
    assert skipped(timetable, at(60)) == {"sensor.a": ("paused", 1)}
    assert not timetable.is_on("sensor.a")
    assert timetable.held_back("sensor.a") == "paused"
    assert not timetable.has_schedule("camera.idle")


def test_devices_are_held_back_for_a_reason_until_they_are_not(timetable: Timetable) -> None:
    timetable.hold_back("low-disk", {"sensor.a"})
    assert timetable.is_on("sensor.a")
    assert timetable.held_back("sensor.a") == "low-disk"
    assert skipped(timetable, at(60)) == {"sensor.a": ("low-disk", 1)}
    timetable.switch({"sensor.a"}, on=False)
    assert skipped(timetable, at(120)) == {"sensor.a": ("paused", 1)}
    timetable.switch({"sensor.a"}, on=True)
    timetable.hold_back("low-disk", ())
    assert due(timetable, at(180)) == ["read sensor.a"]


def test_the_next_slot_is_one_of_a_device_that_is_not_held_back(timetable: Timetable) -> None:
    assert timetable.next_slot(utc_us(3600)) == utc_us(3660)
    timetable.hold_back("power", {"sensor.a", "sensor.b"})
    assert timetable.next_slot(utc_us(3600)) == utc_us(3900)
    timetable.hold_back("power", {"sensor.a", "sensor.b", "microphone.m", "camera.c"})
    assert timetable.next_slot(utc_us(3600)) is None


def test_a_recorder_that_is_held_back_is_not_kept_ready(timetable: Timetable) -> None:
    timetable.hold_back("inspection", {"microphone.m"})
    assert not timetable.is_open("microphone.m", at(1))


# A clock that is set

def test_slots_that_the_clock_was_set_ahead_over_are_skipped(timetable: Timetable) -> None:
    assert skipped(timetable, at(30, 1800)) == {
        "sensor.a": ("clock", 30), "sensor.b": ("clock", 15),
        "microphone.m": ("clock", 6), "camera.c": ("clock", 3),
    }
    assert due(timetable, at(60, 1800)) == ["read sensor.a"]


def test_a_small_step_ahead_loses_no_slot(timetable: Timetable) -> None:
    assert due(timetable, at(58, 4)) == ["read sensor.a"]


def test_a_clock_set_back_by_less_than_an_interval_makes_no_slot_due_again(
    timetable: Timetable,
) -> None:
    assert due(timetable, at(61)) == ["read sensor.a"]
    assert timetable.advance(at(62, -30)) is None
    assert timetable.advance(at(90, -30)) is None
    assert due(timetable, at(150, -30)) == ["read sensor.a sensor.b"]


def test_a_clock_set_back_further_makes_those_with_short_intervals_due_again(
    timetable: Timetable,
) -> None:
    assert due(timetable, at(121)) == ["read sensor.a sensor.b"]
    turned = look(timetable, at(122, -90))
    assert {t.device: t.from_us for t in of_kind(Turn, turned)} == {
        "sensor.a": utc_us(32), "sensor.b": utc_us(121), "microphone.m": utc_us(121),
        "camera.c": utc_us(121),
    }
    assert {t.until_us for t in of_kind(Turn, turned)} == {utc_us(121)}
    assert due(timetable, at(150, -90)) == ["read sensor.a"]  # 12:01 again
    assert due(timetable, at(210, -90)) == ["read sensor.a"]  # 12:02, which b has had
    assert due(timetable, at(330, -90)) == ["read sensor.a sensor.b"]


def test_small_steps_back_that_add_up_count_as_one(timetable: Timetable) -> None:
    assert due(timetable, at(61)) == ["read sensor.a"]
    assert timetable.advance(at(62, -30)) is None
    froms = {t.device: t.from_us for t in of_kind(Turn, look(timetable, at(63, -63)))}
    assert (froms["sensor.a"], froms["sensor.b"]) == (utc_us(0), utc_us(61))
    assert due(timetable, at(123, -63)) == ["read sensor.a"]


@pytest.mark.parametrize("jump", [-86400.0 * 365, 86400.0 * 365 * 50, -3600.0])
def test_a_clock_that_jumps_neither_stops_the_schedule_nor_floods_it(
    timetable: Timetable, jump: float
) -> None:
    assert due(timetable, at(60)) == ["read sensor.a"]
    assert of_kind(Skip, look(timetable, at(61, jump))) == []
    assert due(timetable, at(120, jump)) == ["read sensor.a sensor.b"]


def test_what_a_clock_far_ahead_passed_over_was_never_due(timetable: Timetable) -> None:
    year = 86400.0 * 365
    tick = look(timetable, at(61, year))
    assert [t.from_us for t in of_kind(Turn, tick)] == [at(61, year).utc_us] * 4
    [span] = of_kind(Unaccounted, tick)
    assert (span.from_us, span.until_us) == (utc_us(1), at(61, year).utc_us)
    assert span.why == "the clock was set forward by 31536000 s"


# A clock that cannot be believed

def test_by_an_unsure_clock_work_is_done_without_a_slot(tmp_path: Path) -> None:
    timetable = Timetable(load(tmp_path, DEVICES), UTC)
    due(timetable, unsure(1))
    tick = look(timetable, unsure(121))
    assert [(d.command, d.slot_us) for d in tick.due] == [("read sensor.a sensor.b", None)]
    assert (tick.changes, tick.accounted_us) == ([], None)
    timetable.switch({"sensor.a"}, on=False)
    assert timetable.advance(unsure(181)) is None


def test_the_account_begins_when_the_clock_becomes_right(tmp_path: Path) -> None:
    timetable = Timetable(load(tmp_path, DEVICES), UTC)
    long_ago = -50 * 365 * 86400.0
    due(timetable, unsure(1, long_ago))
    assert due(timetable, unsure(121, long_ago)) == ["read sensor.a sensor.b"]
    tick = look(timetable, at(130))
    [begin] = of_kind(Begin, tick)
    assert (begin.since_us, begin.at_us) == (utc_us(1), utc_us(130))
    assert begin.commands == 1
    assert set(begin.definitions) == {"sensor.a", "sensor.b", "microphone.m", "camera.c"}
    assert tick.accounted_us == utc_us(130)
    assert [d.slot_us for d in look(timetable, at(180)).due] == [utc_us(180)]


def test_a_clock_that_was_right_once_is_believed_for_the_rest_of_the_run(
    timetable: Timetable,
) -> None:
    assert look(timetable, unsure(60)).due[0].slot_us == utc_us(60)


# Other devices

def test_other_devices_are_taken_over(timetable: Timetable) -> None:
    timetable.switch({"sensor.a"}, on=False)
    timetable.change({}, at(2))
    tick = look(timetable, at(600))
    assert (tick.due, of_kind(Skip, tick)) == ([], [])
    assert {t.device: t.definition for t in of_kind(Turn, tick)} == dict.fromkeys(
        ("camera.c", "microphone.m", "sensor.a", "sensor.b")
    )
    assert timetable.seconds_to_next(at(600)) is None


def test_what_fell_due_before_the_change_is_done_and_the_rest_by_the_new_schedule(
    tmp_path: Path, timetable: Timetable
) -> None:
    faster = load(tmp_path, DEVICES.replace('"2m"', '"30s"'))
    timetable.change(faster, at(60.5))
    tick = look(timetable, at(60.6))
    assert [(d.command, d.slot_us) for d in tick.due] == [("read sensor.a", utc_us(60))]
    [turn] = of_kind(Turn, tick)
    assert turn == Turn("sensor.b", utc_us(60.5), utc_us(60.5), turn.definition)
    assert due(timetable, at(90)) == ["read sensor.b"]


def test_the_window_of_a_scheduled_device_is_open_unless_it_is_switched_off(
    timetable: Timetable,
) -> None:
    assert timetable.is_open("microphone.m", at(1))
    assert not timetable.is_open("camera.idle", at(1))
    timetable.switch({"microphone.m"}, on=False)
    assert not timetable.is_open("microphone.m", at(1))


def test_the_next_slot_of_a_device_is_told_where_one_is_to_be_run(timetable: Timetable) -> None:
    assert timetable.seconds_to_slot("microphone.m", at(1)) == pytest.approx(299)
    assert timetable.seconds_to_slot("microphone.m", at(301)) == 0
    due(timetable, at(301))
    assert timetable.seconds_to_slot("microphone.m", at(301)) == pytest.approx(299)
    timetable.hold_back("inspection", {"microphone.m"})
    timetable.switch({"sensor.a"}, on=False)
    for none in ("microphone.m", "sensor.a", "camera.idle"):
        assert timetable.seconds_to_slot(none, at(301)) == math.inf


def test_a_window_opens_and_closes_as_time_goes_by_also_where_the_clock_is_set(
    tmp_path: Path,
) -> None:
    afternoon = """
    [microphone.m]
    driver = "simulated"
    schedule = { interval = "5m", duration = "60s", window = ["13:00", "14:00"] }
    """
    timetable = Timetable(load(tmp_path, afternoon), UTC)
    hours = [0.0, 0.9, 1.0, 1.9, 2.0, 1.5, 0.5, 25.0, 26.0, 1.0]
    found = [timetable.is_open("microphone.m", at(3600 * hour)) for hour in hours]
    assert found == [False, False, True, True, False, True, False, True, False, True]
    timetable.change(load(tmp_path, afternoon.replace("13:00", "13:30")), at(3600))
    assert not timetable.is_open("microphone.m", at(3600))


def test_a_slots_command_has_its_length_to_the_millisecond(tmp_path: Path) -> None:
    devices = load(
        tmp_path,
        '[camera.c]\ndriver = "simulated"\n'
        'schedule = { interval = "1h", duration = "1234.5678s" }\n',
    )
    timetable = Timetable(devices, UTC)
    due(timetable, at(1))
    assert due(timetable, at(3600)) == ["record camera.c 1234.568"]


def test_of_a_device_that_is_thinned_out_only_some_slots_run(timetable):
    timetable.thin_out(Thinning("power", 4), {"sensor.a", "sensor.b"})
    ran = {minute: due(timetable, at(60.0 * minute)) for minute in range(1, 9)}
    assert ran[4] == ["read sensor.a"]
    assert ran[8] == ["read sensor.a sensor.b"]
    assert [minute for minute, found in ran.items() if found] == [4, 5, 8]


def test_the_slots_between_are_skipped_for_the_reason(timetable):
    timetable.thin_out(Thinning("power", 2), {"sensor.a"})
    assert skipped(timetable, at(60)) == {"sensor.a": ("power", 1)}
    assert skipped(timetable, at(120)) == {}


def test_the_number_of_a_slot_does_not_depend_on_the_start(tmp_path):
    later = Timetable(load(tmp_path, DEVICES), UTC)
    later.thin_out(Thinning("power", 4), {"sensor.a", "sensor.b"})
    assert due(later, at(100)) == []
    ran = [minute for minute in range(2, 9) if due(later, at(60.0 * minute))]
    assert ran == [4, 5, 8]


def test_what_is_not_thinned_out_any_more_runs_again(timetable):
    timetable.thin_out(Thinning("power", 2), {"sensor.a"})
    timetable.thin_out(Thinning("power", 2), set())
    assert due(timetable, at(60)) == ["read sensor.a"]


def test_there_is_nothing_to_open_a_device_for_before_a_slot_that_is_left_out(timetable):
    timetable.thin_out(Thinning("power", 2), {"camera.c"})
    due(timetable, at(2))
    assert timetable.seconds_to_slot("camera.c", at(2)) == math.inf
    due(timetable, at(601))
    assert timetable.seconds_to_slot("camera.c", at(601)) == 599
