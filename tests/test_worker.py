"""What a worker makes of what a driver does, raises, and is told."""

from __future__ import annotations

import errno
import os

import pytest

from beemon.devices._base import DeviceError
from beemon.worker import message_of, reason_of


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
