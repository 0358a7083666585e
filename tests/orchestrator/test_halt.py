"""Halt: when the machine is powered off, and what is told when it is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from beemon.base.moments import iso
from beemon.base.readings import Reading
from beemon.config import settings as config
from beemon.ledger import events
from beemon.ledger.looks import Looks
from beemon.orchestrator.halt import Halt
from beemon.orchestrator.inbox import Inbox, Pulse
from beemon.orchestrator.power import Power
from beemon.orchestrator.timetable import Timetable
from tests.book import HOUR, MINUTE, NOON, Book

CONFIG = """
[sensor.battery]
driver = "simulated"
schedule = { interval = "15m" }
[microphone.m]
driver = "simulated"
schedule = { interval = "1m", duration = "10s" }
[power]
sensor = "sensor.battery"
quantity = "voltage"
[power.sensors-only]
below = 12.0
until = 12.4
"""
HALT = """
[power.halt]
below = 11.5
rest = "3h"
"""
LOW = 11.4


class FakeMachine:
    """Would be powered off, or says why not."""

    def __init__(self) -> None:
        self.why_not: str | None = None
        self.refusal: str | None = None
        self.asked = 0
        self.wakes: list[int | None] = []

    def may_power_off(self, told: Callable[[str | None], None]) -> None:
        self.asked += 1
        told(self.why_not)

    def power_off(self, wake_us: int | None, told: Callable[[str | None], None]) -> None:
        self.wakes.append(wake_us)
        told(self.refusal)


class Bench:
    """The power of a hive whose battery is measured once a minute, and a machine."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder, self.machine, self.inbox = folder, FakeMachine(), Inbox()
        self.book = Book(folder)
        self.book.start_without_account(NOON)
        settings = self.load(text)
        self.timetable, pulse = Timetable(settings.devices, UTC), Pulse()
        self.power = Power(
            settings, self.timetable, self.write, Looks(self.write), self.inbox, pulse,
            self.book.clock,
            lambda: Halt(
                self.timetable, self.write, self.inbox, pulse, self.book.clock, self.machine
            ),
        )
        self.timetable.advance(self.book.clock.stamp())

    def load(self, text: str) -> config.Settings:
        (self.folder / "beemon.toml").write_text(text)
        return config.load(self.folder / "beemon.toml")

    def write(self, change: Any, written: Any) -> None:
        with self.book.ledger.transaction():
            written(change(self.book.ledger))

    def take(self, *values: float | None, quality: str = "good") -> None:
        for value in values:
            self.book.clock.utc_us += MINUTE
            reason = "timeout" if value is None else None
            at = self.book.clock.stamp()
            reading = Reading("sensor.battery", "voltage", "V", value, reason, at)
            self.power.take([dataclasses.replace(reading, quality=quality)])
            while action := self.inbox.take(0):
                action()

    @property
    def said(self) -> list[str]:
        return [event.message for event in events.recent(self.book.ledger, 99, events.HALT)][::-1]

    @property
    def troubles(self) -> list[str]:
        return [str(trouble) for trouble in self.power.troubles]


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path, CONFIG + HALT)


def test_a_battery_that_stays_low_powers_the_machine_off_until_a_slot_that_is_kept(bench):
    bench.take(*[12.6] * 10, *[LOW] * 3)
    ready = NOON + 3 * HOUR + 15 * MINUTE - 2 * MINUTE
    assert bench.machine.wakes == [ready]
    assert bench.said == [
        f"powering the machine off, until {iso(ready)}, because sensor.battery voltage is 11.4 V"
    ]
    assert bench.troubles == []


def test_without_the_table_nothing_is_powered_off(tmp_path):
    bench = Bench(tmp_path, CONFIG)
    bench.take(*[LOW] * 100)
    assert (bench.machine.asked, bench.said) == (0, [])


def test_one_wild_value_does_nothing(bench):
    bench.take(*[12.6] * 10, LOW, 0.0, 12.6, LOW, LOW, 12.6)
    assert bench.machine.asked == 0


def test_values_that_were_not_measured_as_usual_do_not_count(bench):
    bench.take(*[12.6] * 10, LOW, None, LOW, None, None)
    bench.take(*[LOW] * 9, quality="inspection")
    assert bench.machine.asked == 0


def test_soon_after_a_start_or_a_reload_nothing_is_powered_off(bench):
    bench.take(*[LOW] * 10)
    assert bench.machine.asked == 0
    bench.power.change(bench.load(CONFIG + HALT))
    bench.take(*[LOW] * 10)
    assert bench.machine.asked == 0
    bench.take(LOW)
    assert bench.machine.asked == 1


def test_a_machine_that_may_not_be_powered_off_goes_on_and_is_asked_once_an_hour(bench):
    bench.machine.why_not = "systemd says: Access denied"
    bench.take(*[LOW] * 170)
    assert (bench.machine.asked, bench.machine.wakes) == (3, [])
    assert bench.said == ["the machine is not powered off: systemd says: Access denied"]
    assert "but the machine is not powered off: systemd says: Access denied" in bench.troubles[0]


def test_a_shutdown_that_something_forbids_is_tried_again(bench):
    bench.machine.refusal = "an upgrade is under way"
    bench.take(*[LOW] * 11)
    assert bench.said[1:] == ["the machine is not powered off: an upgrade is under way"]
    bench.machine.refusal = None
    bench.take(*[LOW] * 60)
    assert len(bench.machine.wakes) == 2


def test_a_battery_that_recovers_ends_the_problem(bench):
    bench.machine.why_not = "no"
    bench.take(*[LOW] * 11)
    assert len(bench.troubles) == 1
    bench.take(12.6)
    assert bench.troubles == []


def test_without_a_slot_to_come_the_machine_rests_until_its_owner_wakes_it(tmp_path):
    bench = Bench(tmp_path, CONFIG + HALT)
    bench.take(*[12.6] * 10)
    bench.timetable.switch({"sensor.battery", "microphone.m"}, on=False)
    bench.take(*[LOW] * 3)
    assert bench.machine.wakes == [None]
    assert "and no scheduled time follows" in bench.said[0]
