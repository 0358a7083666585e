"""The USB device behind a camera or a sound card: finding it and rebinding its drivers.

Writing 0 to the file ``authorized`` of a device in sysfs makes the kernel detach the drivers.
Writing 1 makes it choose the configuration again and attach the drivers. See Linux,
Documentation/usb/authorization.rst and drivers/usb/core/hub.c. The effect is that of pulling the
plug, but the power stays on.

Each device has its own file, so a udev rule can give the service access to cameras and sound cards
alone. ``/sys/bus/usb/drivers/usb/unbind`` has the same effect, but serves every USB device: write
access to it would also allow detaching the network card and the hubs.
"""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Callable
from pathlib import Path

from beemon.devices._base import DeviceError

AWAY_SECONDS = 1.0
"""Time in seconds without drivers, so that programs with the device open notice it."""
BACK_SECONDS = 10.0
"""Maximum time in seconds for the device to return under its name."""
_LOOK_SECONDS = 0.1
_HUB = "09"  # bDeviceClass, USB 2.0 specification, table 11-15

MAY_NOT = (
    "the service has no permission to write to {file}; to apply beemon's udev rule, plug the "
    "device in again or run `sudo udevadm trigger --action=add --subsystem-match=usb`"
)


class NotAllowedError(DeviceError):
    """The user that the service runs as may not do that; the text says what would allow it."""


def device_of(class_device: Path) -> Path | None:
    """The USB device of something in ``/sys/class``, by its folder in sysfs.

    None if it is not a USB device, or does not exist; never a hub.
    """
    place = (class_device / "device").resolve()
    for folder in (place, *place.parents):
        if (folder / "idVendor").exists():
            return None if _read(folder / "bDeviceClass") == _HUB else folder
    return None


def bind_anew(
    find: Callable[[], Path | None],
    *,
    away_seconds: float = AWAY_SECONDS,
    back_seconds: float = BACK_SECONDS,
) -> str | None:
    """Detach the drivers of the device that ``find`` returns, and attach them again.

    Returns its name once it is found again; None if there was none. Raises
    :class:`NotAllowedError`, and :class:`DeviceError` if it does not come back.
    """
    device = find()
    if device is None:
        return None
    switch = device / "authorized"
    _write(switch, "0")
    try:
        time.sleep(away_seconds)
    finally:
        _write(switch, "1")
    deadline = time.monotonic() + back_seconds
    while find() is None:
        if time.monotonic() >= deadline:
            raise DeviceError(f"{device.name} did not reappear within {back_seconds:g} s")
        time.sleep(_LOOK_SECONDS)
    return device.name


def let_back(sysfs: Path) -> None:
    """Attach the drivers of devices that were detached when a worker was killed.

    These are the devices whose file the udev rule made writable for the group. Devices that
    somebody else detached are left alone.
    """
    for switch in (sysfs / "bus/usb/devices").glob("*/authorized"):
        with contextlib.suppress(OSError):  # it was pulled out at this moment
            if switch.stat().st_mode & stat.S_IWGRP and _read(switch) == "0":
                _write(switch, "1")


def _read(file: Path) -> str:
    return file.read_text().strip()


def _write(file: Path, value: str) -> None:
    try:
        file.write_text(value)
    except PermissionError as error:
        raise NotAllowedError(MAY_NOT.format(file=file)) from error
    except OSError as error:
        raise DeviceError(f"{file}: {error.strerror}") from error
