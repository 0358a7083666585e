"""Starts: why a run of the service began, by how the one before it ended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from beemon import __version__
from beemon.base.clock import Moment, Quality, Stamp
from beemon.ledger import events, recovered, rows, starts
from beemon.ledger.ledger import Ledger, LedgerReader
from beemon.ledger.session import ArchiveSession


class Machine:
    """A clock, and the boot that it counts in."""

    def __init__(self) -> None:
        self.boot, self.seconds = "boot-1", 1000.0

    def now(self) -> Moment:
        self.seconds += 1
        return Moment(1_780_000_000_000_000 + round(self.seconds * 1e6), self.seconds)

    def stamp(self) -> Stamp:
        return Stamp(*self.now(), Quality.SYNCHRONISED)

    def boot_id(self) -> str:
        return self.boot


class Service:
    """Runs of the service in one archive."""

    def __init__(self, archive: Path) -> None:
        self.archive, self.machine = archive, Machine()

    def run(self, how: str | None = starts.STOPPED, why: str | None = None,
            result: str | None = None) -> starts.Start:
        """One run, from its start to its end; the start."""
        register = ArchiveSession(self.archive, self.machine, result=lambda: result)
        with closing(register):
            register.open()
            if how:
                register.end_run(how, why)
            return register.starts[0]

    def told(self) -> list[str]:
        with closing(LedgerReader(self.archive)) as reader:
            return [event.message for event in events.recent(reader, 99, starts.KIND)]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_the_first_start_is_the_first(service):
    assert service.run().why == "first"
    assert service.told() == ["beemon was started for the first time with this archive"]


@pytest.mark.parametrize(("how", "same_boot", "result", "why"), [
    (starts.STOPPED, True, "success exited 0", "stop"),
    (starts.STOPPED, False, None, "reboot"),
    (starts.HUNG, True, "watchdog dumped ABRT", "watchdog"),
    (starts.HUNG, False, None, "watchdog"),
    (starts.FAILED, True, "exit-code exited 1", "failure"),
    (None, False, None, "power-cut"),
    (None, True, "watchdog dumped ABRT", "watchdog"),
    (None, True, "signal killed KILL", "crash"),
    (None, True, None, "crash"),
])
def test_why_a_start_was_is_told_by_the_end_before(service, how, same_boot, result, why):
    service.run(how)
    if not same_boot:
        service.machine.boot = "boot-2"
    start = service.run(result=result)
    assert start.why == why
    assert start.is_unplanned == (why not in ("stop", "reboot"))


@pytest.mark.parametrize("began", ["began", "NULL"])  # 0.1.0 did not enter why a run began
def test_a_start_as_another_version_says_so(service, began):
    service.run()
    with closing(sqlite3.connect(service.archive / "ledger.db")) as db, db:
        db.execute(f"UPDATE runs SET version = '0.1.0', began = {began}")
    start = service.run()
    assert (start.why, start.is_unplanned) == ("upgrade", False)
    assert service.told()[0] == (
        "beemon was started after another version had been installed: "
        f"{__version__} in the place of 0.1.0"
    )


def test_the_event_says_what_went_wrong(service):
    service.run(starts.FAILED, "the Orchestrator ended unexpectedly (exit status -9)")
    service.run()
    assert service.told()[0] == (
        "beemon was started after it had failed: the Orchestrator ended unexpectedly (exit status "
        "-9)"
    )


def test_what_was_said_first_of_an_end_stands(service):
    with closing(ArchiveSession(service.archive, service.machine, result=lambda: None)) as register:
        register.open()
        register.end_run(starts.HUNG, "the Orchestrator has not responded for 12 s")
        register.end_run(starts.FAILED, "the Orchestrator ended unexpectedly")
    assert service.run().why == "watchdog"


def test_a_run_that_was_not_the_services_is_no_start(service):
    service.run()
    with closing(ArchiveSession(service.archive, service.machine)) as register:
        register.open()  # an import
        assert len(register.starts) == 1
    assert service.run().why == "stop"


def test_a_crash_loop_does_not_fill_the_events_but_each_start_counts(service):
    for _ in range(50):
        service.run(None)
    assert len(service.told()) == 20
    with closing(LedgerReader(service.archive)) as reader:
        assert len(starts.recent(reader)) == 50


def test_the_service_tells_its_zone_and_how_far_it_believes_the_clock(service, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        service.run()
    with closing(LedgerReader(service.archive)) as reader:
        assert starts.zone_told(reader) == "Europe/Berlin"
        assert starts.clock_told(reader) is Quality.SYNCHRONISED


def test_a_change_of_the_clock_counts_for_the_run_that_saw_it(service):
    with closing(ArchiveSession(service.archive, service.machine, result=lambda: None)) as register:
        register.open()
        ledger = Ledger(service.archive, register.run_number, service.machine)
        with closing(ledger), ledger.transaction():
            events.enter(ledger, "clock", "the clock is unsure now", quality="unsure")
    with closing(LedgerReader(service.archive)) as reader:
        assert starts.clock_told(reader) is Quality.UNSURE
    service.run()
    with closing(LedgerReader(service.archive)) as reader:
        assert starts.clock_told(reader) is Quality.SYNCHRONISED


def test_a_ledger_without_a_start_tells_neither(tmp_path):
    with closing(ArchiveSession(tmp_path)) as register:
        register.open()
    with closing(LedgerReader(tmp_path)) as reader:
        assert starts.zone_told(reader) is starts.clock_told(reader) is None


def test_the_age_within_a_boot_is_by_the_monotonic_clock(service):
    start = service.run()
    now = Stamp(start.at.utc_us + 999_000_000, start.at.monotonic + 5, Quality.SYNCHRONISED)
    assert start.age(now, "boot-1") == 5
    assert start.age(now, "boot-2") == 999


def test_the_rules_for_rows_know_every_word():
    planned = (starts.FIRST, starts.STOP, starts.REBOOT, starts.UPGRADE)
    assert rows._WORDS["began"] == (*planned, *starts.UNPLANNED)
    assert rows._WORDS["ended"] == (starts.STOPPED, starts.HUNG, starts.FAILED, recovered.KIND)


@pytest.mark.parametrize("damage", [
    "ended = x'00ff'", "ended_why = x'00ff', ended = 'failed'", "began = 'nonsense'",
    "clock = 'dusk'", "boot_id = 7", "ended = 'nonsense'", "started_us = 'soon'",
])
def test_a_damaged_run_keeps_no_service_from_starting(service, damage):
    service.run()
    with closing(sqlite3.connect(service.archive / "ledger.db", isolation_level=None)) as db:
        db.execute(f"UPDATE runs SET {damage}")
    assert service.run().why in (starts.FIRST, starts.STOP, starts.REBOOT, *starts.UNPLANNED)
