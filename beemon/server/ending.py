"""The end of the service: it may begin in any thread, and ends :meth:`Server.start`."""

from __future__ import annotations

import threading
from typing import Protocol


class Closable(Protocol):
    """A part that admits clients or work until it is closed."""

    def close(self) -> None:
        """Let nothing in any more; harmless from any thread, and a second time."""


class Ending:
    """The end of the service and the failure that caused it, if any; it first closes ``closing``.
    """

    def __init__(self, *closing: Closable) -> None:
        self.failure: Exception | None = None
        self.has_begun = False
        self._closing = closing
        self._told = threading.Event()

    def begin(self) -> None:
        """Have the service end; harmless from any thread, and a second time."""
        self.has_begun = True
        for part in self._closing:
            part.close()
        self._told.set()

    def fail(self, failure: Exception) -> None:
        """Have the service end over a failure, which :meth:`Server.start` then raises."""
        self.failure = failure
        self.begin()

    def wait(self) -> None:
        """Return when the end has begun."""
        self._told.wait()
