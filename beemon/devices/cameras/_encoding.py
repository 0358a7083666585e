"""When a camera's encoder runs: during recordings, and for a while after each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from beemon.devices.cameras._ring import FrameRing

LINGER_SECONDS = 2.0
"""Time in seconds, from the end of a recording, within which the next one may follow it. Before
that the worker examines the recording, which takes a share of its length on the slowest Pi."""
EXAMINING_SHARE = 0.1


class Encoding:
    """Lets the encoder, which runs at first, rest while nobody records.

    ``start`` and ``stop`` the encoder, whose first frame in the ``ring`` is then a key frame.
    ``always``: it never rests. ``now`` is the time in monotonic seconds. Its methods may be called
    from any thread.
    """

    def __init__(
        self,
        ring: FrameRing,
        start: Callable[[FrameRing], None],
        stop: Callable[[FrameRing], None],
        *,
        always: bool,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_resting = False
        self.ring, self._start, self._stop = ring, start, stop
        self._never_rests, self._now = always, now
        self._users = 0
        self._rest_at = now() + LINGER_SECONDS
        self._lock = Lock()

    @contextmanager
    def on(self) -> Iterator[int | None]:
        """Encode inside; yield the number of the first frame if the encoder was started for that.

        Raises :class:`DeviceError` if it cannot be started.
        """
        begin = self._now()
        with self._lock:
            first = self._begin() if self.is_resting else None
            self._users += 1
        try:
            yield first
        finally:
            now = self._now()
            linger = LINGER_SECONDS + EXAMINING_SHARE * (now - begin)
            with self._lock:
                self._users -= 1
                self._rest_at = max(self._rest_at, now + linger)

    def rest_if_unused(self) -> None:
        """Stop the encoder if nobody records, and no recording can follow the last one any more.

        Raises :class:`DeviceError` if it cannot be stopped.
        """
        with self._lock:
            is_used = self._users or self._now() < self._rest_at
            if not (is_used or self.is_resting or self._never_rests):
                self.is_resting = True
                self._stop(self.ring)

    def end(self) -> None:
        """Leave the encoder as it is from now on."""
        with self._lock:
            self._never_rests = True

    def _begin(self) -> int:
        first = self.ring.end
        self._start(self.ring)
        self.is_resting = False
        return first
