"""The health of a device: after how many strikes it is left alone, and for how long."""

from __future__ import annotations

import pytest

from beemon.base.status import DeviceState, DeviceStatus
from beemon.orchestrator.health import (
    BUDGET,
    GIVEN_UP_SECONDS,
    PATIENCE,
    REBIND_SECONDS,
    REBIND_STRIKES,
    TRY_AGAIN_SECONDS,
    Health,
)

NOW = 1000.0


def struck(times: int) -> Health:
    health = Health()
    for _ in range(times):
        health.strike("timeout: no answer", NOW)
    return health


def test_a_device_begins_untried_and_may_be_tried():
    assert Health().state is DeviceState.UNTRIED
    assert Health().may_try(0.0)
    assert Health().status(NOW) == DeviceStatus(DeviceState.UNTRIED, None)


@pytest.mark.parametrize(("strikes", "delay"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_each_strike_doubles_the_time_it_is_left_alone(strikes, delay):
    health = struck(strikes)
    assert health.state is DeviceState.BACKING_OFF
    assert not health.may_try(NOW + delay - 0.001)
    assert health.may_try(NOW + delay)


def test_after_its_budget_a_device_is_given_up_and_tried_again_much_later():
    health = struck(BUDGET)
    assert health.state is DeviceState.GIVEN_UP
    assert not health.may_try(NOW + GIVEN_UP_SECONDS - 1)
    assert health.may_try(NOW + GIVEN_UP_SECONDS)


def test_another_strike_leaves_it_given_up():
    assert struck(BUDGET + 1).state is DeviceState.GIVEN_UP


def test_a_usb_device_is_bound_anew_after_some_strikes_and_then_not_for_a_while():
    assert not struck(REBIND_STRIKES - 1).takes_rebind(NOW)
    health = struck(REBIND_STRIKES)
    assert health.takes_rebind(NOW)
    assert not health.takes_rebind(NOW + REBIND_SECONDS - 1)
    assert health.takes_rebind(NOW + REBIND_SECONDS)


def test_errors_in_a_row_call_for_more_than_asking_again():
    health = Health()
    for _ in range(PATIENCE - 1):
        health.troubled("device-error: it will not start", NOW)
    assert not health.needs_more
    health.troubled("device-error: it will not start", NOW)
    assert health.needs_more
    health.well(NOW)
    assert not health.needs_more


def test_one_success_wipes_the_strikes_out():
    health = struck(BUDGET - 1)
    health.well(NOW)
    assert (health.state, health.trouble) == (DeviceState.RUNNING, None)
    health.strike("timeout: no answer", NOW)
    assert health.state is DeviceState.BACKING_OFF
    assert health.may_try(NOW + 1)


def test_an_error_that_the_driver_raised_is_a_trouble_and_no_strike():
    health = struck(2)
    health.troubled("missing-device: no such card", NOW)
    assert (health.state, health.strikes) == (DeviceState.IN_TROUBLE, 2)
    assert health.status(NOW) == DeviceStatus(
        DeviceState.IN_TROUBLE, None, trouble="missing-device: no such card",
        recovery={"errors": 1, "restarts": 2},
    )


def test_status_says_when_a_device_is_tried_again():
    assert struck(1).status(NOW + 0.2) == DeviceStatus(
        DeviceState.BACKING_OFF, None, trouble="timeout: no answer", retry_in_seconds=1,
        recovery={"restarts": 1},
    )
    assert struck(BUDGET).status(NOW + 100).retry_in_seconds == 500
    assert struck(1).status(NOW + 50).retry_in_seconds == 0


def test_a_device_is_untried_starting_running_and_resting_in_turn():
    health, seen = Health(), []
    for _ in range(2):
        for step in (health.starting, health.opened, lambda: health.well(NOW), health.stopped):
            step()
            seen.append(str(health.state))
    assert seen == ["starting", "running", "running", "resting"] * 2


def test_a_device_that_was_opened_and_never_worked_is_untried_after_it_stopped():
    health = Health()
    health.starting()
    health.opened()
    health.stopped()
    assert health.state is DeviceState.UNTRIED


def test_a_problem_comes_before_what_the_worker_does():
    health = Health()
    health.well(NOW)
    health.troubled("device-error: no answer", NOW)
    for step in (health.starting, health.opened, health.stopped):
        step()
        assert health.state is DeviceState.IN_TROUBLE
    health.strike("timeout: no answer", NOW)
    health.stopped()
    assert health.state is DeviceState.BACKING_OFF
    health.starting()
    assert health.state is DeviceState.IN_TROUBLE


def test_each_tier_of_recovery_is_counted_and_success_does_not_wipe_it_out():
    health = Health()
    health.opened()
    assert health.recovery == {}
    health.troubled("device-error: no answer", NOW)
    health.opened()
    health.well(NOW)
    assert health.recovery == {"errors": 1, "reopened": 1}
    for _ in range(BUDGET + 1):
        health.strike("timeout: no answer", NOW)
    assert health.recovery == {
        "errors": 1, "reopened": 1, "restarts": BUDGET + 1, "given_up": 1,
    }


def test_a_device_that_a_new_worker_opens_was_not_reopened():
    health = Health()
    health.troubled("device-error: no answer", NOW)
    health.strike("worker-died: it ended", NOW)
    health.opened()
    assert health.recovery == {"errors": 1, "restarts": 1}


def test_a_device_that_went_on_after_an_error_was_not_reopened():
    health = Health()
    health.troubled("disk-full: no space left", NOW)
    health.well(NOW)
    health.opened()
    assert health.recovery == {"errors": 1}


def test_evidence_has_an_age():
    health = Health()
    health.well(NOW)
    assert health.status(NOW + 7.25).last_good_age_seconds == 7.2
    health.troubled("device-error: no answer", NOW + 60)
    assert health.status(NOW + 90).last_good_age_seconds == 90


@pytest.mark.parametrize("opening_is_proof", [True, False])
def test_a_device_is_to_be_tried_until_there_is_evidence(opening_is_proof):
    health = Health()
    assert health.needs_try(NOW, opening_is_proof=opening_is_proof)
    health.well(NOW)
    assert not health.needs_try(NOW + 1e6, opening_is_proof=opening_is_proof)


def test_a_device_that_could_not_be_opened_is_tried_again_later():
    health = Health()
    health.troubled("missing-device: no such card", NOW)
    assert not health.needs_try(NOW + TRY_AGAIN_SECONDS - 1, opening_is_proof=True)
    assert health.needs_try(NOW + TRY_AGAIN_SECONDS, opening_is_proof=True)


def test_that_a_recorder_opens_does_not_refute_what_its_recordings_show():
    health = Health()
    health.opened()
    health.troubled("check-failed: black", NOW)
    assert not health.needs_try(NOW + TRY_AGAIN_SECONDS, opening_is_proof=True)
    assert health.needs_try(NOW + TRY_AGAIN_SECONDS, opening_is_proof=False)


def test_a_device_that_is_left_alone_is_not_tried():
    health = struck(BUDGET)
    assert not health.needs_try(NOW + GIVEN_UP_SECONDS - 1, opening_is_proof=False)
    assert health.needs_try(NOW + GIVEN_UP_SECONDS, opening_is_proof=False)
