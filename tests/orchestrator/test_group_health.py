"""The health of a group: its evidence is what a worker reports, and what it answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.base.status import DeviceState
from beemon.config import settings as config
from beemon.devices.ask import resolve_devices
from beemon.orchestrator.blame import WorkerEnd
from beemon.orchestrator.group_health import GroupHealth
from beemon.orchestrator.health import BUDGET, PATIENCE, Health
from beemon.orchestrator.task import Task
from beemon.worker.messages import Done, Failed

NOW = 1000.0
DEVICES = "".join(
    f'[{name}]\ndriver = "simulated"\n' for name in ("sensor.a", "microphone.m", "output.o")
)
ENDED = WorkerEnd("worker-died", "it ended")


@pytest.fixture
def changes() -> list[tuple[str, DeviceState]]:
    return []


@pytest.fixture
def group(tmp_path: Path, changes: list[tuple[str, DeviceState]]) -> GroupHealth:
    (tmp_path / "beemon.toml").write_text(DEVICES)
    devices, _ = resolve_devices(config.load(tmp_path / "beemon.toml").devices)

    def changed(device: str, health: Health) -> None:
        changes.append((device, health.state))

    return GroupHealth(devices, changed)


def test_what_has_failed_is_not_used_for_a_while(group: GroupHealth) -> None:
    task = Task(1, "sensor.a", "read", "a", 5.0)
    assert group.refusal(task, NOW) is None
    group.strike(["sensor.a"], ENDED, NOW)
    assert group.refusal(task, NOW) == Failed(
        0, "back-off", "not used for another 1 s after: worker-died: it ended"
    )
    group.strike(["sensor.a"] * BUDGET, ENDED, NOW)
    assert group.refusal(task, NOW).reason == "fatal"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("answer", "works", "trouble"),
    [
        (Done(1), True, None),
        (Done(1, refused={"weight": "too high"}), True, "weight: too high"),
        (Done(1, failure="silent: no sound"), False, "check-failed: silent: no sound"),
        (Failed(1, "device-error", "no answer"), False, "device-error: no answer"),
    ],
)
def test_an_answer_shows_whether_a_device_works(group, changes, answer, works, trouble) -> None:
    assert group.note_answer("microphone.m", answer, NOW) == works
    assert group.of["microphone.m"].trouble == trouble
    state = DeviceState.IN_TROUBLE if trouble else DeviceState.RUNNING
    assert changes == [("microphone.m", state)]


@pytest.mark.parametrize(
    ("device", "answer", "expected"),
    [
        ("microphone.m", Failed(1, "device-error", "no answer"), True),
        ("microphone.m", Done(1, failure="silent: no sound"), True),
        ("microphone.m", Done(1, failure="short: 1 s of 2 s"), False),
        ("microphone.m", Failed(1, "disk-full", "no space"), False),
        ("sensor.a", Failed(1, "device-error", "no answer"), False),
    ],
)
def test_a_recorder_that_fails_repeatedly_needs_a_new_worker(
    group, device, answer, expected
) -> None:
    for _ in range(PATIENCE):
        assert not group.needs_new_worker(device, answer)
        group.note_answer(device, answer, NOW)
    assert group.needs_new_worker(device, answer) == expected


def test_an_output_that_is_opened_is_safe_and_a_recorder_has_proved_nothing(
    group: GroupHealth,
) -> None:
    for device in ("output.o", "microphone.m"):
        group.note_opened(device, NOW)
    assert group.of["output.o"].good_at == NOW
    assert group.of["microphone.m"].good_at is None


def test_outputs_are_not_tried_and_what_is_asked_is_not_tried_either(group: GroupHealth) -> None:
    assert group.untried(["sensor.a"], NOW) == "microphone.m"
    assert group.untried(["microphone.m"], NOW) == "sensor.a"
    assert group.untried(["sensor.a", "microphone.m"], NOW) is None


def test_without_a_worker_all_are_idle_except_what_failed(group: GroupHealth) -> None:
    group.note_starting(["sensor.a", "microphone.m"])
    group.strike(["microphone.m"], ENDED, NOW)
    group.note_stopped()
    assert group.of["sensor.a"].state is DeviceState.UNTRIED
    assert group.of["microphone.m"].state is DeviceState.BACKING_OFF
