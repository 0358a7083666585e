"""Clients: their connections, and the limits of these in number, memory and time."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator

from beemon.base import clock
from beemon.protocol.address import IPAddress
from beemon.protocol.lines import RequestError

_HANG_UP_SECONDS = 0.5
_MOST_UNREAD_READS = 16
_REFUSED_SECONDS = 1.0
_MOST_REFUSED = 64
_KEEPALIVE = (  # a client that vanished is noticed within a minute or two
    (socket.TCP_KEEPIDLE, 30),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 3),
)
# <asm-generic/socket.h>: 66 is SO_RCVTIMEO_NEW, whose times have 64 bits on a 32-bit machine too.
_TIMEVAL = "qq" if socket.SO_RCVTIMEO == 66 else "ll"

Serve = Callable[[socket.socket, IPAddress], None]
"""Serves one client until the connection is to end."""


class Clients:
    """Serves each client in a thread of its own, up to ``most`` at once.

    ``exempt`` returns the number of clients that do not count: they wait or watch.
    """

    def __init__(self, most: int, exempt: Callable[[], int], serve: Serve) -> None:
        self._most = most
        self._exempt = exempt
        self._serve_one = serve
        self._clients: set[socket.socket] = set()
        self._refused: deque[tuple[float, socket.socket]] = deque()

    @property
    def has_refused(self) -> bool:
        """Whether refused clients are still connected, for :meth:`tidy` to close."""
        return bool(self._refused)

    def admit(self, connection: socket.socket, address: IPAddress) -> None:
        """Serve a client that has just connected, or refuse it politely."""
        self.tidy()
        if len(self._clients) - self._exempt() >= self._most:
            self._refuse(connection)
            return
        self._clients.add(connection)
        thread = threading.Thread(
            target=self._serve, args=(connection, address), name="client", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # no more threads
            self._clients.discard(connection)
            self._refuse(connection)

    def tidy(self) -> None:
        """Close the connections of refused clients that have had time to read the reason."""
        now = clock.now().monotonic
        while self._refused and (
            len(self._refused) > _MOST_REFUSED or now - self._refused[0][0] > _REFUSED_SECONDS
        ):
            _, refused = self._refused.popleft()
            with contextlib.suppress(OSError):
                refused.recv(4096)
            refused.close()

    def dismiss(self) -> None:
        """End every connection."""
        for client in [*self._clients, *(refused for _, refused in self._refused)]:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _serve(self, connection: socket.socket, address: IPAddress) -> None:
        try:
            if connection.family != socket.AF_UNIX:
                _set_up_tcp(connection)
            self._serve_one(connection, address)
            _hang_up(connection)
        finally:
            self._clients.discard(connection)
            connection.close()

    def _refuse(self, connection: socket.socket) -> None:
        """Say why, and close a little later: at once, the reply could be lost."""
        error = RequestError(
            "too-many-clients", f"{self._most} clients are connected; try again soon"
        )
        with contextlib.suppress(OSError):
            connection.setblocking(False)
            connection.send(error.reply())
            connection.shutdown(socket.SHUT_WR)
        self._refused.append((clock.now().monotonic, connection))


class Places:
    """Counts the clients that wait or watch: at most ``most``.

    One client has at most ``each`` places, so that others get one. Watchers have at most
    ``watching``, because only a wait ends by itself.
    """

    def __init__(self, most: int, each: int, watching: int) -> None:
        self._most, self._each, self._watching = most, each, watching
        self._taken: list[tuple[str, bool]] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def take(self, client: str, *, watches: bool) -> Iterator[None]:
        """Hold a place for the context. Raises :class:`RequestError` if there is none."""
        place = client, watches
        with self._lock:
            self._check(*place)
            self._taken.append(place)
        try:
            yield
        finally:
            with self._lock:
                self._taken.remove(place)

    def _check(self, client: str, watches: bool) -> None:
        own = sum(who == client for who, _ in self._taken)
        watching = sum(is_watching for _, is_watching in self._taken)
        if len(self._taken) >= self._most:
            problem = f"{self._most} clients are waiting or watching already"
        elif own >= self._each:
            problem = f"{own} connections from {client} are waiting or watching already"
        elif watches and watching >= self._watching:
            problem = f"{watching} clients are watching already"
        else:
            return
        raise RequestError("too-many-waiting", problem)


class Outbox:
    """Sends replies, and keeps at most ``most`` bytes that clients have not received yet.

    If a reply would exceed this, the client that has received nothing for the longest time loses
    its connection. Clients that ask for much and read nothing therefore cannot fill the memory.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._unsent: dict[socket.socket, int] = {}
        self._lock = threading.Lock()

    def send(self, connection: socket.socket, reply: bytes) -> None:
        """Send a reply. Raises ``OSError``, also for a client that was let go."""
        with self._lock:
            self._unsent[connection] = len(reply)
            while sum(self._unsent.values()) > self._most and len(self._unsent) > 1:
                slowest = next(iter(self._unsent))
                del self._unsent[slowest]
                with contextlib.suppress(OSError):  # it has gone
                    slowest.shutdown(socket.SHUT_RDWR)
        try:
            connection.sendall(reply)
        finally:
            with self._lock:
                self._unsent.pop(connection, None)


class RequestTimer:
    """Limits the time for which one client is waited for, between requests and within one.

    ``idle`` and ``silence`` are seconds without a byte between requests and within one. ``request``
    is the limit in seconds from the first byte of a request to its end.
    """

    def __init__(
        self, connection: socket.socket, *, idle: float, silence: float, request: float
    ) -> None:
        self._connection = connection
        self._idle, self._silence, self._request = idle, silence, request
        self._began: float | None = None
        wait_at_most(connection, idle)

    @property
    def is_at_end(self) -> bool:
        """Whether the pending request has taken too long."""
        began = self._began
        return began is not None and clock.now().monotonic - began >= self._request

    def after(self, *, pending: bool, anew: bool) -> None:
        """Set the wait after some bytes. ``pending``: a request has begun; ``anew``: one ended."""
        if not pending:
            if self._began is not None:
                wait_at_most(self._connection, self._idle)
            self._began = None
            return
        now = clock.now().monotonic
        if self._began is None or anew:
            self._began = now
        left = self._began + self._request - now
        wait_at_most(self._connection, max(0.001, min(self._silence, left)))


def _set_up_tcp(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


def wait_at_most(connection: socket.socket, seconds: float) -> None:
    """Limit the time of each later recv and send; after it they raise ``BlockingIOError``.

    The kernel measures the time. Python's own time-out would call poll(2) first each time, and let
    other threads run twice as often. With eight busy clients this is the main delay.
    """
    if not isinstance(connection, socket.socket):  # something like a socket, in a test
        connection.settimeout(seconds)
        return
    whole, part = divmod(seconds, 1)
    limit = struct.pack(_TIMEVAL, int(whole), int(part * 1e6))
    connection.settimeout(None)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, limit)


def _hang_up(connection: socket.socket) -> None:
    """Close so that the last reply arrives: unread bytes would make the kernel reset instead."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_HANG_UP_SECONDS)
        for _ in range(_MOST_UNREAD_READS):
            if not connection.recv(4096):
                return
