"""The last seconds of an endless stream of samples, by their number in the stream."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from threading import Condition

from beemon.devices.microphones.alsa.stamps import Moment, least_late

OFFSETS = 40  # how many of the latest arrivals are compared: ten seconds of 250 ms periods
FEW_OFFSETS = 8  # fewer do not tell how far one may be wrong
PERIOD_SECONDS = 0.25  # how much arrives at once, and how far one may be wrong then
CRYSTAL = 100e-6  # by which share a card's seconds may be longer or shorter than ours
GAPS = 1000  # how many are remembered


@dataclass(frozen=True)
class Gap:
    """Frames that never arrived, by the numbers that they would have had: ``end`` is there again.

    Their number comes from the clock, within ``uncertainty`` frames. ``is_overrun``:
    the source was there all the time, and nobody took them in time.
    """

    begin: int
    end: int
    uncertainty: int = 0
    is_overrun: bool = False

    def within(self, begin: int, end: int) -> Gap:
        """The part of it that is within these limits; it may be empty."""
        first = max(self.begin, begin)
        return Gap(first, max(first, min(self.end, end)), self.uncertainty, self.is_overrun)

    def __len__(self) -> int:
        return self.end - self.begin


class Ring:
    """Samples from a source: one thread adds them, and another reads them by number.

    A *frame* is one sample of every channel, ``frame_bytes`` long. A frame is overwritten after
    ``capacity`` later ones. The reader sees the exact loss in the number of the first frame that it
    gets. The source may go away and come back: meanwhile the numbers continue by the clock, without
    frames.
    """

    def __init__(self, frame_bytes: int, capacity: int, rate: int) -> None:
        self._frame_bytes = frame_bytes
        self._capacity = capacity
        self._rate = rate
        self._data = bytearray(frame_bytes * capacity)
        self._end = 0
        self._offsets: deque[float] = deque(maxlen=OFFSETS)
        self._gaps: deque[Gap] = deque(maxlen=GAPS)
        self._absence: Exception | None = None
        self._left = Moment(0.0, 0.0)  # when the last frame before the absence was at the source
        self._latest = 0.0  # by how many seconds one arrived later than the promptest, before that
        self._failure: Exception | None = None
        self._changed = Condition()

    @property
    def end(self) -> int:
        """The number of the next frame to arrive, as if it came just now."""
        with self._changed:
            return self._end + (self._missing(time.monotonic()) if self._absence else 0)

    @property
    def absence(self) -> Exception | None:
        """The reason why the source is away; None if it is there."""
        return self._absence

    def gaps_between(self, begin: int, end: int) -> list[Gap]:
        """The gaps in those frames, while the source was away or was not read."""
        with self._changed:
            return [part for gap in self._gaps if (part := gap.within(begin, end))]

    def append(self, data: bytes, taken: float | None = None) -> None:
        """Add whole frames, at most ``capacity`` at once, that have just arrived.

        ``taken`` is when the next one after them was at the source (monotonic), if that is known.
        """
        with self._changed:
            self._store(data)
            self._end += len(data) // self._frame_bytes
            moment = time.monotonic() if taken is None else taken
            self._offsets.append(moment - self._end / self._rate)
            self._changed.notify_all()

    def leave(self, absence: Exception) -> None:
        """The source has gone away, and may come back."""
        with self._changed:
            if self._absence is None:
                self._left, self._latest = self._last()
            self._absence = absence

    def resume(
        self, data: bytes, taken: Moment | None = None, *, is_overrun: bool = False
    ) -> None:
        """The source is back: the first frames, at most ``capacity``, have just arrived.

        Without a :meth:`leave` before, it was there all the time, and began again by itself. Of an
        overrun the first frames, up to a period, may be from before it.
        """
        with self._changed:
            if self._absence is None:
                self._left, self._latest = self._last()
            frames = len(data) // self._frame_bytes
            back = taken or Moment(time.monotonic(), self._latest)
            missing = self._missing(back.at - frames / self._rate)
            if missing:
                within = self._uncertainty(back, missing)
                within += round(PERIOD_SECONDS * self._rate) if is_overrun else 0
                self._gaps.append(Gap(self._end, self._end + missing, within, is_overrun))
            self._end += missing
            self._absence = None
            self._offsets.clear()
            self.append(data, back.at)

    def fail(self, error: Exception) -> None:
        """End the stream: a reader that waits gets the error."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def take(self, first: int, until: int, timeout: float) -> tuple[int, bytes]:
        """The available frames from ``first`` up to ``until``, and the number of the first one
        returned.

        This number is later than ``first`` if frames were overwritten or never came. It waits up to
        ``timeout`` seconds for at least one frame; after that the result may be empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._end > first or self._failure, timeout)
            if self._end <= first and self._failure is not None:
                raise self._failure
            start = min(until, self._after_gap(max(first, self._end - self._capacity)))
            return start, self._slice(start, min(self._before_gap(start), until))

    def arrival(self, number: int) -> float:
        """When a frame was at the source, on the monotonic clock.

        Frames arrive in bursts, never early: the burst with the least delay tells the time.
        """
        with self._changed:
            return self._offset() + number / self._rate

    def _offset(self) -> float:
        return min(self._offsets, default=time.monotonic() - self._end / self._rate)

    def _missing(self, moment: float) -> int:
        """The number of frames lost in an absence that ends at that moment."""
        return max(0, round((moment - self._left.at) * self._rate))

    def _uncertainty(self, back: Moment, missing: int) -> int:
        """Frames: both ends are late, if at all, so the later of them is what it is wrong by."""
        late = max(self._left.within, back.within)
        return math.ceil(late * self._rate + CRYSTAL * missing) + 1

    def _last(self) -> tuple[Moment, float]:
        """When the last frame was at the source, and how late the latest of them arrived."""
        offset = least_late(self._offsets) if self._offsets else Moment(self._offset(), 0.0)
        at = offset.at + self._end / self._rate
        if len(self._offsets) < FEW_OFFSETS:
            return Moment(at, PERIOD_SECONDS), PERIOD_SECONDS
        return Moment(at, offset.within), max(self._offsets) - offset.at

    def _after_gap(self, number: int) -> int:
        return next((gap.end for gap in self._gaps if gap.begin <= number < gap.end), number)

    def _before_gap(self, number: int) -> int:
        """Up to where the frames from that one on arrived without a gap."""
        return next((gap.begin for gap in self._gaps if gap.begin > number), self._end)

    def _store(self, data: bytes) -> None:
        begin = self._end % self._capacity * self._frame_bytes
        until_wrap = len(self._data) - begin
        self._data[begin : begin + len(data[:until_wrap])] = data[:until_wrap]
        self._data[: len(data[until_wrap:])] = data[until_wrap:]

    def _slice(self, start: int, end: int) -> bytes:
        begin = start % self._capacity * self._frame_bytes
        length = max(0, end - start) * self._frame_bytes
        head = self._data[begin : begin + length]
        return bytes(head + self._data[: length - len(head)])
