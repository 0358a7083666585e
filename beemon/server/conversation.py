"""Conversations: each client's requests are answered one after the other, by the rules.

The limits say how long to wait for a client. One whose requests are not understood, again and
again, loses its connection. A request has a reply even if beemon has a defect.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sqlite3
import weakref
from collections.abc import Callable

from beemon.base.defects import contain, of_kind
from beemon.base.quoting import shown
from beemon.protocol import lines as protocol
from beemon.protocol.address import IPAddress
from beemon.protocol.lines import RequestError, RequestReader
from beemon.server.answers import Answers
from beemon.server.archive import ArchiveInUse
from beemon.server.clients import Outbox, RequestTimer
from beemon.server.ending import Ending
from beemon.server.limits import Limits

log = logging.getLogger(__name__)

Receive = Callable[[bytes, socket.socket, IPAddress], None]
"""Answers one request of a client; raises ``OSError`` if the client has gone."""

_MOST_UNSENT = 8 << 20  # bytes of replies that clients have not taken
_FORESEEN = of_kind(RequestError, sqlite3.Error, ConnectionError, TimeoutError)
"""The errors that a request may raise. The last two mean that the client has gone, or takes no
answer."""


class Conversations:
    """Talks with clients, each in its own thread, within the ``limits``.

    A database that turns out to be damaged begins the ``ending``: the next start makes a new one.
    """

    def __init__(
        self, answers: Answers, archive: ArchiveInUse, ending: Ending, limits: Limits
    ) -> None:
        self._answers, self._archive = answers, archive
        self._ending, self._limits = ending, limits
        self._outbox = Outbox(_MOST_UNSENT)
        self._refused = Refusals()

    def hold(
        self, connection: socket.socket, ip_address: IPAddress, receive: Receive
    ) -> None:
        """Give ``receive`` a client's requests until it hangs up, falls silent, or is sent away."""
        reader = RequestReader(self._limits.receive_size_bytes)
        timer = RequestTimer(
            connection,
            idle=self._limits.idle_seconds,
            silence=self._limits.socket_timeout_seconds,
            request=self._limits.request_seconds,
        )
        data = b"x"
        while data and not timer.is_at_end:
            try:
                data = connection.recv(self._limits.receive_size_bytes)
            except (TimeoutError, BlockingIOError):  # silence ends a request
                if timer.is_at_end:
                    break
                data = b""
            except OSError:
                return  # the client is gone
            requests = reader.feed(data) if data else reader.finish()
            if not self._take(requests, connection, ip_address, receive) or reader.is_foreign:
                return
            timer.after(pending=reader.pending, anew=bool(requests))
        if timer.is_at_end:
            self._reply_not_finished(connection)

    def reply_to(
        self, message: bytes, connection: socket.socket, ip_address: IPAddress
    ) -> None:
        """Send the reply to one request. Raises ``OSError`` if the client takes none."""
        try:
            reply = contain(
                lambda: self._answer(message, connection, ip_address),
                lambda error: _defect(error, message),
                _FORESEEN,
            )
        except RequestError as error:
            _log_refusal(error, message, ip_address)
            self._refused.count(error, connection)
            reply = error.reply()
        except sqlite3.Error as error:
            if self._archive.give_up(error):
                self._ending.fail(
                    OSError(f"the database is damaged: {error}; the service restarts")
                )
            reply = RequestError("no-ledger", f"the database cannot be used now: {error}").reply()
        try:
            self._outbox.send(connection, reply)
        finally:
            self._answers.tell_accepted()

    def _answer(
        self, message: bytes, connection: socket.socket, ip_address: IPAddress
    ) -> bytes:
        reply = self._answers.answer(message, connection, ip_address)
        self._refused.forget(connection)
        return reply

    def _take(
        self, requests: list[bytes], connection: socket.socket, ip_address: IPAddress,
        receive: Receive,
    ) -> bool:
        """Answer requests in their order; False when the connection is to end."""
        for request in requests:
            try:
                receive(request, connection, ip_address)
            except OSError:
                return False  # the client is gone, or takes no answer
            if protocol.is_foreign(request, self._limits.receive_size_bytes):
                return False
            if self._refused.are_too_many(connection):
                return False
            if not self._answers.is_known(connection, ip_address):
                return False
        return True

    def _reply_not_finished(self, connection: socket.socket) -> None:
        error = RequestError(
            "not-finished", f"a request must be finished within {self._limits.request_seconds:g} s"
        )
        with contextlib.suppress(OSError):
            connection.sendall(error.reply())


class Refusals:
    """Counts, for each connection, the requests in a row that were not understood."""

    def __init__(self) -> None:
        self._counts: weakref.WeakKeyDictionary[socket.socket, int] = (
            weakref.WeakKeyDictionary()
        )

    def count(self, error: RequestError, connection: socket.socket) -> None:
        """Count a refusal, if it is one of a request that was not understood."""
        if error.code in protocol.NOT_UNDERSTOOD:
            self._counts[connection] = self._counts.get(connection, 0) + 1

    def forget(self, connection: socket.socket) -> None:
        """Begin again at 0: a request was understood."""
        self._counts.pop(connection, None)

    def are_too_many(self, connection: socket.socket) -> bool:
        """Whether to close the connection."""
        return self._counts.get(connection, 0) >= protocol.MAX_REFUSED


def _defect(error: Exception, message: bytes) -> bytes:
    log.exception("not answered: %s", shown(repr(message), 80))
    said = f"{type(error).__name__}: {error}"
    return RequestError(
        "defect", f"it could not be answered ({said}); see: sudo journalctl -u beemon -p err; "
        "beemon archive check",
    ).reply()


def _log_refusal(error: RequestError, message: bytes, ip_address: IPAddress) -> None:
    if error.code == "not-authorised":
        log.warning("%s was refused: %s", ip_address[0], error)
    elif error.code == "http":
        log.warning("%s speaks HTTP to this port and was refused", ip_address[0])
    else:
        said = shown(message.decode("utf-8", "replace"), 80)
        log.debug("%s said %s: %s", ip_address[0], said, error.code)
