"""One recording's part of a camera's stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Event

from beemon.base.moments import US_PER_SECOND
from beemon.base.recording import RecordingFacts
from beemon.devices._base import began
from beemon.devices.cameras._ring import Arrival, FrameRing

POLL_SECONDS = 0.25  # how soon a cancelled recording notices
STANDS_SECONDS = 3.0  # how far the frames' own clock may fall behind


@dataclass
class Film:
    """The frames of a recording: ``seconds`` from ``begin``, from the first key frame at
    ``number``.

    ``begin`` is the time of the request in monotonic seconds, or None if the first frame counts as
    the beginning. Frames before ``begin`` are pre-roll. If frames were dropped before they were
    taken, the recording continues at the next key frame, because the frames in between cannot be
    shown.
    """

    ring: FrameRing
    number: int
    seconds: float
    asked_rate: int
    begin: float | None = None
    first: Arrival | None = None
    last: Arrival | None = None
    frames: int = 0
    lost: int = 0
    repeated: int = 0  # frames that are no later than the one before
    longest_gap: float = 0.0

    def arrivals(self, cancelled: Event) -> Iterator[Arrival]:
        """The frames as they arrive, until the end or until it is cancelled.

        There is always one, for an empty video is no recording.
        """
        while self.first is None or not cancelled.is_set():
            for arrival in self.ring.take(self.number, POLL_SECONDS):
                if self._is_over(arrival):
                    return
                if self._can_be_shown(arrival):
                    self._count(arrival)
                    yield arrival
                self.number = arrival.number + 1

    @property
    def length(self) -> float:
        """Seconds from the first frame to the end of the last, shown as long as the others."""
        if self.first is None or self.last is None:
            return 0.0
        if self.frames == 1:
            return 1 / self.asked_rate
        return self._shown * self.frames / (self.frames - 1)

    @property
    def _shown(self) -> float:
        """Seconds from the first frame to the last."""
        if self.first is None or self.last is None:
            return 0.0
        return (self.last.frame.time_us - self.first.frame.time_us) / US_PER_SECOND

    @property
    def bad(self) -> int:
        """The number of pictures left out between the first and the last."""
        return self.last.bad - self.first.bad if self.first and self.last else 0

    @property
    def rate(self) -> float | None:
        """The pictures per second by their times; None for a single picture."""
        came = self.frames + self.lost + self.bad
        return (came - 1) / self._shown if self._shown > 0 else None

    def facts(self) -> RecordingFacts:
        """The facts of a recording about its frames."""
        first, begin = self.first, self.begin
        facts = RecordingFacts()
        if first is not None:
            pre_roll = None if begin is None else max(0.0, begin - first.taken)
            facts = replace(
                began(first.taken),
                first_frame=first.number, longest_gap=self.longest_gap, pre_roll=pre_roll,
            )
        return replace(
            facts, seconds=self.length, frames=self.frames, lost_frames=self.lost,
            bad_pictures=self.bad or None,
        )

    def _is_over(self, arrival: Arrival) -> bool:
        if self.first is None:
            return False
        begin = self.first.taken if self.begin is None else max(self.begin, self.first.taken)
        ahead = begin - self.first.taken  # a clock of the frames' own says how long it takes
        shown = (arrival.frame.time_us - self.first.frame.time_us) / US_PER_SECOND
        if arrival.taken - begin > self.seconds + STANDS_SECONDS:
            return True  # a clock that stands would never end it
        return shown >= ahead + self.seconds - 0.5 / self.asked_rate

    def _can_be_shown(self, arrival: Arrival) -> bool:
        expected = self.last.number + 1 if self.last else arrival.number
        missing = arrival.number - expected
        return arrival.frame.is_key or (self.last is not None and not missing)

    def _count(self, arrival: Arrival) -> None:
        if self.last is not None:
            self.lost += arrival.number - self.last.number - 1
            gap = (arrival.frame.time_us - self.last.frame.time_us) / US_PER_SECOND
            self.longest_gap = max(self.longest_gap, gap)
            self.repeated += gap <= 0
        self.first = self.first or arrival
        self.last = arrival
        self.frames += 1
