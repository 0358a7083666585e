"""Stamps: the time at which a card took its samples, from the kernel's count of them.

Sound reaches this process some milliseconds late, and later still if the processor is busy. The
kernel's count is better. ``/proc/asound/<card>/pcm<device>c/sub<n>/status`` holds the number of
frames that the card has taken (``hw_ptr``) since the stream began (``trigger_time``). The card
updates the count in steps of a few milliseconds at most. So a single look is never too early, and
is late by up to one step. Of several looks the least late one is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc/asound")
EVERY_SECONDS = 0.1  # more looks cost more than they tell
LOOKS, LOOK_SECONDS = 15, 0.002  # of a stream that has just begun: longer than a step
LATE_SECONDS = 5.0  # a stream that began at another time than it says has another clock


@dataclass(frozen=True)
class Moment:
    """The time at the source (monotonic), and its largest error in seconds."""

    at: float
    within: float


def least_late(moments: Collection[float]) -> Moment:
    """The earliest of several times that are never too early, and the delay of nine in ten of them.

    The tenth was held up by the processor, which tells nothing of the source.
    """
    earliest, *_ = later = sorted(moments)
    return Moment(earliest, later[9 * (len(later) - 1) // 10] - earliest)


@dataclass(frozen=True)
class Status:
    """The kernel's status of a running stream: the frames taken so far, and the start time."""

    frames: int
    began: str


@dataclass(frozen=True)
class Params:
    """The kernel's parameters of a stream, as the card delivers it."""

    rate: int
    channels: int
    format: str


class Stamps:
    """The stream that the process ``pid`` takes from the device of a card in ``folder``."""

    def __init__(
        self, folder: Path, pid: int, rate: int, longest: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """The process is never more than ``longest`` seconds behind the card."""
        self._folder, self._pid, self._rate = folder, str(pid), rate
        self._longest = longest
        self._now = now
        self._looked = float("-inf")
        self._origin: float | None = None
        self._began: str | None = None

    def taken(self, frames: int) -> float | None:
        """When the frame of this number was at the card; None where the kernel does not say.

        ``frames`` are those that have come from the stream. After an overrun the kernel counts
        again, and then it cannot be said.
        """
        if self._now() - self._looked > EVERY_SECONDS:
            self._looked, self._origin = self._now(), self._look(frames)
        return None if self._origin is None else self._origin + frames / self._rate

    def settled(self, frames: int, pause: Callable[[float], None] = time.sleep) -> Moment | None:
        """The same by many looks, so that it is known how far a single one may be wrong."""
        origins = []
        for _ in range(LOOKS):
            if (look := self._look(frames)) is not None:
                origins.append(look)
            pause(LOOK_SECONDS)
        if not origins:
            return None
        origin = least_late(origins)
        self._looked, self._origin = self._now(), origin.at
        return Moment(origin.at + frames / self._rate, origin.within)

    def params(self) -> Params | None:
        """The real parameters of the card; None if the kernel does not state them."""
        for file in self._folder.glob("sub*/status"):
            if status_in(file, self._pid) is not None:
                return params_in(file.with_name("hw_params"))
        return None

    def _status(self) -> Status | None:
        files = self._folder.glob("sub*/status")
        return next((found for file in files if (found := status_in(file, self._pid))), None)

    def _look(self, frames: int) -> float | None:
        """When the first frame was taken, by the kernel's count at this moment."""
        status = self._status()
        now = self._now()
        if status is None:
            return None
        self._began = self._began or status.began
        origin = now - status.frames / self._rate
        is_known = (
            status.began == self._began
            and 0 <= status.frames - frames <= self._longest * self._rate
            and abs(origin - float(status.began)) < LATE_SECONDS
        )
        return origin if is_known else None


def status_in(file: Path, pid: str) -> Status | None:
    """The status in a stream's file, if the stream runs and belongs to that process."""
    said = _said_in(file)
    if said.get("state") != "RUNNING" or said.get("owner_pid") != pid:
        return None
    return Status(int(said["hw_ptr"]), said["trigger_time"])


def params_in(file: Path) -> Params | None:
    """The parameters in a stream's ``hw_params``: ``rate: 48000 (48000/1)``, ``channels: 1``, ...
    """
    said = _said_in(file)
    try:
        return Params(int(said["rate"].split()[0]), int(said["channels"]), said["format"])
    except (KeyError, ValueError, IndexError):  # closed, or of a kernel that says it otherwise
        return None


def _said_in(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text().splitlines()
    except OSError:  # the card is being unplugged
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
