"""The last seconds of a stream of encoded frames, by their number in the stream."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Condition

from beemon.devices._base import DeviceError
from beemon.devices.cameras._frames import Frame

LARGEST_BYTES = 48 << 20  # a tenth of the smallest Pi's memory


@dataclass(frozen=True)
class Arrival:
    """A frame with its number, and when its picture was taken (monotonic seconds)."""

    number: int
    frame: Frame
    taken: float
    bad: int = 0
    """Number of pictures of the stream left out before it, because they cannot be shown."""


class FrameRing:
    """Frames from an encoder: one thread adds them, and others read them by number.

    Frames older than ``seconds``, or beyond :data:`LARGEST_BYTES`, are dropped. A reader that is
    late sees the loss in the number of the first frame that it gets.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._arrivals: deque[Arrival] = deque()
        self._bytes = 0
        self._end = 0
        self._bad = 0
        self._heard = time.monotonic()
        self._failure: DeviceError | None = None
        self._changed = Condition()

    @property
    def end(self) -> int:
        """The number of the next frame to arrive."""
        return self._end

    @property
    def silence(self) -> float:
        """For how many seconds nothing has arrived."""
        return time.monotonic() - self._heard

    @property
    def bad(self) -> int:
        """The number of pictures left out so far."""
        return self._bad

    def leave_out(self) -> None:
        """A picture arrived that cannot be shown."""
        with self._changed:
            self._bad += 1

    def pass_over(self) -> None:
        """A picture arrived that nobody wants encoded. It has its number in the stream, too."""
        with self._changed:
            self._end += 1
            self._heard = time.monotonic()

    def append(self, frame: Frame, taken: float) -> None:
        """Add a frame whose picture was taken at that moment (monotonic seconds)."""
        with self._changed:
            self._arrivals.append(Arrival(self._end, frame, taken, self._bad))
            self._bytes += len(frame.data)
            self._end += 1
            self._heard = time.monotonic()
            while self._bytes > LARGEST_BYTES or taken - self._arrivals[0].taken > self._seconds:
                self._bytes -= len(self._arrivals.popleft().frame.data)
            self._changed.notify_all()

    def fail(self, error: DeviceError) -> DeviceError:
        """End the stream: readers that wait get this error, or an earlier one."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()
            return self._failure

    def take(self, number: int, timeout: float) -> list[Arrival]:
        """The frames that there are from that number on.

        Waits for one at least, up to ``timeout`` seconds; after that there may be none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._has(number) or self._failure, timeout)
            if self._failure and not self._has(number):
                raise self._failure
            return list(reversed(list(self._back_to(number))))

    def key_at(self, number: int) -> int | None:
        """The last key frame up to that number, if it is still there."""
        with self._changed:
            keys = (a.number for a in reversed(self._arrivals) if a.frame.is_key)
            return next((key for key in keys if key <= number), None)

    def key_before(self, moment: float) -> int | None:
        """The last key frame taken by then (monotonic), or the first of those taken later."""
        with self._changed:
            keys = [a for a in self._arrivals if a.frame.is_key]
        earlier = [key.number for key in keys if key.taken <= moment]
        later = [key.number for key in keys if key.taken > moment]
        return earlier[-1] if earlier else next(iter(later), None)

    def _has(self, number: int) -> bool:
        return bool(self._arrivals) and self._arrivals[-1].number >= number

    def _back_to(self, number: int) -> Iterator[Arrival]:
        for arrival in reversed(self._arrivals):
            if arrival.number < number:
                return
            yield arrival
