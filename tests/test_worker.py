"""What a worker makes of what a driver does, raises, and is told."""

from __future__ import annotations

import errno
import os
from multiprocessing import Pipe
from threading import Event

import pytest

from beemon.devices._base import Device, DeviceError
from beemon.messages import Work
from beemon.worker import Worker, message_of, reason_of

FILM = Work(1, "camera.c", "record", 60.0)
PICTURE = Work(2, "camera.c", "snapshot")
FULL = OSError(errno.ENOSPC, "No space left on device", "/a/.x.mp4.part")


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/a/recordings/d/.x.flac.part"),
         "disk-full", "No space left on device: /a/recordings/d"),
        (OSError(errno.EACCES, "Permission denied", "/a/recordings/d"),
         "archive-error", "Permission denied: /a/recordings/d"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "device-error",
         "[Errno 5] Input/output error"),
        (DeviceError("no sound"), "device-error", "no sound"),
        (DeviceError(), "device-error", "DeviceError"),
    ],
)
def test_a_trouble_that_lasts_has_the_same_words_each_time(
    error: OSError, reason: str, message: str
) -> None:
    assert (reason_of(error), message_of(error)) == (reason, message)


@pytest.mark.parametrize(
    ("running", "error", "open_after"),
    [
        ([PICTURE], DeviceError("no picture"), False),
        ([FILM, PICTURE], DeviceError("no picture"), True),
        ([PICTURE], FULL, True),
    ],
    ids=["alone", "while it records", "the disk's fault"],
)
def test_a_device_is_closed_after_an_error_of_its_own_that_hurts_no_other_work(
    running: list[Work], error: OSError, open_after: bool
) -> None:
    worker = Worker("camera.c", {}, Pipe()[0])
    worker._devices = {"camera.c": Device(None)}
    worker._running = {work.number: (work, Event()) for work in running}
    worker._release(PICTURE, error)
    assert ("camera.c" in worker._devices) == open_after
