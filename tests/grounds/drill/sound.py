"""A microphone: the real arecord, on ALSA's own file plug-in, which hears what comes by a pipe."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np

from tests.grounds.drill.case import Case, Rig, Stand
from tests.grounds.drill.processes import others, parent_of
from tests.grounds.sound import PERIOD, FakeMicrophone

RATE = 48_000
PERIOD_SECONDS = 0.25
WELL, MUTE, SILENT, STUCK, CLIPPED = "well", "mute", "silent", "stuck", "clipped"
PCM = "drillmic"
OWN = f"DRILL={os.getpid()}".encode()


class Sound(FakeMicrophone):
    """What the microphone hears: a quarter of a second at a time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, PCM, bytes(2 * PERIOD))
        self.heard = WELL
        self._chance = np.random.default_rng(1)

    def become(self, what: str) -> None:
        self.heard = what

    def _feed(self, pace: float, period: int) -> None:
        """Again for each arecord that opens the pipe."""
        while not self._stopped.is_set():
            with contextlib.suppress(BrokenPipeError), self.fifo.open("wb", buffering=0) as pipe:
                self._write(pipe.fileno())

    def _write(self, pipe: int) -> None:
        """In real time, until nobody reads any more."""
        due = time.monotonic()
        while not self._stopped.is_set():
            if self.heard != MUTE:
                os.write(pipe, self._period())
            due = max(due, time.monotonic() - PERIOD_SECONDS) + PERIOD_SECONDS
            self._stopped.wait(max(0.0, due - time.monotonic()))

    def _period(self) -> bytes:
        samples = round(RATE * PERIOD_SECONDS)
        hum = 2000 * np.sin(2 * np.pi * 250 * np.arange(samples) / RATE)
        well = hum + 300 * self._chance.standard_normal(samples)
        made = {SILENT: 0 * hum, STUCK: 0 * hum + 1234, CLIPPED: np.sign(well) * 32767}
        return made.get(self.heard, well).astype("<i2").tobytes()


def stand(folder: Path) -> Stand:
    """One microphone."""
    sound = Sound(folder)
    sound.start(PERIOD_SECONDS)
    cases = [
        _lies(sound, "hangs", "the card gives nothing any more", MUTE, "device-error", brief=True),
        Case("dies", "arecord is killed", "device-error", begin=_kill_arecord),
        Case("dies", "its worker is killed", "worker-died", "restarts", victim=worker_of_arecord),
        _lies(sound, "lies", "every sample is zero", SILENT, "check-failed"),
        _lies(sound, "lies", "every sample is at full scale", CLIPPED, "check-failed"),
        _lies(sound, "freezes", "every sample is the same", STUCK, "check-failed"),
    ]
    rig = Rig("microphone.alsa", "alsa", f'driver = "alsa"\npcm = "{PCM}"\ntimeout = "1s"', cases)
    return Stand([rig], environment={"ALSA_CONFIG_PATH": str(sound.config)}, close=sound.stop)


def _lies(sound: Sound, fault: str, what: str, heard: str, reason: str, *,
          brief: bool = False) -> Case:
    return Case(fault, what, reason, begin=partial(sound.become, heard),
                end=partial(sound.become, WELL), lag=1.0, brief=brief)


def arecord() -> Path | None:
    """The folder in /proc of the process that records from this drill's microphone."""
    for folder in others():
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if PCM.encode() in words and OWN in (folder / "environ").read_bytes().split(b"\0"):
                return folder
    return None


def worker_of_arecord() -> int | None:
    """The worker that holds the microphone."""
    found = arecord()
    return parent_of(found) if found else None


def _kill_arecord() -> None:
    if found := arecord():
        os.kill(int(found.name), signal.SIGKILL)
