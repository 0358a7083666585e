"""A Supervisor with real workers, in a time that the test tells."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beemon.base.status import DeviceState
from beemon.config import settings as config
from beemon.devices.ask import resolve_devices
from beemon.orchestrator.health import (
    BUDGET,
    GIVEN_UP_SECONDS,
    PATIENCE,
    REBIND_STRIKES,
    Health,
)
from beemon.orchestrator.output_states import RETURN_SECONDS
from beemon.orchestrator.supervisor import MOST_TRIES, Supervisor
from beemon.orchestrator.supplies import Supplies
from beemon.orchestrator.task import Task
from beemon.orchestrator.troubles import Troubles
from beemon.orchestrator.worker_handle import STEADY_SECONDS
from beemon.orchestrator.worker_process import START_SECONDS
from beemon.storage.files import Place
from beemon.worker.messages import Answer, Done, Failed, Lost
from tests.hive import PATIENCE_SECONDS, until
from tests.plugins import install

pytestmark = pytest.mark.process


class Office:
    """An employer that notes what it is told, and turns its mailbox when asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: list[tuple[Task, Answer]] = []
        self.changes: list[tuple[str, DeviceState]] = []
        self.switched: list[bool] = []
        self.mailbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    @property
    def supplies(self) -> Supplies:
        return Supplies(self.find_place, lambda _: {})

    def find_place(self, task: Task, placed: Callable[[Place | Failed], None]) -> None:
        placed(Place(self.folder / f".{task.job}.part", self.folder / f"{task.job}.flac"))

    def finished(self, task: Task, answer: Answer) -> None:
        self.answers.append((task, answer))

    def device_changed(self, device: str, health: Health) -> None:
        self.changes.append((device, health.state))

    def note_replaced(self) -> None:
        raise AssertionError("nobody installs anything here")

    def output_switched(self, device: str, *, on: bool, seconds: float | None) -> None:
        self.switched.append(on)

    def next_answer(self, supervisor: Supervisor) -> tuple[Task, Answer]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.answers:
            assert time.monotonic() < deadline
            self.turn(supervisor)
        return self.answers.pop(0)

    def turn(self, supervisor: Supervisor, now: float | None = None) -> None:
        supervisor.tick(time.monotonic() if now is None else now)
        try:
            self.mailbox.get(timeout=0.05)()
        except queue.Empty:
            return


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def hire(office: Office, tmp_path: Path) -> Iterator[Callable[[str], Supervisor]]:
    hired: list[Supervisor] = []

    def hire(devices: str) -> Supervisor:
        path = tmp_path / "beemon.toml"
        path.write_text(devices)
        resolved, _ = resolve_devices(config.load(path).devices)
        supervisor = Supervisor("group", resolved, office, office.mailbox.put, office.supplies)
        hired.append(supervisor)
        return supervisor

    yield hire
    for supervisor in hired:
        supervisor.kill(time.monotonic())


def read(device: str, job: int = 1, budget: float = 5.0) -> Task:
    return Task(job, device, "read", "group", budget)


def record(job: int, seconds: float) -> Task:
    return Task(job, "microphone.m", "record", "record", seconds + 5, seconds)


def pid_of(supervisor: Supervisor) -> int | None:
    return supervisor._worker.process.pid if supervisor._worker.process else None


def opened_by(supervisor: Supervisor) -> set[str]:
    return supervisor._worker.opened


DYING = '[sensor.dying]\ndriver = "simulated"\nfault = "die"\n'
HANGING = '[sensor.hanging]\ndriver = "simulated"\nfault = "hang"\n'
LOST = '[sensor.lost]\ndriver = "simulated"\nfault = "lost"\n'
FAILING = '[sensor.failing]\ndriver = "simulated"\nfault = "error"\nfault_after = 1\n'
GOOD = '[sensor.good]\ndriver = "simulated"\n'
LIGHT = '[output.light]\ndriver = "simulated"\n'
MICROPHONE = '[microphone.m]\ndriver = "simulated"\nspeed = 20\n'

Hire = Callable[[str], Supervisor]


def test_the_worker_starts_at_first_use(office: Office, hire: Hire) -> None:
    supervisor = hire(GOOD)
    office.turn(supervisor)
    assert pid_of(supervisor) is None
    supervisor.submit(read("sensor.good"), time.monotonic())
    assert pid_of(supervisor) is not None
    assert supervisor.health["sensor.good"].state is DeviceState.STARTING
    assert isinstance(office.next_answer(supervisor)[1], Done)
    assert supervisor.health["sensor.good"].state is DeviceState.RUNNING


def test_slots_go_before_what_clients_asked_for_and_in_their_own_order(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(MICROPHONE)
    for job, is_slot in [(1, False), (2, False), (3, True), (4, False), (5, True)]:
        task = record(job, 0.2)
        task.is_slot = is_slot
        assert not supervisor.has_slot_waiting("record", "microphone.m") or job > 3
        supervisor.submit(task, time.monotonic())
    assert supervisor.has_slot_waiting("record", "microphone.m")
    assert [office.next_answer(supervisor)[0].job for _ in range(5)] == [1, 3, 5, 2, 4]


def test_past_its_deadline_a_task_fails_and_the_waiting_ones_go_on(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(HANGING + GOOD)
    now = time.monotonic()
    supervisor.submit(read("sensor.hanging", 1, budget=0.2), now)
    supervisor.submit(read("sensor.good", 2), now)
    first, second = office.next_answer(supervisor), office.next_answer(supervisor)
    assert (first[0].job, second[0].job) == (1, 2)
    assert isinstance(first[1], Failed)
    assert first[1].reason == "timeout"
    assert isinstance(second[1], Done)


def test_a_device_is_fatal_after_its_budget_and_tried_again_much_later(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(DYING)
    health = supervisor.health["sensor.dying"]
    for strike in range(1, BUDGET + 1):
        now = max(health.retry_at, time.monotonic())
        supervisor.submit(read("sensor.dying", strike), now)
        _, answer = office.next_answer(supervisor)
        assert isinstance(answer, Failed)
        assert (answer.reason, health.strikes) == ("worker-died", strike)
        until(lambda: office.turn(supervisor) or not supervisor.alive)
    assert health.state is DeviceState.GIVEN_UP
    later = time.monotonic() + GIVEN_UP_SECONDS
    supervisor.submit(read("sensor.dying", 6), later - 60)
    assert office.answers.pop()[1].reason == "fatal"  # type: ignore[union-attr]
    supervisor.submit(read("sensor.dying", 7), later + 60)
    assert office.next_answer(supervisor)[1].reason == "worker-died"  # type: ignore[union-attr]


def test_over_a_lost_device_the_worker_ends_and_the_next_one_waits_until_it_is_gone(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(GOOD + LOST)
    supervisor.submit(read("sensor.good"), time.monotonic())
    office.next_answer(supervisor)
    before = pid_of(supervisor)
    for job, device in ((2, "sensor.lost"), (3, "sensor.good")):
        supervisor.submit(read(device, job), time.monotonic())
    _, lost = office.next_answer(supervisor)
    assert isinstance(lost, Failed)
    assert (lost.reason, supervisor.health["sensor.lost"].strikes) == ("stalled", 1)
    assert isinstance(office.next_answer(supervisor)[1], Done)
    assert pid_of(supervisor) != before
    assert not supervisor._worker.leaving


def test_what_recovered_a_device_is_counted(office: Office, hire: Hire) -> None:
    supervisor = hire(GOOD + FAILING + LOST)
    for job, device in enumerate(("failing", "failing", "failing", "lost", "good"), start=1):
        supervisor.submit(read(f"sensor.{device}", job), time.monotonic())
        office.next_answer(supervisor)
    assert {name: health.recovery for name, health in supervisor.health.items()} == {
        "sensor.failing": {"errors": 1, "reopened": 1},
        "sensor.lost": {"restarts": 1},
        "sensor.good": {},
    }


def test_a_waiting_recording_follows_the_one_before_it(office: Office, hire: Hire) -> None:
    supervisor = hire(MICROPHONE)
    for job in (1, 2):
        supervisor.submit(record(job, 5), time.monotonic())
    answers = [office.next_answer(supervisor)[1] for _ in range(2)]
    first, second = (a.recording for a in answers if isinstance(a, Done))
    assert second.first_sample == first.first_sample + first.samples


def test_what_is_cut_while_it_waits_is_answered_at_once(office: Office, hire: Hire) -> None:
    supervisor = hire(MICROPHONE)
    for job in (1, 2):
        supervisor.submit(record(job, 60), time.monotonic())
    supervisor.cut(2, "cancelled")
    task, answer = office.answers.pop()
    assert isinstance(answer, Failed)
    assert (task.job, answer.reason) == (2, "cancelled")


def test_a_resting_worker_is_replaced_when_there_is_work(office: Office, hire: Hire) -> None:
    supervisor = hire(GOOD)
    supervisor.submit(read("sensor.good"), time.monotonic())
    office.next_answer(supervisor)
    before = pid_of(supervisor)
    supervisor.rest()
    supervisor.submit(read("sensor.good", 2), time.monotonic())
    assert isinstance(office.next_answer(supervisor)[1], Done)
    assert pid_of(supervisor) not in (None, before)


def test_finish_lets_the_worker_go_and_leaves_nothing_behind(office: Office, hire: Hire) -> None:
    supervisor = hire(MICROPHONE)
    supervisor.submit(record(1, 600), time.monotonic())
    while supervisor.health["microphone.m"].state is DeviceState.STARTING and not office.answers:
        office.turn(supervisor)
        if opened_by(supervisor):
            break
    supervisor.finish("stopping")
    task, _ = office.next_answer(supervisor)
    assert task.cut == "stopping"
    until(lambda: office.turn(supervisor) or not supervisor.alive)


def opened(office: Office, supervisor: Supervisor) -> None:
    until(lambda: office.turn(supervisor) or opened_by(supervisor))


def has_nothing_to_do(pid: int) -> bool:
    """Whether each thread of a process sleeps for a while, rather than waits for the processor."""
    for _ in range(20):
        tasks = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/stat")]
        if any(task.rpartition(") ")[2][0] != "S" for task in tasks):
            return False
        time.sleep(0.01)
    return True


def test_a_recording_that_does_not_end_when_cut_is_not_waited_for_to_its_full_length(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(MICROPHONE.replace("20", "1000") + 'fault = "hang"\n')
    supervisor.submit(Task(1, "microphone.m", "record", "record", 60.3, 60.0), time.monotonic())
    opened(office, supervisor)
    until(lambda: (office.folder / ".1.part").exists() and has_nothing_to_do(pid_of(supervisor)))
    supervisor.cut(1, "cancelled")
    task, answer = office.next_answer(supervisor)
    assert isinstance(answer, Failed)
    assert (task.cut, answer.reason) == ("cancelled", "timeout")


def test_what_is_cut_before_there_was_any_sound_leaves_the_stream_open(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(MICROPHONE.replace("20", "0.1"))
    for job in (1, 2):
        supervisor.submit(record(job, 1), time.monotonic())
        opened(office, supervisor)
        supervisor.cut(job, "cancelled")
        _, answer = office.next_answer(supervisor)
        assert answer == Failed(job, "cancelled", "nothing was recorded yet")
    assert office.changes.count(("microphone.m", DeviceState.RUNNING)) == 1


def test_a_worker_that_does_not_listen_is_not_told_again_and_again(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(MICROPHONE)
    supervisor.submit(record(1, 600), time.monotonic())
    opened(office, supervisor)
    pid = pid_of(supervisor)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    for _ in range(5000):  # as many messages would fill its pipe, and block the loop for good
        supervisor.cut(1, "cancelled")
    os.kill(pid, signal.SIGCONT)
    assert office.next_answer(supervisor)[0].cut == "cancelled"


def test_what_the_worker_has_not_been_told_of_is_cut_at_once(office: Office, hire: Hire) -> None:
    supervisor = hire(MICROPHONE)
    supervisor.submit(record(1, 600), time.monotonic())
    supervisor.cut(1, "cancelled")
    _, answer = office.answers.pop()
    assert answer == Failed(1, "cancelled", "not begun")
    supervisor.submit(record(2, 1), time.monotonic())
    assert isinstance(office.next_answer(supervisor)[1], Done)


def test_a_worker_that_is_let_go_while_it_starts_is_no_trouble(office: Office, hire: Hire) -> None:
    supervisor = hire(MICROPHONE)
    supervisor.submit(record(1, 600), time.monotonic())
    supervisor.finish("reloaded")
    assert office.answers.pop()[1] == Failed(1, "reloaded", "not begun")
    until(lambda: office.turn(supervisor) or not supervisor.alive)
    assert supervisor.health["microphone.m"].trouble is None
    assert not office.answers


def test_an_idle_worker_that_does_not_end_is_killed(office: Office, hire: Hire) -> None:
    supervisor = hire(GOOD)
    supervisor.submit(read("sensor.good"), time.monotonic())
    office.next_answer(supervisor)
    pid = pid_of(supervisor)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    supervisor.finish("reloaded")
    office.turn(supervisor)
    assert pid_of(supervisor) == pid
    office.turn(supervisor, time.monotonic() + START_SECONDS + 1)
    until(lambda: office.turn(supervisor) or not supervisor.alive)


def test_one_death_is_one_strike_however_much_the_device_had_to_do(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(DYING)
    for job, lane in enumerate(("record", "snapshot"), start=1):
        supervisor.submit(Task(job, "sensor.dying", "read", lane, 5.0), time.monotonic())
    for _ in range(2):
        assert isinstance(office.next_answer(supervisor)[1], Failed)
    assert supervisor.health["sensor.dying"].strikes == 1


def test_a_worker_does_not_start_while_an_earlier_one_may_hold_the_devices(
    office: Office, hire: Hire
) -> None:
    first, second, third = (hire(GOOD) for _ in range(3))
    second._after, third._after = [first], [second]
    first.submit(read("sensor.good"), time.monotonic())
    office.next_answer(first)
    pid = pid_of(first)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    for before in (first, second):
        before.finish("reloaded")
    third.submit(read("sensor.good", 3), time.monotonic())
    office.turn(third)
    assert pid_of(third) is None
    os.kill(pid, signal.SIGCONT)
    assert office.next_answer(third)[0].job == 3


def output_of(supervisor: Supervisor, device: str) -> str | None:
    now = time.monotonic()
    return supervisor.outputs.complete(supervisor.health[device].status(now), device, now).output


def light(verb: str, seconds: float = 0.0) -> Task:
    return Task(1, "output.light", verb, "switch", 5.0, seconds)


def test_a_worker_with_outputs_starts_by_itself_and_makes_them_safe(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(LIGHT)
    until(lambda: office.turn(supervisor) or office.switched)
    assert office.switched == [False]
    assert output_of(supervisor, "output.light") == "off"
    assert not office.answers


def test_after_its_death_the_next_one_comes_when_the_back_off_is_over(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(LIGHT)
    opened(office, supervisor)
    pid, health = pid_of(supervisor), supervisor.health["output.light"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: office.turn(supervisor, 0.0) or health.state is DeviceState.BACKING_OFF)
    office.turn(supervisor, health.retry_at - 0.1)
    assert pid_of(supervisor) is None
    office.turn(supervisor, health.retry_at + 0.1)
    assert pid_of(supervisor) not in (None, pid)


def test_a_worker_that_lives_long_enough_makes_up_for_deaths_before(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(LIGHT)
    opened(office, supervisor)
    supervisor.health["output.light"].strikes = BUDGET - 1
    office.turn(supervisor)
    assert supervisor.health["output.light"].strikes == BUDGET - 1
    until(lambda: office.turn(supervisor) or supervisor._worker.is_ready)
    office.turn(supervisor, time.monotonic() + STEADY_SECONDS + 1)
    assert supervisor.health["output.light"].strikes == 0


def test_an_output_that_does_not_return_ends_its_worker(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(LIGHT)
    supervisor.submit(light("on", 60.0), time.monotonic())
    office.next_answer(supervisor)
    pid = pid_of(supervisor)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    office.turn(supervisor, time.monotonic() + 60)
    assert pid_of(supervisor) == pid
    office.turn(supervisor, time.monotonic() + 60 + RETURN_SECONDS + 1)
    assert pid_of(supervisor) is None
    assert "did not return" in str(supervisor.health["output.light"].trouble)


def test_at_the_end_outputs_are_made_safe_though_no_worker_was_there(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(LIGHT)
    supervisor.finish("stopping")
    until(lambda: office.turn(supervisor) or not supervisor.alive)
    assert office.switched
    assert not any(office.switched)


def test_an_output_is_no_recording_when_it_is_cut(office: Office, hire: Hire) -> None:
    supervisor = hire(LIGHT)
    supervisor.submit(light("on", 60.0), time.monotonic())
    until(lambda: office.turn(supervisor) or supervisor._worker.is_ready)
    supervisor.cut(1, "cancelled")
    assert isinstance(office.next_answer(supervisor)[1], Done)


def test_an_output_that_hangs_is_made_safe_by_the_next_worker(office: Office, hire: Hire) -> None:
    supervisor = hire(LIGHT + 'fault = "hang"\n')
    task = light("on")
    task.budget = 0.3
    supervisor.submit(task, time.monotonic())
    _, answer = office.next_answer(supervisor)
    assert isinstance(answer, Failed)
    assert answer.reason == "timeout"
    office.switched.clear()
    until(lambda: office.turn(supervisor) or office.switched, 20)
    assert office.switched == [False]


def test_an_output_that_fails_is_made_safe_again(office: Office, hire: Hire) -> None:
    supervisor = hire(LIGHT + 'fault = "error"\nfault_after = 1\n')
    for verb in ("on", "off"):
        supervisor.submit(light(verb), time.monotonic())
    answers = [office.next_answer(supervisor)[1] for _ in range(2)]
    assert [isinstance(answer, Done) for answer in answers] == [True, False]
    office.switched.clear()
    until(lambda: office.turn(supervisor) or office.switched)
    assert office.switched[0] is False


# Several devices in one worker


def once(folder: Path, name: str) -> str:
    """A sensor that hangs in its first request, whichever worker that reaches."""
    return (
        f'[sensor.{name}]\ndriver = "simulated"\nfault = "hang"\nfault_for = 1\n'
        f'fault_file = "{folder}/{name}"\n'
    )


def both_hang(folder: Path) -> bool:
    """Whether the sensors a and b were both reached."""
    return all((folder / name).exists() for name in "ab")


def at_once(supervisor: Supervisor, *tasks: Task) -> None:
    """Submit them in lanes of their own, so that the worker does them at the same time."""
    for task in tasks:
        task.lane = task.device
        supervisor.submit(task, time.monotonic())


def answers(office: Office, supervisor: Supervisor, count: int) -> dict[str, Answer]:
    found = [office.next_answer(supervisor) for _ in range(count)]
    return {task.device: answer for task, answer in found}


def test_what_others_did_when_one_hung_is_done_again_by_the_next_worker(
    office: Office, hire: Hire, tmp_path: Path
) -> None:
    supervisor = hire(HANGING + once(tmp_path, "once"))
    at_once(supervisor, read("sensor.once", budget=60.0), read("sensor.hanging", budget=0.3))
    said = answers(office, supervisor, 2)
    assert isinstance(said["sensor.once"], Done)
    assert said["sensor.hanging"].reason == "timeout"  # type: ignore[union-attr]
    assert supervisor.health["sensor.once"].recovery == {}


def test_where_several_may_have_killed_the_worker_each_is_tried_alone(
    office: Office, hire: Hire, tmp_path: Path
) -> None:
    supervisor = hire(once(tmp_path, "a") + once(tmp_path, "b") + DYING)
    hung = [read("sensor.a", budget=60.0), read("sensor.b", budget=60.0)]
    at_once(supervisor, *hung)
    until(lambda: office.turn(supervisor) or both_hang(tmp_path))
    at_once(supervisor, read("sensor.dying"))
    said = answers(office, supervisor, 3)
    assert isinstance(said["sensor.a"], Done)
    assert isinstance(said["sensor.b"], Done)
    assert said["sensor.dying"].reason == "worker-died"  # type: ignore[union-attr]
    assert {name: h.recovery for name, h in supervisor.health.items()} == {
        "sensor.a": {}, "sensor.b": {}, "sensor.dying": {"restarts": 1},
    }


def test_a_worker_that_is_killed_from_outside_is_nobody_s_fault(
    office: Office, hire: Hire, tmp_path: Path
) -> None:
    supervisor = hire(once(tmp_path, "a") + once(tmp_path, "b"))
    hung = [read("sensor.a", budget=60.0), read("sensor.b", budget=60.0)]
    at_once(supervisor, *hung)
    until(lambda: office.turn(supervisor) or both_hang(tmp_path))
    pid = pid_of(supervisor)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert all(isinstance(a, Done) for a in answers(office, supervisor, 2).values())


def test_a_task_is_not_done_again_for_ever(office: Office, hire: Hire) -> None:
    supervisor = hire(HANGING.replace("hanging", "a") + HANGING.replace("hanging", "b"))
    at_once(supervisor, read("sensor.a", budget=60.0))
    said: dict[str, Answer] = {}
    for tries in range(1, MOST_TRIES + 1):
        supervisor.health["sensor.b"].retry_at = 0.0
        at_once(supervisor, read("sensor.b", budget=0.3))
        said = answers(office, supervisor, 1 + (tries == MOST_TRIES))
        assert ("sensor.a" in said) == (tries == MOST_TRIES)
    assert said["sensor.a"].reason == "worker-died"  # type: ignore[union-attr]
    assert "sensor.b" in said["sensor.a"].message  # type: ignore[union-attr]
    assert supervisor.health["sensor.a"].strikes == 0


OPENS_FOR_EVER = """
import threading
from beemon.devices._base import Measurement, Sensor, SensorSettings as Settings

class Driver(Sensor):
    def open(self):
        threading.Event().wait()
    def read(self):
        return []
"""


def test_one_that_hangs_as_it_is_opened_is_to_blame_and_not_who_waits_for_that(
    office: Office, hire: Hire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    install(site, "[beemon.sensors]\nopens = hive_opens\n", hive_opens=OPENS_FOR_EVER)
    supervisor = hire('[sensor.shut]\ndriver = "opens"\n' + GOOD)
    shut, waits = read("sensor.shut", budget=5.0), read("sensor.good", budget=1.0)
    at_once(supervisor, shut, waits)
    until(lambda: office.turn(supervisor) or shut.has_begun)
    assert waits.deadline is not None
    supervisor.tick(waits.deadline)
    said = answers(office, supervisor, 2)
    assert said["sensor.shut"].reason == "timeout"  # type: ignore[union-attr]
    assert isinstance(said["sensor.good"], Done)


INFORMS = """
from dataclasses import replace

from beemon.devices.microphones import simulated
Settings = simulated.Settings

class Driver(simulated.Driver):
    def record(self, path, seconds, cancelled, *, follows):
        facts = super().record(path, seconds, cancelled, follows=follows)
        return replace(facts, informed="gives 44100 Hz") if seconds > 1 else facts
"""


def test_what_a_good_recording_differs_in_is_noted_until_one_does_not(
    office: Office, hire: Hire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    install(site, "[beemon.microphones]\ninforms = hive_informs\n", hive_informs=INFORMS)
    supervisor = hire('[microphone.m]\ndriver = "informs"\nspeed = 20\n')
    health, notes = supervisor.health["microphone.m"], []
    for job, seconds in enumerate((2, 1)):
        supervisor.submit(record(job, seconds), time.monotonic())
        assert isinstance(office.next_answer(supervisor)[1], Done)
        notes.append((health.note, health.trouble))
    assert notes == [("gives 44100 Hz", None), (None, None)]


def test_a_device_that_is_lost_while_nothing_is_asked_of_it_is_told_of(
    office: Office, hire: Hire
) -> None:
    supervisor = hire(GOOD + LIGHT)
    opened(office, supervisor)
    supervisor._worker._on_message(Lost("output.light", "stalled", "it did not return"))
    assert supervisor.health["output.light"].trouble == "stalled: it did not return"
    assert supervisor.health["sensor.good"].trouble is None


def test_a_defect_of_a_driver_is_told_with_its_traceback_once(
    office: Office, hire: Hire, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = hire(GOOD)
    lost = Lost("sensor.good", "driver-error", "TypeError: 5", "Traceback …")
    for _ in range(2):
        supervisor._worker._on_message(lost)
    assert caplog.text.count("Traceback …") == 1


# A device whose hardware has to be found anew

DIES_UNTIL_FOUND_ANEW = """
import os
from pathlib import Path
from beemon.devices._base import DeviceError, Measurement, Sensor, SensorSettings as Settings

MARK = Path({mark!r})

class Driver(Sensor):
    def bind_anew(self):
        if not MARK.parent.exists():
            raise DeviceError("it may not")
        MARK.touch()
        return "1-1.2"
    def open(self):
        if not MARK.exists():
            os._exit(1)
    def read(self):
        return [Measurement("weight", 1.0, "kg")]
"""


@pytest.fixture
def dying_until_found(hire: Hire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    source = DIES_UNTIL_FOUND_ANEW.format(mark=str(tmp_path / "bus/mark"))
    install(site, "[beemon.sensors]\ndies = hive_dies\n", hive_dies=source)
    return hire('[sensor.dies]\ndriver = "dies"\n')


def read_until_fatal(office: Office, supervisor: Supervisor) -> list[Answer]:
    health, said = supervisor.health["sensor.dies"], []
    for job in range(BUDGET):
        supervisor.submit(read("sensor.dies", job), time.monotonic())
        said.append(office.next_answer(supervisor)[1])
        health.retry_at = 0.0
        if isinstance(said[-1], Done):
            break
        until(lambda: office.turn(supervisor) or not supervisor.alive)
    return said


def test_after_three_workers_a_device_is_bound_anew(
    office: Office, dying_until_found: Supervisor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bus").mkdir()
    *failed, last = read_until_fatal(office, dying_until_found)
    assert [answer.reason for answer in failed] == ["worker-died"] * REBIND_STRIKES  # type: ignore[union-attr]
    assert isinstance(last, Done)
    health = dying_until_found.health["sensor.dies"]
    assert health.recovery == {"restarts": REBIND_STRIKES, "rebound": 1}
    assert "sensor.dies: its USB device 1-1.2 was rebound" in caplog.text


def test_one_that_cannot_be_bound_anew_says_so_once_and_goes_on_to_fatal(
    office: Office, dying_until_found: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    read_until_fatal(office, dying_until_found)
    health = dying_until_found.health["sensor.dies"]
    assert health.state is DeviceState.GIVEN_UP
    assert health.rebind_trouble == "it may not"
    assert "rebound" not in health.recovery
    assert caplog.text.count("could not be rebound: it may not") == 1


@pytest.mark.parametrize("fault", ["error", "dead"])
def test_a_recorder_that_fails_again_and_again_gets_a_new_worker(
    office: Office, hire: Hire, fault: str
) -> None:
    supervisor = hire(f'{MICROPHONE}fault = "{fault}"\n')
    for job in range(PATIENCE):
        supervisor.submit(record(job, 1.0), time.monotonic())
        office.next_answer(supervisor)
    health = supervisor.health["microphone.m"]
    assert health.recovery["restarts"] == 1
    assert health.state is DeviceState.BACKING_OFF


# A device that stays dead


def test_of_a_device_that_is_dead_for_a_day_the_journal_has_a_few_lines(
    office: Office, hire: Hire, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    supervisor, troubles = hire(HANGING), Troubles()
    health, now = supervisor.health["sensor.hanging"], 0.0
    for job in range(BUDGET + 5):  # the later ones are all alike
        supervisor.submit(read("sensor.hanging", job, budget=0.1), max(now, time.monotonic()))
        office.next_answer(supervisor)
        troubles.tell("sensor.hanging", health)
        now, health.retry_at = health.retry_at, 0.0
        until(lambda: office.turn(supervisor) or not supervisor.alive)
    assert [record.getMessage() for record in caplog.records] == [
        "sensor.hanging: problem (backing-off): timeout: no answer to read within 0.1 s",
        "sensor.hanging: problem (given-up): timeout: no answer to read within 0.1 s",
    ]
    assert capfd.readouterr().err.count("Fatal Python error: Aborted") == 1
