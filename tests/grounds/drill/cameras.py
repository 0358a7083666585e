"""Cameras: picamera2 over a stand-in for libcamera, and USB cameras' driver over a pipe."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import threading
import time
from functools import partial
from pathlib import Path

import av

from beemon.devices.cameras._jpeg import jpeg
from beemon.devices.cameras.simulated.entrance import Entrance
from tests.grounds.drill.case import Case, Rig, Stand
from tests.grounds.drill.processes import holder
from tests.grounds.tree import PROJECT

WIDTH, HEIGHT, RATE = 320, 240, 10
SIZE = f'width = {WIDTH}\nheight = {HEIGHT}\nframe_rate = {RATE}\ntimeout = "1s"\nwarm_up = "0s"\n'
PICTURES = 40
WELL, STOPPED, FROZEN, CORRUPT = "well", "stopped", "frozen", "corrupt"


def pi(folder: Path) -> Stand:
    """A Raspberry Pi's camera; what ails it is a file in a folder."""
    grip = folder / "pi"
    grip.mkdir()
    cases = [
        _grip(grip, "hangs", "the frontend times out: no frame comes", "stalled", "restarts",
              "stall", brief=True),
        _grip(grip, "dies", "libcamera crashes", "worker-died", "restarts", "crash"),
        _grip(grip, "lies", "grey in grey", "check-failed", "reopened", "grey"),
        _grip(grip, "freezes", "the same picture and time again", "check-failed", "reopened",
              "freeze"),
        _grip(grip, "lies and hangs", "grey, and does not stop when closed", "stalled",
              "restarts", "grey", "stop-hangs"),
    ]
    config = f'driver = "picamera2"\nencoder = "software"\n{SIZE}'
    return Stand([Rig("camera.pi", "picamera2", config, cases)],
                 environment={"PI_CAMERA": str(grip)},
                 path=[str(PROJECT / "tests/grounds/pi_modules")])


def _grip(grip: Path, fault: str, what: str, reason: str, tier: str, *how: str,
          brief: bool = False) -> Case:
    def begin() -> None:
        for name in how:
            (grip / name).touch()

    def end() -> None:
        for name in how:
            (grip / name).unlink()

    return Case(fault, what, reason, tier, begin, end, lag=1.0, brief=brief)


class Pipe:
    """A USB camera: a thread that writes pictures into a pipe."""

    def __init__(self, folder: Path) -> None:
        self.fifo = folder / "pictures"
        self.sends = WELL
        self.is_plugged = threading.Event()
        self.is_plugged.set()
        os.mkfifo(self.fifo)
        entrance = Entrance(WIDTH, HEIGHT, 1)
        self._pictures = [
            jpeg(av.VideoFrame.from_ndarray(entrance.picture(number / 10), format="rgb24"))
            for number in range(PICTURES)
        ]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def become(self, what: str) -> None:
        self.sends = what

    def close(self) -> None:
        self._over.set()
        self.is_plugged.set()
        with contextlib.suppress(OSError):  # it may wait for a reader
            reader = os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK)
            self._thread.join()
            os.close(reader)

    def _feed(self) -> None:
        while not self._over.is_set():
            self.is_plugged.wait()
            with contextlib.suppress(BrokenPipeError), self.fifo.open("wb", buffering=0) as pipe:
                self._write(pipe.fileno())

    def _write(self, pipe: int) -> None:
        due = time.monotonic()
        for picture in itertools.cycle(self._pictures):
            if self._over.is_set() or not self.is_plugged.is_set():
                return
            if self.sends != STOPPED:
                _write_all(pipe, self._sent(picture))
            due = max(due + 1 / RATE, time.monotonic())
            self._over.wait(max(0.0, due - time.monotonic()))

    def _sent(self, picture: bytes) -> bytes:
        if self.sends == FROZEN:
            return self._pictures[0]
        return random.randbytes(len(picture)) if self.sends == CORRUPT else picture


def _write_all(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data):]


def usb(folder: Path) -> Stand:
    """A USB camera."""
    pipe = Pipe(folder)
    cases = [
        _pipe(pipe, "hangs", "no picture comes any more", STOPPED, "stalled", "restarts"),
        Case("dies", "its worker is killed", "worker-died", "restarts",
             victim=partial(holder, pipe.fifo)),
        Case("is gone", "the camera is unplugged", "device-error", lag=1.0,
             begin=pipe.is_plugged.clear, end=pipe.is_plugged.set),
        _pipe(pipe, "lies", "pictures made of random bytes", CORRUPT, "stalled", "restarts"),
        _pipe(pipe, "freezes", "the same picture again", FROZEN, "check-failed", "reopened",
              brief=True),
    ]
    config = f'driver = "jpegs"\ndevice = "{pipe.fifo}"\n{SIZE}'
    return Stand([Rig("camera.usb", "v4l2", config, cases, seconds=3)], close=pipe.close)


def _pipe(pipe: Pipe, fault: str, what: str, sends: str, reason: str, tier: str, *,
          brief: bool = False) -> Case:
    return Case(fault, what, reason, tier, partial(pipe.become, sends),
                partial(pipe.become, WELL), lag=1.0, brief=brief)
