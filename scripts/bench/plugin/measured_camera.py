"""The simulated camera, whose pictures bear their number and whose encoder is timed.

A driver of a package of its own, so that the service that is measured is the one that people run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from beemon.base.recording import RecordingFacts
from beemon.devices.cameras import simulated
from beemon.devices.cameras._frames import Frame
from beemon.devices.cameras._h264 import H264Encoder

Settings = simulated.Settings

BITS, CELL = 24, 16  # cells of so many pixels across and down, along the upper edge


class Driver(simulated.Driver):
    """Its recordings also say what encoding them and drawing their pictures took this thread."""

    def record(
        self, path: Path, seconds: float, cancelled: Event, *, follows: bool
    ) -> RecordingFacts:
        self._drawing = 0.0
        facts = super().record(path, seconds, cancelled, follows=follows)
        spent = {"encoding_seconds": self._timed.seconds, "drawing_seconds": self._drawing}
        return replace(facts, more={**facts.more, **spent})

    def _encoder(self) -> H264Encoder:
        self._timed = TimedEncoder(*self._format())
        return self._timed

    def _draw(self, frame: Any, number: int) -> Any:
        from beemon.devices.cameras.simulated.planes import pixels

        began = time.thread_time()
        picture = super()._draw(frame, number)
        write(number, pixels(picture.planes[0]))
        self._drawing += time.thread_time() - began
        return picture


class TimedEncoder(H264Encoder):
    """It has one thread, the caller's, so that thread's clock tells all that it takes."""

    seconds = 0.0

    def encode(self, picture: Any, time_us: int, *, key: bool = False) -> Iterator[Frame]:
        began = time.thread_time()
        frames = list(super().encode(picture, time_us, key=key))
        self.seconds += time.thread_time() - began
        return iter(frames)


def write(number: int, luma: Any) -> None:
    """A cell for each bit, light or dark, and one beside it that is the other."""
    for bit in range(BITS):
        light = number >> bit & 1
        for cell, is_light in ((2 * bit, light), (2 * bit + 1, not light)):
            luma[:CELL, cell * CELL : (cell + 1) * CELL] = 235 if is_light else 16


def read(luma: Any) -> int:
    """The number that a picture bears. Raises ValueError where it bears none."""
    cells = luma[:CELL, : 2 * BITS * CELL].reshape(CELL, -1, CELL).mean(axis=(0, 2)) > 128
    if (cells[::2] == cells[1::2]).any():
        raise ValueError("the picture bears no number")
    return sum(1 << bit for bit, light in enumerate(cells[::2]) if light)
