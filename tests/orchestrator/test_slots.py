"""Slots: from the timetable through a real ledger to work, without ever waiting."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.base import clock, zone
from beemon.base.clock import Quality, Stamp
from beemon.config import settings as config
from beemon.ledger import events
from beemon.ledger.inspections import LONGEST_SECONDS
from beemon.ledger.looks import Looks
from beemon.ledger.session import ArchiveSession
from beemon.ledger.writer import LedgerWriter
from beemon.orchestrator.inbox import Inbox, Pulse
from beemon.orchestrator.inspection import Inspection, Inspections
from beemon.orchestrator.power import Power
from beemon.orchestrator.slots import SlotRunner
from beemon.orchestrator.timetable import Timetable
from beemon.orchestrator.unentered import Unentered
from tests.faults import failing_disk

SOON = 20.0  # seconds; only a defect takes that long
DEVICES = """
[sensor.a]
driver = "simulated"
schedule = { interval = "1m" }
[microphone.m]
driver = "simulated"
schedule = { interval = "1m", duration = "30s" }
"""


class Desk:
    """Slots with the inbox and the hands that the Orchestrator has for it."""

    def __init__(self, folder: Path) -> None:
        (folder / "beemon.toml").write_text(DEVICES)
        settings = config.load(folder / "beemon.toml")
        self.devices = settings.devices
        self.register = ArchiveSession(folder)
        self.register.open()
        self.inbox = Inbox()
        self.executed: list[tuple[str, int, str]] = []
        self.ended: list[tuple[str, str | None]] = []
        self.writer = LedgerWriter(
            folder, self.register.run_number, lambda _: None, retry_seconds=0.01
        )
        self.timetable = Timetable(self.devices, zone.local())
        self.inspections = Inspections(
            self.devices, Inspection(), self.timetable, self.writer.write,
            Looks(self.writer.write), self.inbox,
        )
        self.inspections.resume()
        self.power = Power(
            settings, self.timetable, self.writer.write, Looks(self.writer.write), self.inbox,
            Pulse(),
        )
        self.unentered = Unentered(self.inbox)
        self.slots = SlotRunner(
            self.timetable, self.inspections, self.power, self.writer.write, self.inbox,
            lambda command, job: self.executed.append((str(command), job, command.origin)),
            lambda job, command, ending: self.ended.append((str(command), ending.reason)),
            self.unentered,
        )
        self.began = clock.now()
        self.minute = -(-self.began.utc_us // 60_000_000) * 60_000_000

    def at(self, minutes: float) -> Stamp:
        """So many minutes after the next full minute, which is when slots are."""
        utc_us = round(self.minute + minutes * 60_000_000)
        monotonic = self.began.monotonic + (utc_us - self.began.utc_us) / 1e6
        return Stamp(utc_us, monotonic, Quality.SYNCHRONISED)

    def look(self, minutes: float) -> float:
        return self.slots.look(self.at(minutes))

    def read_mail(self) -> None:
        """Do the next thing that came in."""
        action = self.inbox.take(SOON)
        assert action is not None
        action()

    def close(self) -> None:
        assert self.writer.finish(SOON)
        self.register.close()


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.writer.start()
    desk.read_mail()  # whether an inspection is on
    yield desk
    desk.close()


def begin(desk: Desk) -> None:
    desk.look(-0.5)
    desk.read_mail()


def commands(desk: Desk) -> list[str]:
    return [command for command, _, _ in desk.executed]


def test_what_is_due_is_carried_out_once_the_ledger_has_it(desk):
    begin(desk)
    desk.look(0)
    assert desk.executed == []
    desk.read_mail()
    assert desk.executed == [
        ("record microphone.m 30", 1, "schedule"), ("read sensor.a", 2, "schedule"),
    ]
    assert desk.register.reader.job(1).command == "record microphone.m 30"


def test_it_looks_again_at_the_next_slot(desk):
    begin(desk)
    assert desk.look(-0.5 / 60) == pytest.approx(0.5, abs=0.01)
    assert desk.look(0) == pytest.approx(60)
    assert desk.look(0.05) == math.inf  # the ledger answers first
    desk.read_mail()
    assert desk.look(0.1) == pytest.approx(54)


def test_while_the_ledger_cannot_be_written_one_look_waits_and_no_more(desk):
    begin(desk)
    with failing_disk():
        for minute in range(50):
            desk.look(minute)
        time.sleep(0.05)
        assert desk.inbox.take(0) is None
    desk.read_mail()
    assert commands(desk) == ["record microphone.m 30", "read sensor.a"]
    desk.look(50)
    desk.read_mail()
    rows = desk.register.reader.completeness(0).devices
    assert {device: counts.reasons for device, counts in rows.items()} == {
        "microphone.m": {"skipped": {"late": 49}}, "sensor.a": {"skipped": {"late": 49}},
    }
    assert desk.register.reader.completeness(0).adds_up


def test_what_waited_too_long_for_the_ledger_is_not_run(desk):
    begin(desk)
    past = desk.at(0)
    desk.slots.look(Stamp(past.utc_us, clock.now().monotonic - 60, past.quality))
    desk.read_mail()
    assert desk.executed == []
    assert desk.ended == [("record microphone.m 30", "late"), ("read sensor.a", "late")]


def test_while_the_hive_is_open_recorders_rest(desk):
    begin(desk)
    desk.writer.write(desk.inspections.begin("", desk.at(-0.4)), lambda _: None)
    desk.look(0)
    assert commands(desk) == ["read sensor.a"]
    assert desk.timetable.held_back("microphone.m") == "inspection"
    desk.writer.write(desk.inspections.end("", desk.at(0.5)), lambda _: None)
    desk.look(1)
    desk.read_mail()
    assert commands(desk)[1:] == ["record microphone.m 30", "read sensor.a"]


def test_an_inspection_that_nobody_ends_is_over_by_itself(desk, tmp_path):
    desk.writer.write(desk.inspections.begin("", desk.at(0)), lambda _: None)
    desk.look(LONGEST_SECONDS / 60 + 0.001)  # for moments are floats, and round
    assert not desk.inspections.inspection.is_on
    assert desk.timetable.held_back("microphone.m") is None
    desk.read_mail()
    with desk.register._opened().transaction() as ledger:
        [end, begun] = events.recent(ledger, 9, "inspection")
    assert (begun.facts["state"], end.facts["by_itself"]) == ("begun", True)


def test_recorders_that_a_reload_brings_rest_too(desk):
    desk.writer.write(desk.inspections.begin("", desk.at(0)), lambda _: None)
    for devices in ({}, desk.devices):
        desk.timetable.change(devices, clock.stamp())
        desk.inspections.change(devices)
    assert desk.timetable.held_back("microphone.m") == "inspection"


def test_an_inspection_that_begins_before_the_ledger_is_read_stays_on(tmp_path):
    desk = Desk(tmp_path)
    desk.writer.write(desk.inspections.begin("early", clock.stamp()), lambda _: None)
    desk.writer.start()
    desk.read_mail()
    assert desk.inspections.inspection.is_on
    assert desk.timetable.held_back("microphone.m") == "inspection"
    desk.close()


def test_an_inspection_goes_on_in_the_next_run(tmp_path):
    desk = Desk(tmp_path)
    desk.writer.start()
    desk.read_mail()
    desk.writer.write(desk.inspections.begin("note", clock.stamp()), lambda _: None)
    desk.close()
    desk = Desk(tmp_path)
    assert desk.look(0) == math.inf  # nothing runs before it is known
    desk.writer.start()
    desk.read_mail()
    status = desk.inspections.inspection.status(clock.now().monotonic)
    assert status is not None
    assert status.note == "note"
    assert desk.timetable.held_back("microphone.m") == "inspection"
    desk.close()
