"""Intake: the bytes of one connection, given to aiohttp a request at a time.

aiohttp itself parses all requests that a client sends at once, and keeps each in the memory of
hundreds of its bytes. Here the second one waits until the first has been answered.
"""

from __future__ import annotations

from collections.abc import Callable

MOST_BYTES = 64 << 10
"""Number of bytes that a client may send until a request of its is answered."""
MOST_HEAD, MOST_LINES = 16 << 10, 100
"""The longest head of a request, in bytes and in lines."""

_TUNNEL = b"CONNECT "  # aiohttp 3.8.4 may answer it with a stack in the log, and then hang
_ENDS = (b"\n\r\n", b"\n\n")


class RefusedError(Exception):
    """A client sends too much, or asks for a tunnel."""


class Intake:
    """The bytes of a client that aiohttp has not been given yet."""

    def __init__(self, give: Callable[[bytes], None]) -> None:
        self._give = give
        self._held = b""
        self._sent = 0
        self._is_head, self._body_left = False, 0
        self._head, self._lines, self._tail = 0, 0, b""

    @property
    def is_full(self) -> bool:
        """Whether something has to wait for the end of a reply."""
        return bool(self._held) and not self._is_head and not self._body_left

    def take(self, data: bytes) -> None:
        """Take some bytes of the client. Raises :class:`RefusedError`."""
        self._sent += len(data)
        if self._sent > MOST_BYTES:
            raise RefusedError
        self._held += data
        self._flow()

    def expect_body(self, size: int) -> None:
        """Give the body of the request whose head was given, of this many bytes."""
        self._body_left = size
        self._flow()

    def expect_head(self) -> None:
        """Give the next request, behind the rest of this one. Raises :class:`RefusedError`."""
        self._sent, self._is_head = len(self._held), True
        self._flow()

    def _flow(self) -> None:
        while size := self._next_size():
            piece, self._held = self._held[:size], self._held[size:]
            self._give(piece)

    def _next_size(self) -> int:
        """The number of bytes that may be given now."""
        if self._body_left:
            size = min(self._body_left, len(self._held))
            self._body_left -= size
            return size
        return self._head_size() if self._is_head else 0

    def _head_size(self) -> int:
        """The number of bytes of a head that are here. Raises :class:`RefusedError`."""
        if not self._head:
            self._held = self._held.lstrip(b"\r\n")
            if _TUNNEL.startswith(self._held):
                return 0  # it may become one
            if self._held.startswith(_TUNNEL):
                raise RefusedError
        text = self._tail + self._held
        ends = [at + len(end) for end in _ENDS if (at := text.find(end)) >= 0]
        size = min(ends, default=len(text)) - len(self._tail)
        self._head += size
        self._lines += self._held.count(b"\n", 0, size)
        if self._head > MOST_HEAD or self._lines > MOST_LINES:
            raise RefusedError
        self._tail = text[-2:]
        if ends:
            self._is_head, self._head, self._lines, self._tail = False, 0, 0, b""
        return size
