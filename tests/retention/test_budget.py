"""The budget: bytes a day, days until full, and which of plan and measurement it shows."""

from __future__ import annotations

from beemon.config.settings import RetentionSettings
from beemon.ledger.usage import Usage
from beemon.protocol.replies import BudgetShare
from beemon.retention.budget import reckon
from beemon.storage.space import Space

GB = 10**9
DISK = Space(free_bytes=32 * GB, total_bytes=64 * GB, free_inodes=10**6, total_inodes=10**7)
PLANNED = {"camera.entrance": 10.8 * GB, "microphone.brood": 4.2 * GB}


def told(planned=PLANNED, measured=None, space=DISK, **retention):
    return reckon(planned, measured or {}, space, RetentionSettings(**retention))


def test_the_days_until_full_are_those_until_deleting_begins():
    budget = told()
    assert budget.bytes_a_day == 15 * GB
    assert (budget.free_bytes, budget.min_free_bytes) == (32 * GB, 2 * GB)
    assert budget.days_until_full == 2.0
    assert told(space=Space(GB, 64 * GB)).days_until_full == 0.0


def test_the_uplink_sends_the_media_of_a_day_in_a_day():
    assert told({"camera.entrance": 10.8 * GB, "ledger": GB}).uplink_kbit_s == 1000.0


def test_what_was_measured_stands_for_what_was_planned_and_both_are_told():
    budget = told(measured={"camera.entrance": Usage(14 * GB, 7.0), "ledger": Usage(GB, 10.0)})
    assert budget.devices == {
        "camera.entrance": BudgetShare(2 * GB, round(10.8 * GB), 2 * GB, 7.0),
        "ledger": BudgetShare(GB // 10, None, GB // 10, 10.0),
        "microphone.brood": BudgetShare(round(4.2 * GB), round(4.2 * GB)),
    }
    assert budget.bytes_a_day == 6.3 * GB


def test_nothing_fills_a_disk_on_which_nothing_is_kept():
    assert told({}).days_until_full is None


def test_the_order_is_told_in_words():
    assert told().then == (
        "below 2 GB or 10,000 inodes, recordings are deleted until 1.25 times as much is free. "
        "Uploaded ones are deleted first, then those of cameras, then microphones, then the other "
        "devices by age, then those that failed their check; the newest of each device is kept. "
        "If that is not enough, devices pause in the same order"
    )
    assert told(min_free=1e8).then.startswith("below 100 MB or")
    assert "then those of all devices by age, then" in told(order=()).then
    assert "then those of camera.entrance, then" in told(order=("camera.entrance",)).then
    assert "the newest 5 of each" in told(keep=5).then
