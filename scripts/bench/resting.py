"""What a camera takes that records for 30 s of every 5 min: one that rests between its slots, and
one that encodes all the time for its pre-roll. `scripts/bench-power` runs both side by side.

The camera is the USB cameras' driver over a pipe of JPEG pictures, which the processor encodes, as
on a Pi 5. Processor time is that of the whole service, so that starting a worker for each slot
counts. The camera is on for as long as its pipe is open.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av
import services
import usage
from table import Row

from beemon.devices.cameras._jpeg import jpeg
from beemon.devices.cameras.simulated.entrance import Entrance

WIDTH, HEIGHT, RATE = 1280, 720, 30
SLOT_SECONDS, PERIOD_SECONDS = 30, 300
PICTURES = 30
SETTLE_SECONDS = 45.0  # after the start, until the camera that was tried has been closed
TARGET = 0.15  # a tenth is recorded; the rest is for opening it and for its warm-up
DRIVER = services.PROJECT / "tests/grounds/drill/modules"  # adds the driver `jpegs`


class PipedCamera:
    """Writes pictures into a pipe, and knows for how long anybody has it open."""

    def __init__(self, fifo: Path, pictures: list[bytes]) -> None:
        os.mkfifo(fifo)
        self._fifo, self._pictures = fifo, pictures
        self._over = threading.Event()
        self._on, self._opened_at = 0.0, 0.0
        self._lock = threading.Lock()
        threading.Thread(target=self._feed, daemon=True).start()

    def on_seconds(self) -> float:
        """For how long it has been on so far."""
        with self._lock:
            return self._on + (time.monotonic() - self._opened_at if self._opened_at else 0.0)

    def close(self) -> None:
        """Send nothing more."""
        self._over.set()

    def _feed(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(BrokenPipeError), self._fifo.open("wb", buffering=0) as pipe:
                self._opened_at = time.monotonic()
                self._send(pipe.fileno())
            with self._lock:
                self._on, self._opened_at = self._on + time.monotonic() - self._opened_at, 0.0

    def _send(self, pipe: int) -> None:
        due = time.monotonic()
        for picture in itertools.cycle(self._pictures):
            rest = memoryview(picture)
            while rest:
                rest = rest[os.write(pipe, rest) :]
            due = max(due + 1 / RATE, time.monotonic())
            if self._over.wait(max(0.0, due - time.monotonic())):
                return


def measure(folder: Path, minutes: float) -> Iterator[Row]:
    """Both for the same time, which is rounded to whole periods: any of them has one slot."""
    entrance = Entrance(WIDTH, HEIGHT, 1)
    pictures = [
        jpeg(av.VideoFrame.from_ndarray(entrance.picture(number / RATE), format="rgb24"))
        for number in range(PICTURES)
    ]
    with ExitStack() as stack:
        running = {}
        for name, options in (("rests", ""), ("encodes", 'pre_roll = "1s"')):
            camera = PipedCamera(folder / name, pictures)
            stack.callback(camera.close)
            service = stack.enter_context(_service(folder, name, options).running())
            running[name] = camera, service.pid
        time.sleep(SETTLE_SECONDS)
        seconds = max(1, round(minutes * 60 / PERIOD_SECONDS)) * PERIOD_SECONDS
        before = {name: _spent(*of) for name, of in running.items()}
        time.sleep(seconds)
        hourly = {
            name: [3600 / seconds * (now - was) for now, was in zip(
                _spent(*of), before[name], strict=True
            )]
            for name, of in running.items()
        }
    for what, rests, encodes in zip(
        ("processor", "camera on"), hourly["rests"], hourly["encodes"], strict=True
    ):
        yield Row(f"a camera, {SLOT_SECONDS} s of every {PERIOD_SECONDS // 60} min: {what}", rests,
                  "s/h", "with pre-roll", encodes, rests / encodes, TARGET)


def _service(folder: Path, name: str, options: str) -> services.Beemon:
    own = folder / f"{name}-service"
    own.mkdir()
    device = (
        f'[camera.entrance]\ndriver = "jpegs"\ndevice = "{folder / name}"\n'
        f"width = {WIDTH}\nheight = {HEIGHT}\nframe_rate = {RATE}\n{options}\n"
        f'[camera.entrance.schedule]\ninterval = "{PERIOD_SECONDS}s"\n'
        f'duration = "{SLOT_SECONDS}s"\n'
    )
    paths = os.pathsep.join(map(str, (services.PROJECT, DRIVER)))
    return services.Beemon(own, device, PYTHONPATH=paths)


def _spent(camera: PipedCamera, service: int) -> tuple[float, float]:
    """Processor seconds and seconds on, so far."""
    return usage.cpu_seconds(service), camera.on_seconds()
