"""Door: the number of the page's connections, and the time and memory that each may take.

aiohttp itself waits for ever for the head of a first request, takes every connection, and reads
all requests that a client sends at once. A few hundred clients would leave no file for the archive,
and a few of them no memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from asyncio import sslproto
from collections.abc import Callable
from typing import Any, cast

from aiohttp import StreamReader, web

from beemon.web.intake import Intake, RefusedError

MOST_CONNECTIONS = 128
"""Further ones replace those that have been there longest without a whole request."""
ASKING_SECONDS = 20.0
"""Time for the handshake, and then for the head of the first request."""
BODY_SECONDS = 15.0
"""Time for the body of a request."""
KEPT_SECONDS = 75.0
"""Time that a connection is kept for another request."""
READING_SECONDS = 60.0
"""Time without a byte that the client takes, after which the kernel ends its connection."""
PIECE = 4096
"""Number of bytes that are read from a client at once."""
UNSENT = 64 << 10
"""Number of bytes of a reply that wait for a client at once."""
_TLS_BUFFER = 32 << 10
"""The same of asyncio's TLS, which would keep 256 KB of each client."""

class Door:
    """The open connections of one page."""

    def __init__(
        self, most: int = MOST_CONNECTIONS, asking_seconds: float = ASKING_SECONDS,
        body_seconds: float = BODY_SECONDS, reading_seconds: float = READING_SECONDS,
    ) -> None:
        self.asking_seconds, self.body_seconds = asking_seconds, body_seconds
        self._most, self._reading_seconds = most, reading_seconds
        self._open: dict[object, Visitor] = {}
        self.buffer = memoryview(bytearray(PIECE))
        """The bytes that are being read now; none stay in it."""

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._open)

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered, also by a file that takes long."""
        return any(not visitor.may_go for visitor in self._open.values())

    def prepare(self, listener: socket.socket) -> None:
        """Limit the time that clients of this socket may leave a reply unread."""
        if listener.family != socket.AF_UNIX:  # its connections inherit it, also for sendfile(2)
            listener.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._reading_seconds * 1000)
            )

    def factory(
        self, server: web.Server, settings: dict[str, Any], tls: ssl.SSLContext | None = None
    ) -> Callable[[], asyncio.BaseProtocol]:
        """The maker of the protocol of each new connection, for ``loop.create_server``."""
        def make() -> asyncio.BaseProtocol:
            loop = asyncio.get_running_loop()
            visitor = Visitor(Answerer(self, server, loop=loop, **settings), self)
            return Greeter(visitor, tls) if tls else visitor

        if tls:
            sslproto.SSLProtocol.max_size = _TLS_BUFFER
        return make

    def begun(self, request: web.Request) -> None:
        """A request is here, to the end of its head; its body may be read."""
        if visitor := self._open.get(request.protocol):
            visitor.begin(request)

    def received(self, request: web.Request, *, is_stream: bool) -> None:
        """A request is here, to its end; the reply to some has no end."""
        if visitor := self._open.get(request.protocol):
            visitor.has_asked, visitor.is_stream = True, is_stream

    def answered(self, connection: object) -> None:
        """A request of this connection has been answered, to the end of the reply."""
        if visitor := self._open.pop(connection, None):
            self._open[connection] = visitor  # as the one that has waited for the shortest time
            visitor.go_on()

    def enter(self, visitor: Visitor) -> bool:
        """Let a new connection in, if it is not the one that has to go; another one may have to."""
        if len(self._open) >= self._most:
            if (other := self._most_expendable()) is None:
                return False
            self.forget(other)
            other.leave()
        self._open[visitor.inner] = visitor
        visitor.wait(self.asking_seconds)
        return True

    def _most_expendable(self) -> Visitor | None:
        """The one who has waited for longest, or has read a reply for longest if few are waiting.

        Otherwise a crowd that reads its replies slowly would leave nobody the time to ask.
        """
        waiting = [one for one in self._open.values() if one.may_go]
        reading = [one for one in self._open.values() if not (one.may_go or one.is_stream)]
        first = waiting if len(waiting) > self._most // 4 else reading
        return next(iter(first or waiting or reading), None)

    def forget(self, visitor: Visitor) -> None:
        """A connection has ended."""
        self._open.pop(visitor.inner, None)


class Answerer(web.RequestHandler):
    """aiohttp's own protocol; it tells the door of the end of each reply."""

    def __init__(self, door: Door, server: web.Server, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._door = door

    async def finish_response(self, *told: Any) -> Any:
        """Send a reply, also a file that takes long."""
        try:
            return await super().finish_response(*told)
        finally:
            self._door.answered(self)

    def log_exception(self, *told: Any, **more: Any) -> None:
        """Log a defect, but none of the many errors of asyncio and aiohttp for a client that left.
        """
        if self.transport is not None and not self.transport.is_closing():
            super().log_exception(*told, **more)


class Visitor(asyncio.BufferedProtocol):
    """One connection. Its bytes are given to aiohttp's own protocol in bounded pieces."""

    def __init__(self, inner: Answerer, door: Door) -> None:
        self.inner, self.door = inner, door
        self.is_busy = self.has_asked = self.is_stream = False
        """Whether a request is being answered, is here to its end, and has a reply without one."""
        self._intake = Intake(inner.data_received)
        self._is_late = self._is_gone = False
        self._content: StreamReader | None = None
        self._end: asyncio.TimerHandle | None = None

    @property
    def may_go(self) -> bool:
        """Whether nothing is lost without it."""
        return not (self.is_busy and self.has_asked)

    def begin(self, request: web.Request) -> None:
        """Answer a request, whose head is here."""
        self.is_busy, self._content = True, request.content
        self._let(lambda: self._intake.expect_body(request.content_length or 0))

    def go_on(self) -> None:
        """Wait for the next request; it may be here already."""
        self.is_busy = self.has_asked = self.is_stream = False
        self.wait(KEPT_SECONDS)
        self._let(self._intake.expect_head)

    def wait(self, seconds: float) -> None:
        """Wait for a request, for this long."""
        self._stop_clock()
        self._is_late = False
        self._end = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        if self.is_busy and (self.has_asked or not self._is_late):
            self.wait(KEPT_SECONDS)
            self._is_late = not self.has_asked
        else:
            self.leave()

    def leave(self) -> None:
        """End the connection at once."""
        if self.may_go:
            self._transport.abort()
            return
        # sendfile(2) may be at work: asyncio would go on with it at whoever gets the number of a
        # socket that is closed here. So the socket ends first, and then whatever writes to it.
        with contextlib.suppress(OSError):
            self._transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def _let(self, flow: Callable[[], None]) -> None:
        """Let some bytes flow; the client is not read while others have to wait."""
        try:
            flow()
        except RefusedError:
            self.leave()
        if self.inner.transport is None:
            return
        for transport in (self._plain, self._transport):  # TLS would read on, up to 256 KB
            if self._intake.is_full:
                transport.pause_reading()
            else:
                transport.resume_reading()

    def enter(self, transport: asyncio.BaseTransport) -> bool:
        """Come to the door, perhaps with TLS to follow; whether there is a place."""
        self._plain = self._transport = cast("asyncio.Transport", transport)
        if self.door.enter(self):
            return True
        self.leave()
        return False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        if self.enter(transport):
            self.welcome(transport)

    def welcome(self, transport: asyncio.BaseTransport | None) -> None:
        """Serve a client that has come in."""
        if transport is None or self._is_gone:
            self.connection_lost(None)
            return
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(UNSENT)
        self.inner.connection_made(transport)
        self.wait(self.door.asking_seconds)
        self._let(self._intake.expect_head)

    def get_buffer(self, _size: int) -> memoryview:
        """The place for the bytes of the client."""
        return self.door.buffer

    def buffer_updated(self, count: int) -> None:
        """The client has sent something."""
        data = bytes(self.door.buffer[:count])
        self._let(lambda: self._intake.take(data))

    def eof_received(self) -> None:
        """The client sends no more."""
        self.inner.eof_received()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        """The client has read."""
        self.inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        self._is_gone = True
        self._stop_clock()
        self.door.forget(self)
        self.inner.connection_lost(error)
        if self._content is not None:
            self._content.feed_eof()  # aiohttp would wait for the rest of a refused body

    def _stop_clock(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None


class Greeter(asyncio.Protocol):
    """A connection before its TLS: it has its place at the door like any other."""

    def __init__(self, visitor: Visitor, tls: ssl.SSLContext) -> None:
        self._visitor, self._tls = visitor, tls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        if self._visitor.enter(transport):
            self._greeting = asyncio.ensure_future(self._greet(transport))

    async def _greet(self, transport: asyncio.BaseTransport) -> None:
        visitor = self._visitor
        try:
            secure = await asyncio.get_running_loop().start_tls(
                cast("asyncio.Transport", transport), visitor, self._tls, server_side=True,
                ssl_handshake_timeout=visitor.door.asking_seconds,
            )
        except OSError:  # it speaks no TLS, or has gone
            secure = None
        visitor.welcome(secure)
