"""Tilts: the reading that shows a lasting change has the day looked at, and the first minute."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger.looks import Looks
from beemon.orchestrator.tilts import LATEST, Tilts

START_US = 1_780_000_000_000_000
MINUTE_US = 60_000_000
FIRST = 1
"""The minute after which a run has the day looked at in any case."""


class Watched:
    """Readings of a tilt, one a minute; ``minutes`` are those that had the day looked at."""

    def __init__(self) -> None:
        self.written: list[object] = []
        self.minutes: list[int] = []
        self.looks = Looks(lambda *write: self.written.append(write))
        self.tilts = Tilts(self.looks, self._hurry)

    def _hurry(self, at_us: int) -> None:
        self.minutes.append((at_us - START_US) // MINUTE_US)

    def read(
        self, values: Iterable[float | None], sensor: str = "sensor.comb", quantity: str = "tilt",
        quality: Quality = Quality.SYNCHRONISED, begin: int = 0,
    ) -> None:
        for number, value in enumerate(values, begin):
            at = Stamp(START_US + number * MINUTE_US, 60.0 * number, quality)
            reason = "stalled" if value is None else None
            self.tilts.take([Reading(sensor, quantity, "°", value, reason, at)])


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_fall_has_the_day_looked_at_after_a_minute(watched):
    watched.read([2.0] * 5 + [80.0] * 10)
    assert watched.minutes == [FIRST, 6]


def test_a_knock_and_a_steady_hive_have_not(watched):
    watched.read([2.0, 2.1, 2.0, 60.0, 2.0, 2.2, 1.9])
    assert watched.minutes == [FIRST]


def test_a_hive_that_lies_from_the_first_reading_on_is_looked_at_once(watched):
    """It may have fallen while the service was stopped."""
    watched.read([84.0] * 3 * LATEST)
    assert watched.minutes == [FIRST]


def test_the_first_minute_begins_when_the_clock_is_right(watched):
    """A Pi without a battery clock starts in the past; its first readings are redated later."""
    watched.read([84.0] * 10, quality=Quality.UNSURE)
    assert watched.minutes == []
    watched.read([84.0] * 5, begin=10)
    assert watched.minutes == [11]


def test_readings_without_a_value_are_left_out(watched):
    watched.read([2.0, 2.0, None, 80.0, None, 80.0])
    assert watched.minutes == [FIRST, 5]


def test_sensors_are_not_mixed(watched):
    watched.read([2.0] * 3)
    watched.read([80.0] * 6, sensor="sensor.other")
    watched.read([2.0, 2.0, 80.0, 80.0], quantity="temperature")
    assert watched.minutes == [FIRST, FIRST]


def test_each_change_is_seen_however_long_it_runs(watched):
    watched.read([2.0] * 3 * LATEST + [80.0] * 3 * LATEST + [2.0] * 3 + [15.0] * 3 * LATEST)
    assert watched.minutes == [FIRST, 3 * LATEST + 1, 6 * LATEST + 1, 6 * LATEST + 3 + 1]


def test_a_slow_tilt_is_looked_at_once_and_again_only_after_it_stood(watched):
    sinking = [25.0 + number / 20 for number in range(100)]
    about_the_limit = [29.8, 29.9, 30.1, 30.2] * 30
    watched.read(sinking + about_the_limit)
    assert watched.minutes == [FIRST, 103]
    watched.read([2.0] * 50 + sinking + about_the_limit, begin=1000)
    assert watched.minutes[2:] == [1001, 1051, 1153]


def test_a_defect_costs_this_look_alone(watched):
    watched.looks.switch_off("tilt", "a defect")
    watched.read([2.0] * 5 + [80.0] * 3)
    assert watched.minutes == []
