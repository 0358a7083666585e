"""Reporter: sends the Orchestrator's reports to the Server, and has nobody wait for it.

The thread that makes a report also sends it, as long as the channel has room. A thread in between
would have to be woken each time. If the Server does not read, the reports wait here, and a thread
sends them in their order.
"""

from __future__ import annotations

import contextlib
import pickle
import select
import threading
from collections import deque
from multiprocessing.connection import Connection

from beemon.protocol.reports import Report

_SMALL_BYTES = 16_384
"""A report of this size fits in any socket that poll(2) calls writable: most of it is free."""


class Reporter:
    """Sends reports over a ``channel``, the socket of a duplex pipe; usable from any thread."""

    def __init__(self, channel: Connection[Report, None]) -> None:
        self._channel = channel
        self._room = select.poll()
        self._room.register(channel, select.POLLOUT)
        self._waiting: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, report: Report) -> None:
        """Send a report without waiting for the Server."""
        data = pickle.dumps(report)
        with self._lock:
            if not self._waiting and len(data) <= _SMALL_BYTES and self._room.poll(0):
                self._give(data)
                return
            self._waiting.append(data)
            if len(self._waiting) == 1:
                self._thread = threading.Thread(
                    target=self._send_waiting, name="reporter", daemon=True
                )
                self._thread.start()

    def finish(self, seconds: float) -> None:
        """Return when every report is sent, but after ``seconds`` in any case."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _send_waiting(self) -> None:
        is_more = True
        while is_more:
            self._give(self._waiting[0])
            with self._lock:  # until then nobody else sends
                self._waiting.popleft()
                is_more = bool(self._waiting)  # if not, the next to wait gets a thread of its own

    def _give(self, data: bytes) -> None:
        """Send a report; if the Server has gone, drop it: this process ends, too."""
        with contextlib.suppress(OSError):
            self._channel.send_bytes(data)
