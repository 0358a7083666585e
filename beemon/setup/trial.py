"""A trial of a device by its real driver: a first value, a second of sound, a picture.

The driver may hang, so it works in a process of its own with a time limit. This is
``python3 -m beemon.setup.trial FOLDER``, which reads a device and prints a sentence, both as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from beemon import devices
from beemon.devices._base import Camera, Device, DeviceError, Measurement, Recorder, Refusal, Sensor
from beemon.setup.candidates import Candidate
from beemon.setup.look import describe_value, look_at

SECONDS = 1.0
LIMIT_SECONDS = 60.0
PROGRAM = (sys.executable, "-m", "beemon.setup.trial")


class Trial(NamedTuple):
    """The result of a trial: whether the device delivered, and a sentence about it."""

    works: bool
    says: str


def try_device(device: Candidate, folder: Path, limit: float = LIMIT_SECONDS) -> Trial:
    """Have a device deliver for the first time; a sound or a picture is put into ``folder``."""
    given = json.dumps({"kind": device.kind, "name": device.name, "table": device.table})
    with _started(folder) as child:
        try:
            said, complaint = child.communicate(given, timeout=limit)
        except subprocess.TimeoutExpired:
            return Trial(False, f"it did not answer within {limit:.0f} s")
    try:
        works, says = json.loads(said.rstrip().rpartition("\n")[2])  # a library may print, too
    except ValueError:
        return Trial(False, f"its driver failed: {complaint.strip()[-300:]}")
    return Trial(bool(works), str(says))


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The process of a trial; it and its children are gone at the end."""
    child = subprocess.Popen(
        [*PROGRAM, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def main(folder: Path) -> None:
    """Try the device on standard input."""
    given = json.load(sys.stdin)
    try:
        device = devices.load(given["kind"], given["name"], given["table"])
        device.open()
        try:
            result = _deliver(device, folder)
        finally:
            device.close()
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, DeviceError) else type(error).__name__
        result = Trial(False, f"{error} ({reason})")
    print(json.dumps(result))


def _deliver(device: Device, folder: Path) -> Trial:
    if isinstance(device, Sensor):
        return Trial(True, ", ".join(map(_value, device.read())))
    if not isinstance(device, Recorder):
        return Trial(True, "it is an output, which is not switched on for a trial")
    if isinstance(device, Camera):
        file = folder / f"{device.settings.name}.jpg"
        facts = device.snapshot(file)
    else:
        file = folder / f"{device.settings.name}{device.suffix}"
        facts = device.record(file, SECONDS, threading.Event(), follows=False)
    look = look_at(file, facts)
    return Trial(look.is_good, f"{look.says}; until setup ends: {file}")


def _value(said: Measurement | Refusal) -> str:
    if isinstance(said, Refusal):
        return f"no {said.quantity} ({said.reason})"
    return describe_value(said.quantity, said.value, said.unit)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
