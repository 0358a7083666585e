"""Counting: the bees in a recorded video, and their flights, after the recording was kept.

The video is read twice, first for the view without bees. The memory does not grow with its length:
some 25 small pictures are kept at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from beemon.base.values import value_class
from beemon.checks.bees import View, learn_view
from beemon.checks.flights import Flights
from beemon.checks.picture import Floats, luma, small
from beemon.media.container import opened

PICTURES, FEWEST = 25, 8
"""The number of pictures to learn a view from, and the least one."""


@value_class
class Counted:
    """The bees of a video: the mean number in view, and the flights out of the view and into it."""

    bees: float
    out: int
    came: int


def count_bees(path: Path, length: float | None = None) -> Counted | None:
    """The bees in a video; ``length`` is that of a bee in its pixels, if it is known.

    None if there are too few pictures. Raises
    :class:`~beemon.media.container.UndecodableError`.
    """
    pictures = list(_some(path, only_key=True))
    if len(pictures) < FEWEST:
        pictures = list(_some(path, only_key=False))
    if len(pictures) < FEWEST:
        return None
    side = _width(path) // pictures[0].shape[1]
    return _count(path, learn_view(pictures, length and length / side))


def _count(path: Path, view: View) -> Counted:
    down, across = view.background.shape
    rate = _rate(path)
    flights = Flights((across, down), view.length, rate)
    counts = []
    for _, picture in _pictures(path):
        bees = view.find_bees(picture)
        counts.append(view.count(bees))
        flights.see(bees)
    flights.finish()
    return Counted(float(np.mean(counts)), flights.out, flights.came)


def _some(path: Path, *, only_key: bool) -> Iterator[Floats]:
    """Pictures from all of the time: key frames alone need less decoding."""
    due, every = 0.0, _seconds(path) / PICTURES
    for time, picture in _pictures(path, only_key=only_key):
        if time >= due:
            due = max(due + every, time)
            yield picture


def _pictures(path: Path, *, only_key: bool = False) -> Iterator[tuple[float, Floats]]:
    with opened(path) as (file, stream):
        stream.codec_context.skip_frame = "NONKEY" if only_key else "DEFAULT"
        for frame in file.decode(stream):
            yield frame.time or 0.0, small(luma(frame))


def _seconds(path: Path) -> float:
    with opened(path) as (file, _):
        return (file.duration or 0) / 1e6


def _width(path: Path) -> int:
    with opened(path) as (_, stream):
        return stream.codec_context.width


def _rate(path: Path) -> float:
    """The number of pictures a second."""
    with opened(path) as (file, stream):
        times = sorted(
            float(packet.pts * packet.time_base)
            for packet in file.demux(stream) if packet.pts is not None and packet.size
        )
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    return 1 / step if step > 0 else 1.0
