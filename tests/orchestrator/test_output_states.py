"""What is known of outputs, in a time that the test tells."""

from __future__ import annotations

from beemon.orchestrator.output_states import AGAIN_SECONDS, RETURN_SECONDS, OutputStates

LIGHT, FAN = "output.light", "output.fan"


def test_nothing_is_known_before_the_worker_said_it():
    assert OutputStates([LIGHT]).describe(LIGHT, 0.0) == {}


def test_a_state_is_shown_with_the_time_to_its_end():
    outputs = OutputStates([LIGHT])
    outputs.switched(LIGHT, 100.0, on=True, seconds=60.0)
    assert outputs.describe(LIGHT, 118.0) == {"output": "on", "returns_in_seconds": 42}
    outputs.switched(LIGHT, 160.0, on=False, seconds=None)
    assert outputs.describe(LIGHT, 160.0) == {"output": "off"}


def test_what_does_not_return_is_overdue():
    outputs = OutputStates([LIGHT, FAN])
    outputs.switched(FAN, 100.0, on=True, seconds=None)
    outputs.switched(LIGHT, 100.0, on=True, seconds=60.0)
    assert outputs.overdue(160.0 + RETURN_SECONDS) is None
    assert outputs.overdue(160.1 + RETURN_SECONDS) == LIGHT


def test_what_was_never_opened_is_tried_again_after_a_while():
    outputs = OutputStates([LIGHT, FAN])
    outputs.tried(LIGHT, 1000.0)
    assert outputs.to_make_safe({FAN}, 1000.0 + AGAIN_SECONDS / 2) == []
    assert outputs.to_make_safe({FAN}, 1000.0 + AGAIN_SECONDS) == [LIGHT]


def test_what_could_not_be_switched_is_tried_again_at_once():
    assert OutputStates([LIGHT]).to_make_safe(set(), 3.0) == [LIGHT]


def test_with_the_worker_goes_what_it_said():
    outputs = OutputStates([LIGHT])
    outputs.switched(LIGHT, 100.0, on=True, seconds=60.0)
    outputs.forget()
    assert outputs.describe(LIGHT, 101.0) == {}
    assert outputs.overdue(1e9) is None
