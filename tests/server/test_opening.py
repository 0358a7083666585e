"""What is opened at the start: at once, later, or never because another beemon has it."""

from __future__ import annotations

import queue

import pytest

from beemon.protocol.reports import Trouble
from beemon.server.ending import Ending
from beemon.server.opening import Opening
from beemon.storage.lock import ArchiveBusyError

SOON = 20.0  # seconds; only a defect takes that long


FULL = Trouble("ledger", "the disk is full", "delete something")


class Disk:
    """Has these troubles, one after another, then none; notes what it was asked for, in order."""

    name, meanwhile = "disk", "nothing is written"

    def __init__(self, *troubles: Trouble | OSError) -> None:
        self.troubles = list(troubles)
        self.calls: queue.SimpleQueue = queue.SimpleQueue()
        self.ending = Ending()
        self.opening = Opening(self, self.ending, first_retry_seconds=0.001)

    def begin(self) -> None:
        self.calls.put("begin")

    def stay(self) -> None:
        self.calls.put("stay")

    def tell(self, trouble: Trouble | None) -> None:
        self.calls.put(trouble)

    def open(self) -> Trouble | None:
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, OSError):
            raise trouble
        return trouble

    def called(self, count: int) -> list:
        return [self.calls.get(timeout=SOON) for _ in range(count)]


def test_what_is_well_is_open_at_once():
    disk = Disk()
    assert disk.opening.at_once()
    assert disk.opening.trouble is None
    assert disk.called(1) == [None]
    assert disk.calls.empty()


def test_while_it_fails_it_is_tried_again_and_the_trouble_is_told_once(caplog):
    full, broken = FULL, Trouble("ledger", "disk I/O error")
    disk = Disk(full, full, broken)
    assert not disk.opening.at_once()
    assert disk.opening.trouble == full
    disk.opening.go_on()
    assert disk.called(6) == [full, full, broken, None, "begin", "stay"]
    assert disk.opening.trouble is None
    assert [record.getMessage() for record in caplog.records] == [
        "the disk is full; delete something; meanwhile nothing is written",
        "disk I/O error; meanwhile nothing is written",
    ]


def test_it_may_be_tried_in_the_thread_alone_and_waited_for():
    disk = Disk(FULL)
    disk.opening.go_on()
    disk.opening.wait_for_attempt(SOON)
    assert disk.called(4) == [FULL, None, "begin", "stay"]


def test_another_beemon_that_has_it_is_the_end_at_the_start_and_later():
    busy = ArchiveBusyError("in use")
    with pytest.raises(ArchiveBusyError):
        Disk(busy).opening.at_once()
    disk = Disk(FULL, busy)
    assert not disk.opening.at_once()
    disk.opening.go_on()
    disk.ending.wait()
    assert disk.ending.failure is busy
    assert disk.called(1) == [FULL]
    disk.opening.give_up(SOON)
    assert disk.calls.empty()


def test_what_is_given_up_is_not_begun():
    disk = Disk(FULL)
    disk.opening.at_once()
    disk.opening.give_up(SOON)
    disk.opening.go_on()
    disk.opening.give_up(SOON)
    assert disk.called(1) == [FULL]
    assert disk.calls.empty()
