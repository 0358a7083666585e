"""The timetable: which commands fall due as time goes by, in a time that the test tells."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from beemon import config
from beemon.clock import Moment
from beemon.timetable import Timetable

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


def at(seconds: float, jump: float = 0.0) -> Moment:
    """So many seconds after noon; ``jump`` is how far the wall clock was set meanwhile."""
    return Moment(round((NOON + seconds + jump) * 1e6), 1000.0 + seconds)


@pytest.fixture
def timetable(tmp_path: Path) -> Timetable:
    path = tmp_path / "beemon.toml"
    path.write_text(DEVICES)
    timetable = Timetable(config.load(path).devices)
    assert timetable.due(at(1)) == []
    return timetable


def test_slots_that_fall_together_share_one_read(timetable: Timetable) -> None:
    assert timetable.due(at(60)) == ["read sensor.a"]
    assert timetable.due(at(120)) == ["read sensor.a sensor.b"]


def test_recorders_get_their_duration_and_a_camera_without_one_takes_snapshots(
    timetable: Timetable,
) -> None:
    timetable.due(at(599))
    assert timetable.due(at(600)) == [
        "snapshot camera.c", "record microphone.m 60", "read sensor.a sensor.b",
    ]


def test_a_slot_falls_due_once(timetable: Timetable) -> None:
    assert timetable.due(at(60)) == ["read sensor.a"]
    assert timetable.due(at(60.5)) == []


def test_it_says_how_long_to_sleep(timetable: Timetable) -> None:
    assert timetable.seconds_to_next(at(58.5)) == pytest.approx(1.5)
    assert timetable.seconds_to_next(at(70)) == 0


def test_what_is_switched_off_is_not_due_until_it_is_on_again(timetable: Timetable) -> None:
    timetable.switch({"sensor.a"}, on=False)
    assert timetable.due(at(60)) == []
    assert not timetable.is_on("sensor.a")
    timetable.switch({"sensor.a"}, on=True)
    assert timetable.due(at(120)) == ["read sensor.a sensor.b"]


@pytest.mark.parametrize("jump", [-86400.0 * 365, 86400.0 * 365 * 50, -3600.0])
def test_a_clock_that_jumps_neither_stops_the_schedule_nor_floods_it(
    timetable: Timetable, jump: float
) -> None:
    assert timetable.due(at(60)) == ["read sensor.a"]
    assert timetable.due(at(61, jump)) == []
    assert timetable.due(at(120, jump)) == ["read sensor.a sensor.b"]


def test_other_devices_are_taken_over(timetable: Timetable) -> None:
    timetable.switch({"sensor.a"}, on=False)
    timetable.change({})
    assert timetable.due(at(600)) == []
    assert timetable.seconds_to_next(at(600)) is None


def test_the_window_of_a_scheduled_device_is_open_unless_it_is_switched_off(
    timetable: Timetable,
) -> None:
    assert timetable.is_open("microphone.m", at(1))
    assert not timetable.is_open("camera.idle", at(1))
    timetable.switch({"microphone.m"}, on=False)
    assert not timetable.is_open("microphone.m", at(1))


def test_a_slots_command_has_its_length_to_the_millisecond(tmp_path: Path) -> None:
    path = tmp_path / "beemon.toml"
    path.write_text(
        '[camera.c]\ndriver = "simulated"\n'
        'schedule = { interval = "1h", duration = "1234.5678s" }\n'
    )
    timetable = Timetable(config.load(path).devices)
    timetable.due(at(1))
    assert timetable.due(at(3600)) == ["record camera.c 1234.568"]
