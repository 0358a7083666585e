"""The loop without a process: commands, slots and dying workers, by a clock that the test sets.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from beemon.base import zone
from beemon.base.clock import Moment, Quality, Stamp
from beemon.base.facts import to_json
from beemon.base.readings import Reading
from beemon.config import settings as config
from beemon.devices.ask import resolve_devices
from beemon.ledger import events, recovery
from beemon.ledger.ledger import Ledger
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.assembly import Surroundings, assemble
from beemon.orchestrator.conditions import LedgerWriting
from beemon.orchestrator.desk import TRY_SECONDS
from beemon.orchestrator.inbox import HEARTBEAT_SECONDS, RESTING_SECONDS, Action, Inbox
from beemon.orchestrator.job import QueuedCommand
from beemon.orchestrator.loop import STOP_SECONDS
from beemon.orchestrator.worker_handle import EXIT_SECONDS
from beemon.protocol.reports import DeviceChanged, Heartbeat, JobEnded, Planned, Report, Started
from beemon.retention.keeper import Room
from beemon.worker.messages import (
    Begun,
    Done,
    Downward,
    Failed,
    Finish,
    Opened,
    Ready,
    Upward,
    Work,
)
from beemon.worker.worker import SALVAGE

CONFIG = """
[archive]
path = "{archive}"
[sensor.a]
driver = "simulated"
[sensor.b]
driver = "simulated"
[microphone.m]
driver = "simulated"
"""
CAMERA = """
[camera.c]
driver = "v4l2"
device = "/dev/v4l/by-id/none"
{options}
[camera.c.schedule]
interval = "{interval}"
duration = "30s"
"""
EVERY_MINUTE = '[sensor.a.schedule]\ninterval = "1m"\n'
SLOW = """
[sensor.slow]
driver = "simulated"
timeout = "1m"
[sensor.slow.schedule]
interval = "2m"
"""


class SetClock:
    """Begins on a morning in May; only the test moves it."""

    def __init__(self) -> None:
        self._began, self._passed = Moment(1_778_400_000_000_000, 1000.0), 0.0

    def pass_time(self, seconds: float) -> None:
        self._passed += seconds

    def set_ahead(self, seconds: float) -> None:
        self._began = Moment(self._began.utc_us + round(seconds * 1e6), self._began.monotonic)

    def now(self) -> Moment:
        utc_us = self._began.utc_us + round(self._passed * 1e6)
        return Moment(utc_us, self._began.monotonic + self._passed)

    def stamp(self) -> Stamp:
        return Stamp(*self.now(), Quality.SYNCHRONISED)

    def boot_id(self) -> str:
        return "a-boot"


class TimedInbox(Inbox):
    """Lets time pass on the test's clock in place of waiting."""

    def __init__(self, clock: SetClock) -> None:
        super().__init__()
        self._clock = clock

    def take(self, seconds: float) -> Action | None:
        action = super().take(0.0)
        if action is None:
            self._clock.pass_time(max(0.001, seconds))
        return action


class FakeWorker:
    """Says by the inbox what a worker says. ``faults`` are the devices over which it dies, for
    which it never answers, or whose error it tells."""

    pid = limit = None

    def __init__(
        self,
        told: list[tuple[float, str]],
        faults: dict[str, str],
        clock: SetClock,
        mailbox: Callable[[Action], None],
        heard: Callable[[Upward], None],
        ended: Callable[[str], None],
    ) -> None:
        self.is_ready = self.is_resting = self.is_gone_now = False
        self.opened: set[str] = set()
        self.opening: str | None = None
        self._told, self._faults, self._clock = told, faults, clock
        self._mailbox, self._heard, self._ended = mailbox, heard, ended
        self._note("start")
        self._say(Ready())

    def send(self, message: Downward) -> None:
        if isinstance(message, Finish) and "hang" not in self._faults.values():
            self._end("")
        elif isinstance(message, Work):
            self._work(message)

    def rest(self) -> None:
        self.is_ready, self.is_resting = False, True
        self._end("")

    def let_go(self, how: object = None) -> None:
        self.is_gone_now = True

    def is_gone(self, now: float) -> bool:
        return self.is_gone_now and "stuck" not in self._faults

    def kill(self) -> None:
        self._end(" (SIGKILL)")

    def _note(self, what: str) -> None:
        self._told.append((self._clock.now().utc_us / 1e6, what))

    def _work(self, work: Work) -> None:
        self._note(work.verb)
        self._say(Begun(work.device, work.number))
        self._say(Opened(work.device))
        fault = None if work.verb == SALVAGE else self._faults.get(work.device)
        if fault == "die":
            if work.place:
                work.place.temporary.write_bytes(b"half a recording")
            self._end(" (SIGSEGV)")
        elif fault is None:
            at = self._clock.stamp()
            readings = [Reading(work.device, "temperature", "°C", 21.5, None, at)]
            self._say(Done(work.number, readings if work.verb == "read" else []))
        elif fault != "hang":
            self._say(Failed(work.number, *fault.split(": ")))

    def _say(self, message: Upward) -> None:
        self._mailbox(partial(self._hear, message))

    def _hear(self, message: Upward) -> None:
        if not self.is_gone_now:
            self.is_ready |= isinstance(message, Ready)
            self._heard(message)

    def _end(self, how: str) -> None:
        self._mailbox(partial(self._hear_end, how))

    def _hear_end(self, how: str) -> None:
        if not self.is_gone_now:
            self.is_gone_now = True
            self._note("end")
            self._ended(how)


class Bench:
    """A loop with fake workers, over a real ledger that is written at once."""

    def __init__(self, folder: Path, devices: str = "") -> None:
        self.folder = folder
        self.settings = self.load(CONFIG + devices)
        self.settings.archive_path.mkdir()
        self.ledger = Ledger(self.settings.archive_path)
        self.ledger.prepare()
        with self.ledger.transaction() as ledger:
            run_number = ledger.begin_run()
        self.clock = SetClock()
        self.faults: dict[str, str] = {}
        self.told: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self.reports: list[Report] = []
        self.inbox = TimedInbox(self.clock)
        self.resolved, problems = resolve_devices(self.settings.devices)
        assert problems == []
        around = Surroundings(
            clock=self.clock, inbox=self.inbox, write=self.write, writing=LedgerWriting(),
            report=self.reports.append, start_worker=self.start_worker, local=zone.Local(UTC),
        )
        self.loop = assemble(self.settings, self.resolved, run_number, around)

    def load(self, text: str) -> config.Settings:
        file = self.folder / "beemon.toml"
        file.write_text(text.format(archive=self.folder / "archive"))
        return config.load(file)

    def write(self, write: Write, written: Written) -> None:
        with self.ledger.transaction() as ledger:
            result = write(ledger)
        written(result)

    def start_worker(self, name: str, devices: object, *ways: Any) -> Any:
        return FakeWorker(self.told[name], self.faults, self.clock, *ways)

    def reported(self, kind: type) -> list[Any]:
        return [report for report in self.reports if isinstance(report, kind)]

    def command(self, text: str, settings: config.Settings | None = None) -> int:
        """Have the loop take a command that the Server has entered; return its job number."""
        with self.ledger.transaction() as ledger:
            number = ledger.accept(text, "127.0.0.1", self.clock.stamp())
        self.inbox.forward(self.loop.take)(
            QueuedCommand(text, number, "127.0.0.1", settings)
        )
        return number

    def outcome_of(self, job: int) -> dict[str, Any]:
        """Let the loop turn until the job has its outcome; return what is reported of it."""
        return self.turn_until(lambda: next(
            (
                to_json(report.facts) for report in self.reported(JobEnded)
                if report.facts.job == job
            ), None
        ))

    def do(self, text: str) -> dict[str, Any]:
        return self.outcome_of(self.command(text))

    def turn_until(self, found: Callable[[], Any]) -> Any:
        for _ in range(10_000):
            if result := found():
                return result
            self.loop.turn()
        raise AssertionError(f"10,000 turns brought nothing but {self.reports[-3:]}")

    def turn_for(self, seconds: float) -> int:
        """Return how many turns that took."""
        end, turns = self.clock.now().monotonic + seconds, 0
        while self.clock.now().monotonic < end:
            self.loop.turn()
            turns += 1
        return turns

    def accepted(self) -> list[tuple[str, float]]:
        """Each command, and the UTC second at which it was entered."""
        rows = self.ledger.db.execute("SELECT command, accepted_us FROM jobs").fetchall()
        return [(row["command"], row["accepted_us"] / 1e6) for row in rows]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.loop.start()
    yield bench
    bench.ledger.close()


@pytest.fixture
def resting(tmp_path: Path) -> Iterator[Bench]:
    """One whose devices have been tried, whose recorder is closed, and whose slots are off."""
    bench = Bench(tmp_path, EVERY_MINUTE)
    bench.loop.start()
    bench.do("stop sensor.a")
    bench.turn_for(90.0)
    yield bench
    bench.ledger.close()


@pytest.fixture
def scheduled(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, EVERY_MINUTE)
    bench.loop.start()
    yield bench
    bench.ledger.close()


def test_it_reports_that_it_runs_and_what_it_plans(bench: Bench) -> None:
    assert [type(report) for report in bench.reports] == [Heartbeat, Started, Planned]


def test_a_command_becomes_a_job_with_its_outcome(bench: Bench) -> None:
    facts = bench.do("read sensor.a")
    assert facts["outcome"] == "done"
    assert facts["readings"] == {"sensor.a temperature": 21.5}
    [row] = bench.ledger.db.execute("SELECT outcome FROM jobs").fetchall()
    assert row["outcome"] == "done"


def test_a_read_of_all_sensors_waits_for_each(bench: Bench) -> None:
    assert set(bench.do("read")["readings"]) == {"sensor.a temperature", "sensor.b temperature"}


def test_a_command_without_a_job_gets_one(bench: Bench) -> None:
    bench.inbox.forward(bench.loop.take)("read sensor.b")
    [ended] = bench.turn_until(lambda: bench.reported(JobEnded))
    assert (ended.facts.command, ended.facts.outcome) == ("read sensor.b", "done")


def test_what_is_no_command_is_refused(bench: Bench) -> None:
    assert bench.do("status")["reason"] == "refused"
    assert bench.do("dance")["reason"] == "refused"


def test_a_due_slot_runs_each_time(scheduled: Bench) -> None:
    scheduled.turn_for(150.0)
    ended = [to_json(report.facts) for report in scheduled.reported(JobEnded)]
    assert len(ended) in (2, 3)
    assert {(facts["command"], facts["outcome"]) for facts in ended} == {("read sensor.a", "done")}


def test_a_slow_read_of_a_slot_is_shown_and_can_be_cancelled(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SLOW)
    bench.faults["sensor.slow"] = "hang"
    bench.loop.start()
    beat = bench.turn_until(lambda: next(
        (beat for beat in bench.reported(Heartbeat) if beat.running), None
    ))
    assert beat.running == {1: "read sensor.slow"}
    assert bench.do("cancel 1")["cancelled"] == 1
    facts = bench.outcome_of(1)
    assert (facts["outcome"], facts["reason"]) == ("interrupted", "cancelled")
    [row] = bench.ledger.db.execute("SELECT slot_us, outcome FROM jobs WHERE job = 1")
    assert (row["slot_us"] % 60_000_000, row["outcome"]) == (0, "interrupted")
    bench.ledger.close()


def test_a_slot_that_is_switched_off_does_not_run(scheduled: Bench) -> None:
    assert scheduled.do("stop sensor.a")["scheduled"] == []
    scheduled.turn_for(150.0)
    assert len(scheduled.reported(JobEnded)) == 1
    assert scheduled.reported(Heartbeat)[-1].trouble("stopped")


def test_a_schedule_shows_why_it_is_held_back(scheduled: Bench) -> None:
    def held_back() -> str | None:
        scheduled.turn_for(HEARTBEAT_SECONDS)
        return scheduled.reported(Heartbeat)[-1].devices["sensor.a"].held_back

    assert held_back() is None
    disk = scheduled.loop.desk.disk
    scheduled.inbox.forward(disk.tell)(Room(paused=frozenset({"sensor.a"}), trouble="full"))
    assert held_back() == "low-disk"
    scheduled.do("stop sensor.a")
    assert held_back() == "paused"


def test_a_heartbeat_is_sent_each_second_while_anything_is_under_way(bench: Bench) -> None:
    bench.turn_for(10 * HEARTBEAT_SECONDS + TRY_SECONDS)
    times = [beat.monotonic for beat in bench.reported(Heartbeat)]
    assert times == sorted(times)
    bench.faults["microphone.m"] = "hang"
    bench.command("record microphone.m 60")
    bench.turn_for(HEARTBEAT_SECONDS)
    bench.reports.clear()
    bench.turn_for(10 * HEARTBEAT_SECONDS)
    assert 9 <= len(bench.reported(Heartbeat)) <= 11


def test_at_rest_it_turns_for_a_heartbeat_now_and_then(resting: Bench) -> None:
    resting.reports.clear()
    turns = resting.turn_for(10 * RESTING_SECONDS)
    assert 9 <= len(resting.reported(Heartbeat)) <= 11
    assert turns <= 11


def test_the_keeper_of_the_disk_rests_only_while_nothing_is_under_way(resting: Bench) -> None:
    keeper = resting.loop.desk.keeper
    assert keeper.is_resting
    resting.faults["microphone.m"] = "hang"
    resting.command("record microphone.m 60")
    resting.turn_for(HEARTBEAT_SECONDS)
    assert not keeper.is_resting


def test_at_rest_a_slot_begins_on_time(resting: Bench) -> None:
    resting.do("start sensor.a")
    resting.turn_for(120.0)
    began = [accepted for command, accepted in resting.accepted() if command == "read sensor.a"]
    assert len(began) == 2
    assert all(at % 60 < 0.01 for at in began)


def test_at_rest_a_clock_that_is_set_is_noticed_soon(resting: Bench) -> None:
    resting.clock.set_ahead(3600.0)
    resting.turn_for(RESTING_SECONDS)
    [event] = events.recent(resting.ledger, 9, "clock")
    assert event.facts["seconds"] == pytest.approx(3600, abs=1)


def test_what_ends_the_rest_and_what_begins_it_is_told_at_once(resting: Bench) -> None:
    resting.faults["sensor.a"] = "hang"
    resting.reports.clear()
    job = resting.command("read sensor.a")
    resting.turn_until(lambda: any(beat.running for beat in resting.reported(Heartbeat)))
    resting.outcome_of(job)
    ended = resting.clock.now().monotonic
    resting.turn_until(lambda: not resting.reported(Heartbeat)[-1].running)
    assert resting.clock.now().monotonic - ended < 0.1


def test_beside_other_work_the_end_of_a_job_is_told_at_once(bench: Bench) -> None:
    bench.faults["microphone.m"] = "hang"
    hanging = bench.command("record microphone.m 60")
    bench.do("read sensor.a")
    beat = bench.reported(Heartbeat)[-1]
    assert list(beat.running) == [hanging]
    assert beat.devices["sensor.a"].last_good_age_seconds == 0


def test_a_device_that_works_as_before_is_no_change(bench: Bench) -> None:
    bench.do("read sensor.a")
    bench.reports.clear()
    bench.do("read sensor.a")
    assert bench.reported(DeviceChanged) == []
    assert len(bench.reported(Heartbeat)) <= 3


def test_a_device_that_backs_off_ends_the_rest_and_one_that_was_given_up_does_not(
    resting: Bench,
) -> None:
    resting.faults["sensor.a"] = "die"
    resting.do("read sensor.a")
    resting.reports.clear()
    resting.turn_for(HEARTBEAT_SECONDS)
    assert len(resting.reported(Heartbeat)) >= 1
    for _ in range(4):
        resting.turn_for(30.0)
        resting.do("read sensor.a")
    assert resting.reported(Heartbeat)[-1].devices["sensor.a"].state == "given-up"
    resting.turn_for(HEARTBEAT_SECONDS)
    assert resting.turn_for(10 * RESTING_SECONDS) <= 11


def test_a_heartbeat_shows_each_device(bench: Bench) -> None:
    bench.do("read sensor.a")
    bench.turn_for(HEARTBEAT_SECONDS)
    devices = bench.reported(Heartbeat)[-1].devices
    assert set(devices) == {"sensor.a", "sensor.b", "microphone.m"}
    assert devices["sensor.a"].scheduled is False
    assert devices["sensor.a"].trouble is None


def test_a_worker_that_dies_gives_its_job_an_outcome(bench: Bench) -> None:
    bench.faults["microphone.m"] = "die"
    facts = bench.do("record microphone.m 5")
    assert (facts["outcome"], facts["reason"]) == ("failed", "worker-died")
    assert "SIGSEGV" in facts["message"]
    told = bench.reported(DeviceChanged)[-1]
    assert (told.device, told.trouble is None) == ("microphone.m", False)
    assert bench.do("read sensor.a")["outcome"] == "done"


def test_a_worker_that_hangs_gives_its_job_an_outcome(bench: Bench) -> None:
    bench.faults["sensor.a"] = "hang"
    facts = bench.do("read sensor.a")
    assert (facts["outcome"], facts["reason"]) == ("failed", "timeout")


def test_a_worker_that_the_kernel_does_not_let_exit_is_soon_looked_for_less_often(
    bench: Bench,
) -> None:
    bench.turn_for(2 * TRY_SECONDS)
    bench.faults |= {"sensor.a": "die", "stuck": ""}
    bench.do("read sensor.a")
    assert bench.turn_for(1.0) >= 20
    bench.turn_for(EXIT_SECONDS)
    assert bench.turn_for(10.0) <= 25


def test_a_device_that_fails_gives_its_job_an_outcome(bench: Bench) -> None:
    bench.faults["sensor.a"] = "device-error: no answer on the bus"
    facts = bench.do("read sensor.a")
    assert (facts["outcome"], facts["reason"]) == ("failed", "device-error")
    shown = bench.reported(Heartbeat)[-1].devices["sensor.a"]
    assert shown.trouble == "device-error: no answer on the bus"


def test_a_recording_that_finds_the_disk_full_has_the_keeper_look_at_once(bench: Bench) -> None:
    bench.faults["microphone.m"] = "disk-full: no space left on the device"
    assert bench.do("record microphone.m 5")["reason"] == "disk-full"
    assert bench.loop.desk.keeper._called.is_set()


def test_a_job_that_hangs_can_be_cancelled(bench: Bench) -> None:
    bench.faults["sensor.a"] = "hang"
    hanging = bench.command("read sensor.a")
    assert bench.do(f"cancel {hanging}")["cancelled"] == hanging
    assert bench.outcome_of(hanging)["reason"] == "cancelled"


def test_each_device_is_tried_a_while_after_the_start(bench: Bench) -> None:
    bench.turn_for(TRY_SECONDS + 3 * HEARTBEAT_SECONDS)
    devices = bench.reported(Heartbeat)[-1].devices
    assert all(device.last_good_age_seconds is not None for device in devices.values())


@pytest.fixture
def filming(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Begins a loop with a camera of half a minute's recordings, and has it go on for an hour."""
    with contextlib.ExitStack() as stack:
        def filming(interval: str = "5m", options: str = "", **faults: str) -> Bench:
            bench = Bench(tmp_path, CAMERA.format(interval=interval, options=options))
            stack.callback(bench.ledger.close)
            bench.faults.update(faults)
            bench.loop.start()
            bench.turn_for(3600.0)
            return bench

        yield filming


def done_by(bench: Bench, what: str) -> list[float]:
    """When the camera's worker did something, in seconds since the last slot."""
    return [at % 300.0 for at, word in bench.told["camera.c"] if word == what]


def test_between_slots_a_camera_rests_and_is_open_again_when_the_next_one_comes(
    filming: Callable[..., Bench],
) -> None:
    bench = filming()
    starts, films = done_by(bench, "start")[1:], done_by(bench, "record")
    assert len(starts) in (11, 12)
    assert all(300 - 15 < start < 300 for start in starts)
    assert len(films) in (11, 12)
    assert all(film < 1 for film in films)
    assert all(end < 5 for end in done_by(bench, "end")[1:])
    states = {beat.devices["camera.c"].state for beat in bench.reported(Heartbeat)[10:]}
    assert {"resting", "running"} <= states <= {"resting", "starting", "running"}
    assert {change.trouble for change in bench.reported(DeviceChanged)} == {None}
    assert not events.recent(bench.ledger, 9, "device-trouble")


@pytest.mark.parametrize(("interval", "options"), [("1m", ""), ("5m", 'pre_roll = "5s"')])
def test_a_camera_with_pre_roll_or_with_its_next_slot_soon_stays_open(
    filming: Callable[..., Bench], interval: str, options: str
) -> None:
    bench = filming(interval, options)
    words = [word for _, word in bench.told["camera.c"]]
    assert set(words) == {"start", "try", "record"}
    assert words.count("start") == 1


def test_a_camera_in_trouble_is_opened_for_its_slots_but_not_ahead_of_them(
    filming: Callable[..., Bench],
) -> None:
    bench = filming(**{"camera.c": "device-error: busy"})
    words = [word for _, word in bench.told["camera.c"]]
    assert words.count("record") > 3
    assert words.count("try") == 1


def test_a_camera_that_is_used_by_hand_stays_open_for_a_while(
    filming: Callable[..., Bench],
) -> None:
    bench = filming()
    bench.do("snapshot camera.c")
    began = len(bench.told["camera.c"])
    bench.turn_for(20.0)
    assert "end" not in [word for _, word in bench.told["camera.c"][began:]]


def test_an_inspection_marks_what_is_read(bench: Bench) -> None:
    assert bench.do("inspection begin")["inspection"] is True
    bench.do("read sensor.a")
    [row] = bench.ledger.db.execute("SELECT quality FROM readings").fetchall()
    assert row["quality"] == "inspection"
    assert bench.reported(Heartbeat)[-1].inspection is not None


def test_a_reload_puts_other_devices_in_force(bench: Bench) -> None:
    settings = bench.load(CONFIG.replace("sensor.b", "sensor.c"))
    job = bench.command("reload", settings)
    assert bench.outcome_of(job)["devices"] == ["microphone.m", "sensor.a", "sensor.c"]
    assert bench.do("read sensor.c")["outcome"] == "done"
    assert bench.do("read sensor.b")["reason"] == "refused"
    assert len(bench.reported(Planned)) == 2


def test_a_reload_with_a_mistake_changes_nothing(bench: Bench) -> None:
    settings = bench.load(CONFIG.replace("archive}", "archive}/elsewhere"))
    facts = bench.outcome_of(bench.command("reload", settings))
    assert (facts["outcome"], facts["reason"]) == ("failed", "bad-config")
    assert bench.do("reload")["reason"] == "bad-config"
    assert bench.do("read sensor.b")["outcome"] == "done"


def test_what_a_dead_worker_left_unfinished_is_repaired(bench: Bench) -> None:
    bench.faults["microphone.m"] = "die"
    assert bench.do("record microphone.m 5")["leftover"]
    bench.turn_until(lambda: not recovery.leftovers(bench.ledger))


def test_without_space_recordings_are_refused_and_status_says_so(bench: Bench) -> None:
    disk = bench.loop.desk.disk
    for _ in range(2):
        bench.inbox.forward(disk.tell)(Room(paused=frozenset({"microphone.m"}), trouble="full"))
    facts = bench.do("record microphone.m 5")
    assert (facts["outcome"], facts["reason"]) == ("failed", "low-disk")
    beat = bench.reported(Heartbeat)[-1]
    assert beat.devices["microphone.m"].held_back == "low-disk"
    assert beat.trouble("disk")
    assert len(events.recent(bench.ledger, 9, "low-disk")) == 1


def test_after_a_stop_nothing_begins_and_it_is_over(bench: Bench) -> None:
    bench.inbox.forward(bench.loop.take)("read sensor.a")
    bench.turn_until(lambda: bench.reported(JobEnded))
    began = bench.clock.now().monotonic
    bench.inbox.forward(bench.loop.take)(None)
    late = bench.command("read sensor.b")
    facts = bench.outcome_of(late)
    assert (facts["outcome"], facts["reason"]) == ("interrupted", "stopping")
    bench.turn_until(lambda: bench.loop.is_over)
    assert bench.clock.now().monotonic - began < STOP_SECONDS


def test_what_hangs_at_a_stop_is_killed_when_its_time_is_up(bench: Bench) -> None:
    bench.faults["sensor.a"] = "hang"
    job = bench.command("read sensor.a")
    bench.turn_for(HEARTBEAT_SECONDS)
    began = bench.clock.now().monotonic
    bench.inbox.forward(bench.loop.take)(None)
    assert bench.outcome_of(job)["reason"] == "stopping"
    bench.turn_until(lambda: bench.loop.is_over)
    assert bench.clock.now().monotonic - began <= STOP_SECONDS + 2.0
