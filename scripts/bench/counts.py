"""Whether recordings made back to back hold every frame and every sample, once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
from plugin import measured_camera

from beemon.devices.cameras.simulated.planes import pixels

MARK = 4096  # samples by which a recording's place in what was played is found


@dataclass(frozen=True)
class Count:
    """What recordings hold: how many, those missing between the first and the last, and others."""

    held: int
    lost: int
    wrong: int

    @property
    def is_whole(self) -> bool:
        """Nothing is missing, nothing is there twice or at the wrong time."""
        return not self.lost and not self.wrong


def frames(films: Sequence[Path], rate: int) -> Count:
    """By the numbers in the pictures; a frame that is not shown when it is due is wrong."""
    numbers, wrong = [], 0
    for film in films:
        for place, (time, number) in enumerate(_shown(film)):
            numbers.append(number)
            wrong += abs(time - place / rate) > 0.5 / rate
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    lost = sum(step - 1 for step in steps if step > 1)
    return Count(len(numbers), lost, wrong + sum(step < 1 for step in steps))


def _shown(film: Path) -> Iterator[tuple[float, int]]:
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            yield float(frame.time), measured_camera.read(pixels(frame.planes[0]))


def samples(sounds: Sequence[Path], played: bytes) -> Count:
    """Each is looked up in what was played, over and over; the next begins where one ended."""
    source = np.frombuffer(played, "<i2")
    held = lost = wrong = 0
    expected = None
    for sound in sounds:
        heard, _ = soundfile.read(str(sound), dtype="int16")
        begin = _place(heard[:MARK], source, expected)
        if expected is not None:
            lost += (begin - expected) % len(source)
        wrong += int((heard != _played(source, begin, len(heard))).sum())
        held += len(heard)
        expected = (begin + len(heard)) % len(source)
    return Count(held, lost, wrong)


def _place(mark: np.ndarray, source: np.ndarray, expected: int | None) -> int:
    """Where in what was played those samples are: as expected, or wherever else they are found."""
    if expected is not None and (mark == _played(source, expected, len(mark))).all():
        return expected
    twice = np.concatenate([source, source[: len(mark)]])
    place = twice.tobytes().find(mark.tobytes())
    if place < 0 or place % 2:
        raise ValueError("a recording begins with what was never played")
    return place // 2


def _played(source: np.ndarray, begin: int, length: int) -> np.ndarray:
    return np.take(source, range(begin, begin + length), mode="wrap")
