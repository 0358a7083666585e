"""Print the cameras that libcamera finds, as JSON: a list, or the error of a missing library.

``python3 -m beemon.devices.cameras._listing`` is a program of its own, because libcamera may hang.
"""

from __future__ import annotations

import json
import os

from beemon.devices._base import LibraryMissingError
from beemon.devices._libraries import library

QUIET = "*:ERROR"


def cameras() -> object:
    """Each camera as picamera2 describes it, or a sentence."""
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", QUIET)
    try:
        return library("picamera2").Picamera2.global_camera_info()
    except LibraryMissingError as error:
        return str(error)


if __name__ == "__main__":
    print(json.dumps(cameras()))
