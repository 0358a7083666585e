"""A trial of a device by its real driver: a first value, a second of sound, a picture.

The driver may hang, so it works in a process of its own with a time limit. This is
``python3 -m beemon.setup.trial FOLDER``, which reads a device and prints a sentence, both as JSON.
Devices of different workers are tried side by side, because one may take long.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from beemon import devices
from beemon.base.progress import Progress
from beemon.devices._base import Camera, Device, DeviceError, Measurement, Recorder, Refusal, Sensor
from beemon.setup.candidates import Candidate
from beemon.setup.look import describe_value, look_at

SECONDS = 1.0
LIMIT_SECONDS = 60.0
_LOOK_SECONDS = 0.2
MOST_AT_ONCE = 3
"""The number of trials at the same time: each needs the memory of a process with NumPy."""
PROGRAM = (sys.executable, "-m", "beemon.setup.trial")


class Trial(NamedTuple):
    """The result of a trial: whether the device delivered, and a sentence about it."""

    works: bool
    says: str


def try_all(
    candidates: Sequence[Candidate], folder: Path, progress: Progress,
    limit: float = LIMIT_SECONDS,
) -> dict[str, Trial]:
    """Have each device deliver for the first time; those of one worker one after the other."""
    trials: dict[str, Trial] = {}

    def look() -> None:
        progress.tell("devices tried", len(trials), len(candidates))

    def try_worker(own: Iterable[Candidate]) -> None:
        for device in own:
            look()
            trials[device.name] = try_device(device, folder, limit, look)

    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        try:
            for done in [threads.submit(try_worker, own) for own in _by_worker(candidates)]:
                done.result()
        finally:
            progress.stop()  # after an error, or Ctrl-C, the others would be waited for
    return trials


def _by_worker(candidates: Iterable[Candidate]) -> Iterable[list[Candidate]]:
    """The devices by the workers that the service gives them."""
    workers: dict[str, list[Candidate]] = {}
    for device in candidates:
        driver = devices.module(device.kind, str(device.options["driver"])).Driver
        workers.setdefault(driver.group or device.name, []).append(device)
    return workers.values()


def _look_at_nothing() -> None:
    """Let a trial go on."""


def try_device(
    device: Candidate, folder: Path, limit: float = LIMIT_SECONDS,
    look: Callable[[], None] = _look_at_nothing,
) -> Trial:
    """Have a device deliver for the first time; a sound or a picture is put into ``folder``.

    Now and then ``look`` is called. If it raises an error, the trial ends with that.
    """
    given = json.dumps({"kind": device.kind, "name": device.name, "table": device.table})
    with _started(folder) as child:
        said = _wait_for(child, given, limit, look)
    if said is None:
        return Trial(False, f"it did not answer within {limit:.0f} s")
    try:
        works, says = json.loads(said[0].rstrip().rpartition("\n")[2])  # a library may print, too
    except ValueError:
        return Trial(False, f"its driver failed: {said[1].strip()[-300:]}")
    return Trial(bool(works), str(says))


def _wait_for(
    child: subprocess.Popen[str], given: str, limit: float, look: Callable[[], None]
) -> tuple[str, str] | None:
    """The output of the process, and its errors; None if it does not end within the limit."""
    deadline = time.monotonic() + limit
    first: str | None = given
    while (left := deadline - time.monotonic()) > 0:
        try:
            return child.communicate(first, timeout=min(_LOOK_SECONDS, left))
        except subprocess.TimeoutExpired:
            first = None  # it is sent
            look()
    return None


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
