"""The archive at the start: at once, later, or never because another beemon has it."""

from __future__ import annotations

import queue
import sqlite3
from pathlib import Path

import pytest

from beemon.archive.lock import ArchiveBusyError
from beemon.opening import Opening

SOON = 20.0  # seconds; only a defect takes that long


class Disk:
    """Fails as long as there are errors to raise; notes what it was asked for, in order."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls: queue.SimpleQueue = queue.SimpleQueue()
        self.opening = Opening(
            self.attempt,
            lambda: self.calls.put("begin"),
            lambda: self.calls.put("stay"),
            self.calls.put,
            lambda: self.calls.put("tried"),
            lambda: Path("/srv/usb/bees"),
            first_retry_seconds=0.001,
        )

    def attempt(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    def called(self, count: int) -> list:
        return [self.calls.get(timeout=SOON) for _ in range(count)]


FULL = OSError(28, "No space left on device", "/archive/lock")


def test_an_archive_that_is_well_is_open_at_once():
    disk = Disk()
    assert disk.opening.at_once()
    assert disk.opening.trouble is None
    assert disk.calls.empty()


def test_while_the_disk_fails_it_is_tried_again_and_the_trouble_is_told(caplog):
    disk = Disk(FULL, FULL, sqlite3.OperationalError("disk I/O error"))
    assert not disk.opening.at_once()
    assert disk.opening.trouble is not None
    assert disk.opening.trouble.says == "the archive cannot be opened: " \
        "No space left on device: /archive/lock"
    assert disk.opening.trouble.remedy == "make space on its disk: df -h /srv/usb/bees"
    disk.opening.go_on()
    assert disk.called(5) == ["tried", "tried", "tried", "begin", "stay"]
    assert disk.opening.trouble is None
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]  # once each


def test_another_beemon_that_has_it_is_the_end_at_the_start_and_later():
    busy = ArchiveBusyError("in use")
    with pytest.raises(ArchiveBusyError):
        Disk(busy).opening.at_once()
    disk = Disk(FULL, busy)
    assert not disk.opening.at_once()
    disk.opening.go_on()
    assert disk.called(2) == ["tried", busy]
    disk.opening.give_up(SOON)
    assert disk.calls.empty()


def test_what_is_given_up_is_not_begun():
    disk = Disk(FULL)
    disk.opening.at_once()
    disk.opening.give_up(SOON)
    disk.opening.go_on()
    disk.opening.give_up(SOON)
    assert disk.called(1) == ["tried"]
    assert disk.calls.empty()
