"""One recording's part of the stream of samples."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

from beemon.devices._base import DeviceError
from beemon.devices.microphones.alsa.ring import Ring

POLL_SECONDS = 0.25  # how soon a cancelled recording notices
RETURN_SECONDS = 8.0  # how long a recording waits for a card: the shortest has some 11 s in all


class Cut:
    """The samples from ``begin`` up to ``end``, by their numbers."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin = begin
        self.end = end
        self.first = begin  # the first that was still there
        self.position = begin  # the next one to write
        self.written = 0

    @property
    def overwritten(self) -> int:
        """The number of samples that were lost before they could be written, or never came."""
        return self.position - self.begin - self.written

    def chunks(
        self, ring: Ring, cancelled: Event, patience: float, returns: float = RETURN_SECONDS
    ) -> Iterator[bytes]:
        """The samples as they arrive, until the end or until it is cancelled.

        Raises :class:`DeviceError` where none came for ``patience`` seconds, or for ``returns``
        while the card was away.
        """
        heard = time.monotonic()
        while self.position < self.end and not cancelled.is_set():
            start, data = ring.take(self.position, self.end, POLL_SECONDS)
            if self.written == 0:
                self.first = start
            self.position = start
            if data:
                heard = time.monotonic()
                yield data
                continue
            absence = ring.absence
            if time.monotonic() - heard > (returns if absence else patience):
                raise absence or DeviceError(f"no sound arrived for {patience:g} s")

    def wrote(self, samples: int) -> None:
        """That many more are in the file."""
        self.written += samples
        self.position += samples
