"""Door: the number of the page's connections, and the time that each may take to ask.

aiohttp itself waits for ever for the head of a first request, and takes every connection. A few
hundred idle ones would leave no file for the archive.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

MOST_CONNECTIONS = 256
"""Further ones replace those that have been there longest without a whole request."""
ASKING_SECONDS = 20.0
"""Time for the handshake and the head of the first request."""
BODY_SECONDS = 15.0
"""Time for the body of a request."""
KEPT_SECONDS = 75.0
"""Time that a connection is kept for another request."""
READING_SECONDS = 60.0
"""Time without a byte that the client takes, after which the kernel ends its connection."""
MOST_BYTES = 256 << 10
"""Number of bytes that a client may send until a request of its is answered."""

_TUNNEL = b"CONNECT "  # aiohttp 3.8.4 may answer it with a stack in the log, and then hang


class Door:
    """The open connections of one page."""

    def __init__(
        self, most: int = MOST_CONNECTIONS, asking_seconds: float = ASKING_SECONDS,
        body_seconds: float = BODY_SECONDS, reading_seconds: float = READING_SECONDS,
    ) -> None:
        self.body_seconds, self._reading_seconds = body_seconds, reading_seconds
        self._most, self._asking_seconds = most, asking_seconds
        self._open: dict[object, Visitor] = {}

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._open)

    def prepare(self, listener: socket.socket) -> None:
        """Limit the time that clients of this socket may leave a reply unread."""
        if listener.family != socket.AF_UNIX:  # its connections inherit it, also for sendfile(2)
            listener.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._reading_seconds * 1000)
            )

    def factory(self, make: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """The maker of the protocol of each new connection, for ``loop.create_server``."""
        return lambda: Visitor(make(), self)

    def received(self, connection: object) -> None:
        """A request of this connection is here, to its end."""
        if visitor := self._open.get(connection):
            visitor.has_asked = True

    def answered(self, connection: object) -> None:
        """A request of this connection has been answered."""
        if visitor := self._open.pop(connection, None):
            self._open[connection] = visitor  # as the one that has waited for the shortest time
            visitor.wait(KEPT_SECONDS)

    def enter(self, visitor: Visitor) -> None:
        """Let a new connection in; another one may have to go."""
        if len(self._open) >= self._most:
            waiting = (other for other in self._open.values() if other.may_go)
            next(waiting, visitor).leave()
        self._open[visitor.inner] = visitor
        visitor.wait(self._asking_seconds)

    def forget(self, visitor: Visitor) -> None:
        """A connection has ended."""
        self._open.pop(visitor.inner, None)


class Visitor(asyncio.Protocol):
    """One connection. Everything is passed to aiohttp's own protocol; only the time is kept here.
    """

    def __init__(self, inner: asyncio.Protocol, door: Door) -> None:
        self.inner, self._door = inner, door
        self.has_asked = False
        """Whether all that the client has sent is a whole request."""
        self._unanswered = 0
        self._is_late = False
        self._end: asyncio.TimerHandle | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a request of it is being answered, also by a file that takes long."""
        # aiohttp tells it nowhere else; the tests notice if a later version changes it
        return getattr(self.inner, "_waiter", None) is None

    @property
    def may_go(self) -> bool:
        """Whether nothing is lost without it."""
        return not (self.is_busy and self.has_asked)

    def wait(self, seconds: float) -> None:
        """Wait for a request, for this long."""
        self._stop_clock()
        self._unanswered, self._is_late = 0, False
        self._end = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        if self.is_busy and (self.has_asked or not self._is_late):
            self.wait(KEPT_SECONDS)
            self._is_late = not self.has_asked
        else:
            self.leave()

    def leave(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._door.enter(self)
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        self.has_asked = False
        self._unanswered += len(data)
        if self._unanswered > MOST_BYTES or data.startswith(_TUNNEL):
            self.leave()
        else:
            self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        """The client sends no more."""
        return self.inner.eof_received()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        """The client has read."""
        self.inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        self._stop_clock()
        self._door.forget(self)
        self.inner.connection_lost(error)

    def _stop_clock(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
