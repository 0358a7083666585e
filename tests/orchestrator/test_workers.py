"""Workers: each group of devices has a supervisor, also after the config changed."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beemon.base.clock import now
from beemon.config import settings as config
from beemon.devices.ask import ResolvedDevice, resolve_devices
from beemon.orchestrator.supplies import Supplies
from beemon.orchestrator.task import Task
from beemon.orchestrator.workers import MOST_APART, REST_SECONDS, Workers
from beemon.storage.files import Place
from beemon.worker.messages import Done, Failed

DEVICES = """
[microphone.a]
driver = "simulated"
[sensor.a]
driver = "simulated"
[sensor.b]
driver = "simulated"
"""


def nowhere(task: Task, placed: Callable[[Place | Failed], None]) -> None:
    raise NotImplementedError


class Owner:
    """Takes the supervisors' word."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.answered: dict[str, Any] = {}

    def finished(self, task: Any, answer: Any) -> None:
        self.answers.append(answer)
        self.answered[task.device] = answer

    def device_changed(self, device: str, health: Any) -> None:
        """Nobody watches here."""

    def output_switched(self, device: str, *, on: bool, seconds: float | None) -> None:
        raise NotImplementedError


class Office:
    """Workers whose mail the test reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mail: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.employer = Owner()
        self.workers = Workers(self.employer, self.mail.put, Supplies(nowhere, lambda _: {}))

    def devices(self, text: str) -> dict[str, ResolvedDevice]:
        (self.folder / "beemon.toml").write_text(text)
        return resolve_devices(config.load(self.folder / "beemon.toml").devices)[0]

    def employ(self, text: str = DEVICES) -> list[str]:
        return self.workers.employ(self.devices(text))

    def read(self, sensor: str) -> None:
        """Have a sensor read, which starts its group's worker."""
        task = Task(1, sensor, "read", "sensors", 10.0)
        self.workers.of(sensor).submit(task, now().monotonic)
        while not self.employer.answers:
            self.go_on()

    def go_on(self) -> None:
        with contextlib.suppress(queue.Empty):  # it is time for something else, then
            self.mail.get(timeout=0.1)()
        self.workers.tick(now().monotonic)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.workers.kill(now().monotonic)


def test_a_recorder_has_a_supervisor_of_its_own_and_the_sensors_share_one(office: Office) -> None:
    assert office.employ() == []
    assert office.workers.of("sensor.a") is office.workers.of("sensor.b")
    assert office.workers.of("microphone.a") is not office.workers.of("sensor.a")
    assert set(office.workers.statuses(0.0)) == {"microphone.a", "sensor.a", "sensor.b"}


def test_what_a_reload_leaves_alone_keeps_its_supervisor(office: Office) -> None:
    office.employ()
    before = office.workers.of("microphone.a"), office.workers.of("sensor.a")
    let_go = office.employ(DEVICES.replace("[sensor.b]", "[sensor.c]"))
    assert let_go == ["sensor.a", "sensor.b"]
    assert office.workers.of("microphone.a") is before[0]
    assert office.workers.of("sensor.a") is not before[1]


def test_a_device_that_is_gone_from_the_config_is_held_by_nobody(office: Office) -> None:
    office.employ()
    assert office.employ('[sensor.a]\ndriver = "simulated"\n') == [
        "microphone.a", "sensor.a", "sensor.b",
    ]
    with pytest.raises(StopIteration):
        office.workers.of("microphone.a")


@pytest.mark.process
def test_it_is_idle_when_every_worker_has_gone(office: Office) -> None:
    office.employ()
    assert office.workers.is_idle
    office.read("sensor.a")
    assert not office.workers.is_idle
    office.workers.finish("stopping")
    while not office.workers.is_idle:
        office.go_on()


@pytest.mark.process
def test_sensors_stay_open_however_long_nobody_asks(office: Office) -> None:
    office.employ()
    office.read("sensor.a")
    office.workers.let_rest(now().monotonic + 2 * REST_SECONDS, lambda _: math.inf)
    assert not office.workers.is_idle
    assert office.workers.statuses(0.0)["sensor.a"].state == "running"


def try_all(office: Office) -> list[str]:
    """Have the devices tried until nothing more is to be tried; who answered, in turn."""
    answered: list[str] = []
    while len(answered) < len(office.workers.statuses(0.0)):
        office.workers.try_next(now().monotonic)
        office.go_on()
        answered += [name for name in office.employer.answered if name not in answered]
    office.workers.try_next(now().monotonic)
    assert not any(office.workers.of(name).busy for name in answered)
    return answered


@pytest.mark.process
def test_each_device_is_tried_once_without_being_asked_for_anything(office: Office) -> None:
    office.employ()
    assert set(try_all(office)) == {"microphone.a", "sensor.a", "sensor.b"}
    told = office.workers.statuses(now().monotonic)
    assert all((device.last_good_age_seconds or 0.0) < 60 for device in told.values())
    assert len(office.employer.answers) == 3
    assert all(not answer.readings for answer in office.employer.answers)


@pytest.mark.process
def test_devices_are_tried_one_at_a_time(office: Office) -> None:
    office.employ()
    for _ in range(3):
        office.workers.try_next(now().monotonic)
    assert len([n for n in office.workers.statuses(0.0) if office.workers.of(n).busy]) == 1


@pytest.mark.process
def test_a_device_that_does_not_work_is_told_when_it_is_tried(office: Office) -> None:
    office.employ(DEVICES + '[sensor.none]\ndriver = "simulated"\nfault = "error"\n')
    try_all(office)
    told = office.workers.statuses(now().monotonic)["sensor.none"]
    assert told.last_good_age_seconds is None
    assert "device-error" in (told.trouble or "")


@pytest.mark.process
def test_a_recorder_that_was_tried_is_closed_again(office: Office) -> None:
    office.employ('[microphone.a]\ndriver = "simulated"\n')
    try_all(office)
    assert not office.workers.is_idle
    office.workers.let_rest(now().monotonic + 2 * REST_SECONDS, lambda _: math.inf)
    while not office.workers.is_idle:
        office.go_on()


HANGING = '[sensor.h]\ndriver = "simulated"\nfault = "hang"\n'
BESIDE = [f"sensor.{name}" for name in "abcd"]
GROUP = HANGING + "".join(f'[{name}]\ndriver = "simulated"\n' for name in BESIDE)


def tick(office: Office, at: float, *, patience: float) -> dict[str, Any]:
    """Have all sensors read, the hanging one first, until those beside it have answered."""
    office.employer.answered.clear()
    for sensor in ("sensor.h", *BESIDE):
        budget = patience if sensor == "sensor.h" else 60.0
        office.workers.of(sensor).submit(Task(1, sensor, "read", "sensors", budget), at)
    while not office.employer.answered.keys() >= set(BESIDE):
        office.go_on()
    return office.employer.answered


@pytest.mark.process
def test_one_that_hangs_holds_up_the_others_of_its_group_once(office: Office) -> None:
    office.employ(GROUP)
    said = tick(office, now().monotonic, patience=0.3)
    assert said["sensor.h"].reason == "timeout"
    assert all(isinstance(said[sensor], Done) for sensor in BESIDE)
    said = tick(office, now().monotonic + 60, patience=600.0)
    assert all(isinstance(said[sensor], Done) for sensor in BESIDE)
    assert "sensor.h" not in said  # it hangs still, and they did not wait for it
    assert office.workers.of("sensor.h").busy


@pytest.mark.process
def test_an_idle_worker_that_is_killed_from_outside_is_held_against_no_device(
    office: Office,
) -> None:
    office.employ()
    office.read("sensor.a")
    group = office.workers.of("sensor.a")
    process = group._worker.process
    assert process is not None
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    while group.alive:
        office.go_on()
    assert office.workers.of("sensor.b") is group
    assert {health.strikes for health in group.health.values()} == {0}


def test_only_so_many_devices_get_a_worker_of_their_own(office: Office) -> None:
    names = [f"sensor.{name}" for name in "abcdef"]
    office.employ("".join(f'[{name}]\ndriver = "simulated"\n' for name in names))
    group = office.workers.of("sensor.a")
    for name in names:
        office.workers._set_apart(group, name)
    assert [name for name in names if office.workers.of(name) is not group] == names[:MOST_APART]
    assert set(office.workers.statuses(0.0)) == set(names)


def test_it_keeps_that_worker_until_its_settings_change(office: Office) -> None:
    office.employ(GROUP)
    office.workers._set_apart(office.workers.of("sensor.h"), "sensor.h")
    group, apart = office.workers.of("sensor.a"), office.workers.of("sensor.h")
    assert office.employ(GROUP) == []
    assert office.workers.of("sensor.h") is apart
    assert set(office.employ(GROUP.replace("hang", "die"))) == {"sensor.h", *BESIDE}
    assert office.workers.of("sensor.h") is office.workers.of("sensor.a")
    assert set(office.workers.of("sensor.a")._after) <= {group, apart}
