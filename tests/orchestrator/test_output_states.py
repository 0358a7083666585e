"""What is known of outputs, in a time that the test tells."""

from __future__ import annotations

import signal

from beemon.base.status import DeviceState, DeviceStatus
from beemon.orchestrator.output_states import AGAIN_SECONDS, RETURN_SECONDS, OutputStates

LIGHT, FAN = "output.light", "output.fan"


def shown(outputs: OutputStates, now: float) -> tuple[str | None, int | None]:
    """What the status of the light says of it as an output."""
    status = outputs.complete(DeviceStatus(DeviceState.RUNNING, None), LIGHT, now)
    return status.output, status.returns_in_seconds


def test_nothing_is_known_before_the_worker_said_it():
    assert shown(OutputStates([LIGHT]), 0.0) == (None, None)


def test_a_state_is_shown_with_the_time_to_its_end():
    outputs = OutputStates([LIGHT])
    outputs.switched(LIGHT, 100.0, on=True, seconds=60.0)
    assert shown(outputs, 118.0) == ("on", 42)
    outputs.switched(LIGHT, 160.0, on=False, seconds=None)
    assert shown(outputs, 160.0) == ("off", None)


def test_what_does_not_return_is_overdue():
    outputs = OutputStates([LIGHT, FAN])
    outputs.switched(FAN, 100.0, on=True, seconds=None)
    outputs.switched(LIGHT, 100.0, on=True, seconds=60.0)
    assert outputs.missed_return(160.0 + RETURN_SECONDS) is None
    end = outputs.missed_return(160.1 + RETURN_SECONDS)
    assert end is not None
    assert (end.device, end.signal) == (LIGHT, signal.SIGABRT)


def test_what_was_never_opened_is_tried_again_after_a_while():
    outputs = OutputStates([LIGHT, FAN])
    outputs.tried(LIGHT, 1000.0)
    assert outputs.due_tasks({FAN}, 1000.0 + AGAIN_SECONDS / 2) == []
    [task] = outputs.due_tasks({FAN}, 1000.0 + AGAIN_SECONDS)
    assert (task.device, task.verb) == (LIGHT, "make_safe")
    assert outputs.due_tasks({FAN}, 1000.0 + AGAIN_SECONDS) == []


def test_what_could_not_be_switched_is_tried_again_at_once():
    assert [task.device for task in OutputStates([LIGHT]).due_tasks(set(), 3.0)] == [LIGHT]


def test_an_output_that_got_a_worker_of_its_own_is_forgotten():
    outputs = OutputStates([LIGHT, FAN])
    outputs.part_with(LIGHT)
    assert [task.device for task in outputs.due_tasks(set(), 3.0)] == [FAN]


def test_with_the_worker_goes_what_it_said():
    outputs = OutputStates([LIGHT])
    outputs.switched(LIGHT, 100.0, on=True, seconds=60.0)
    outputs.forget()
    assert shown(outputs, 101.0) == (None, None)
    assert outputs.missed_return(1e9) is None
