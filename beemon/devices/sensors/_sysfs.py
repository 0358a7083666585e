"""Files under ``/sys``: read, written, and what the kernel's errors say of the device."""

from __future__ import annotations

import errno
import math
from pathlib import Path

from beemon.devices._base import BadReadingError, DeviceError, DeviceMissingError


class DeviceIOError(DeviceError):
    """The device is there and did not answer properly."""

    reason = "io-error"


class ChecksumError(DeviceError):
    """The device's answer did not match its checksum."""

    reason = "crc"


_KINDS_OF_ERROR: dict[int, type[DeviceError]] = {
    errno.ENOENT: DeviceMissingError,
    errno.ENODEV: DeviceMissingError,
    errno.ENXIO: DeviceMissingError,
    errno.EBADMSG: ChecksumError,
}


def read_number(path: Path) -> float:
    """The number that a file holds."""
    return number_in(read_text(path), path)


def number_in(text: str, path: Path) -> float:
    """The number that a file's text is. Raises BadReadingError."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadReadingError("not-a-number", f"{path} contains {text!r}")
    return number


def read_text(path: Path) -> str:
    """The one line of a file; an error of the device's driver comes as an OSError."""
    try:
        return path.read_text("utf-8", errors="backslashreplace").strip()
    except OSError as error:
        raise error_of(error, str(path)) from error


def write_text(path: Path, text: str) -> None:
    """Tell the device's driver something."""
    try:
        path.write_text(text)
    except OSError as error:
        raise error_of(error, str(path)) from error


def error_of(error: OSError, path: str) -> DeviceError:
    """The error of a device for the kernel's error number."""
    kind = _KINDS_OF_ERROR.get(error.errno or 0, DeviceIOError)
    return kind(error.errno, error.strerror, path)


def listing(folder: Path) -> list[Path]:
    """The content of a folder; empty if it does not exist."""
    try:
        return list(folder.iterdir())
    except OSError:  # the kernel makes the folder with its first device
        return []
