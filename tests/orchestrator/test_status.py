"""A device's status: what is not known is left out, but for when it last worked."""

from __future__ import annotations

from beemon.orchestrator.status import DeviceStatus


def test_what_nobody_knows_is_left_out() -> None:
    status = DeviceStatus("IDLE", None)
    assert status.to_json() == {"state": "IDLE", "last_good_age_seconds": None}


def test_what_is_known_is_shown_even_if_it_is_no_or_zero() -> None:
    status = DeviceStatus("BACKOFF", 3.5, retry_in_seconds=0, scheduled=False)
    assert status.to_json() == {
        "state": "BACKOFF", "last_good_age_seconds": 3.5, "retry_in_seconds": 0,
        "scheduled": False,
    }


def test_its_fields_stand_in_their_order() -> None:
    status = DeviceStatus(
        "RUNNING", 1.0, trouble="t", output="on", scheduled=True, paused="low-disk"
    )
    assert list(status.to_json()) == [
        "state", "last_good_age_seconds", "trouble", "output", "scheduled", "paused",
    ]
