"""Doors: each is one listening socket, and the clients that come in by it."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
import time
from collections.abc import Callable

from beemon.protocol import unix
from beemon.protocol.address import IPAddress
from beemon.server.clients import Clients, Serve
from beemon.server.latest import LatestState
from beemon.server.limits import Limits

log = logging.getLogger(__name__)

_BROKEN = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)  # what accept() says of a bad listener
_STARVED_SECONDS = 0.2
_MAX_LOCAL = 100  # clients by the Unix socket, beside those by TCP


class Door:
    """Accepts ``clients`` from :meth:`open` until :meth:`close`.

    Refused clients are closed ``tidy_seconds`` later; while there is none, nothing but a client or
    :meth:`close` wakes the door. ``accept`` takes a listener and returns a new connection and the
    address at its other end.
    """

    def __init__(
        self, clients: Clients, tidy_seconds: float,
        accept: Callable[[socket.socket], tuple[socket.socket, IPAddress]] = socket.socket.accept,
    ) -> None:
        self._clients = clients
        self._tidy_seconds = tidy_seconds
        self._accept = accept
        self._listener: socket.socket | None = None
        self._closed = self._starved = False
        self._in_use = threading.Lock()  # held while somebody may accept from the listener

    @property
    def is_open(self) -> bool:
        """Whether clients can come in."""
        return self._listener is not None and not self._closed

    def open(self, listener: socket.socket) -> None:
        """Take a socket that listens."""
        self._listener = listener
        if self._closed:  # meanwhile
            self.close()

    def admit_clients(self) -> None:
        """Accept clients until the door is closed. Raises ``OSError`` if the listener is broken."""
        listener = self._listener
        assert listener is not None
        with self._in_use:
            while not self._closed:
                self._clients.tidy()
                listener.settimeout(self._tidy_seconds if self._clients.has_refused else None)
                try:
                    connection, address = self._accept(listener)
                except TimeoutError:
                    continue
                except OSError as error:
                    self._accept_failed(error)
                    continue
                self._admit(connection, address)

    def close(self) -> None:
        """Let nobody in any more; harmless from any thread, and a second time."""
        self._closed = True
        if self._listener is not None:
            # It wakes accept(); on a socket that is closed already it fails.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)

    def dismiss_clients(self) -> None:
        """End every connection of a door that is closed."""
        self._clients.dismiss()
        if self._listener is not None:
            with self._in_use:
                self._listener.close()

    def _admit(self, connection: socket.socket, address: IPAddress) -> None:
        if self._starved:
            log.info("clients are accepted again")
            self._starved = False
        self._clients.admit(connection, address)

    def _accept_failed(self, error: OSError) -> None:
        """Raise the error of a bad listener; other errors belong to one client, or pass.

        accept(2): a network error of the new connection comes as an error of accept.
        """
        if self._closed:
            return
        if error.errno in _BROKEN:
            raise error
        if error.errno in (errno.ECONNABORTED, errno.EPROTO):
            return  # that client hung up before its turn
        if not self._starved:
            log.warning("no client can be accepted at the moment: %s", error.strerror)
        self._starved = True
        time.sleep(_STARVED_SECONDS)  # no descriptor is free: spinning only heats the Pi


class Doors:
    """The door for clients by TCP, and the one for clients by the Unix socket.

    Clients that wait or watch, which the ``board`` knows, do not count against the ``limits``.
    """

    def __init__(self, limits: Limits, board: LatestState, serve: Serve) -> None:
        remote = Clients(limits.max_clients, lambda: board.waiting, serve)
        local = Clients(min(limits.max_clients, _MAX_LOCAL), lambda: board.waiting, serve)
        self.tcp = Door(remote, limits.socket_timeout_seconds)
        self.unix = Door(local, limits.socket_timeout_seconds, unix.accept)

    def close(self) -> None:
        """Let nobody in any more; harmless from any thread, and a second time."""
        self.tcp.close()
        self.unix.close()

    def dismiss_clients(self) -> None:
        """End every connection."""
        self.tcp.dismiss_clients()
        self.unix.dismiss_clients()
