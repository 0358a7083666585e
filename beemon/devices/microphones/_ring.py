"""The last seconds of an endless stream of samples, by their number in the stream."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

OFFSETS = 40  # how many of the latest arrivals are compared: ten seconds of 250 ms periods


class Ring:
    """Filled by one thread with what arrives, read by another by number.

    A *frame* is one sample of every channel, ``frame_bytes`` long. What was not taken before
    ``capacity`` later frames arrived is overwritten; the reader learns exactly how much that was
    from the number of the first frame that it gets.
    """

    def __init__(self, frame_bytes: int, capacity: int, rate: int) -> None:
        self._frame_bytes = frame_bytes
        self._capacity = capacity
        self._rate = rate
        self._data = bytearray(frame_bytes * capacity)
        self._end = 0
        self._offsets: deque[float] = deque(maxlen=OFFSETS)
        self._failure: Exception | None = None
        self._changed = Condition()

    @property
    def end(self) -> int:
        """The number of the next frame to arrive."""
        return self._end

    def append(self, data: bytes) -> None:
        """Add whole frames, at most ``capacity`` at once, that have just arrived."""
        with self._changed:
            self._store(data)
            self._end += len(data) // self._frame_bytes
            self._offsets.append(time.monotonic() - self._end / self._rate)
            self._changed.notify_all()

    def interrupted(self) -> None:
        """The source lost something: the frames to come arrive later than their number says."""
        with self._changed:
            self._offsets.clear()

    def fail(self, error: Exception) -> None:
        """Nothing more will arrive; who waits for more gets the error."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def take(self, first: int, until: int, timeout: float) -> tuple[int, bytes]:
        """What there is of the frames from ``first`` up to ``until``, and the number it begins at.

        That is a later one than ``first`` where the frames were overwritten. Waits for one
        frame at least, up to ``timeout`` seconds; after that there may be none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._end > first or self._failure, timeout)
            if self._end <= first and self._failure is not None:
                raise self._failure
            start = min(until, max(first, self._end - self._capacity))
            return start, self._slice(start, min(self._end, until))

    def arrival(self, number: int) -> float:
        """When a frame was at the source, on the monotonic clock.

        Frames arrive in bursts, never early: the burst with the least delay tells the time.
        """
        with self._changed:
            offset = min(self._offsets, default=time.monotonic() - self._end / self._rate)
            return offset + number / self._rate

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
