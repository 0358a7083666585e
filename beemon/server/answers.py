"""Answers: a request of one client, and the reply to it."""

from __future__ import annotations

import contextlib
import queue
import select
import socket
import threading
import weakref
from collections.abc import Iterator

from beemon.ledger.reader import LONGEST_SECONDS
from beemon.protocol import commands, unix
from beemon.protocol import lines as protocol
from beemon.protocol.address import IPAddress
from beemon.protocol.lines import RequestError
from beemon.protocol.replies import (
    Accepted,
    Authorised,
    JobFacts,
    JobReport,
    Named,
    StateReport,
    Watching,
)
from beemon.server.clients import Places
from beemon.server.in_force import ConfigInForce
from beemon.server.intake import Intake
from beemon.server.latest import LatestState, Mail
from beemon.server.queries import Queries

MAX_WAITING, MAX_WAITING_EACH, MAX_WATCHING = 50, 40, 30
"""Maximum number of clients that wait or watch: in all, from one address or user, and watchers
alone."""

_WATCH_SECONDS = 10.0
_LOOK_SECONDS = 2.0  # between two looks whether a client that waits is still there
_MOST_UNREAD = 1000  # reports that a watcher may be behind
_MOST_ANSWERS = 4  # from the database, at the same time
_MOST_LONG = 2  # of those that may take long, for which no other waits
_MOST_PIECES = 2  # of recordings, for which no query of another kind waits
_QUICK = ("ping", "version", "status", "devices", "help")
_LONG = ("history", "completeness")


class Answers:
    """Makes the reply to a request of at most ``most`` bytes; usable from any thread.

    A command goes to the ``intake``, a query to ``queries``; a client that waits or watches gets
    its reports from the ``board``. ``token``, if set, must be sent first by every client over TCP.
    A query waits for ``patience`` seconds until others are answered.
    """

    def __init__(
        self, most: int, token: str | None, config: ConfigInForce, intake: Intake,
        queries: Queries, board: LatestState, patience: float = LONGEST_SECONDS,
    ) -> None:
        self.token = token
        self._most = most
        self._config, self._intake, self._queries, self._board = config, intake, queries, board
        self._patience = patience
        self._answering = threading.BoundedSemaphore(_MOST_ANSWERS)
        self._cutting = threading.BoundedSemaphore(_MOST_PIECES)
        self._answering_long = threading.BoundedSemaphore(_MOST_LONG)
        self._places = Places(MAX_WAITING, MAX_WAITING_EACH, MAX_WATCHING)
        self._names: weakref.WeakKeyDictionary[socket.socket, str] = weakref.WeakKeyDictionary()
        """The names that programs have given themselves."""
        self._authorised: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def answer(
        self, message: bytes, socket_connection: socket.socket, ip_address: IPAddress
    ) -> bytes:
        """Return the reply to one request; `watch` sends its reports itself, and never returns.

        Raises :class:`RequestError` if the request is refused, ``sqlite3.Error`` if the ledger
        fails, and ``ConnectionError`` or ``TimeoutError`` if the client has gone.
        """
        text = protocol.decode(message, self._most)
        if self.token is not None and not self.is_known(socket_connection, ip_address):
            return self._authorise(text, self.token, socket_connection)
        request = commands.parse(text, self._config.current().devices)
        if request.word.is_command:
            name = self._names.get(socket_connection, "")
            return protocol.ok(Accepted(self._intake.accept(request, *ip_address[:2], name)))
        if request.word.name == "wait":
            return protocol.ok(self._wait(request["JOB"], socket_connection, ip_address))
        if request.word.name == "watch":
            return self._watch(socket_connection, ip_address)
        if request.word.name == "auth":
            return protocol.ok(Authorised())
        if request.word.name == "as":
            self._names[socket_connection] = request["NAME"]
            return protocol.ok(Named(request["NAME"]))
        if request.word.name in _QUICK:
            return protocol.ok(self._queries.answer(request))
        with self._turn(request.word.name):
            return protocol.ok(self._queries.answer(request))

    def tell_accepted(self) -> None:
        """Log the commands that were accepted; called once a reply is sent."""
        self._intake.tell_accepted()

    @contextlib.contextmanager
    def _turn(self, word: str) -> Iterator[None]:
        """Hold a place among the queries that are answered at the same time."""
        places = self._answering_long if word in _LONG else self._answering
        places = self._cutting if word == "piece" else places
        if not places.acquire(timeout=self._patience):
            raise RequestError("too-slow", "other clients' queries are still being answered")
        try:
            yield
        finally:
            places.release()

    def is_known(self, socket_connection: socket.socket, ip_address: IPAddress) -> bool:
        """Whether a client may send requests: it came by the Unix socket, or has sent the token."""
        if self.token is None or unix.is_peer(ip_address):
            return True
        return socket_connection in self._authorised

    def _authorise(self, text: str, token: str, socket_connection: socket.socket) -> bytes:
        import hmac  # it brings OpenSSL; most hives set no token

        word, _, said = text.strip(" ").partition(" ")
        right = hmac.compare_digest(said.strip(" ").encode(), token.encode())
        if word != "auth" or not right:
            raise RequestError("not-authorised", "send `auth TOKEN` first, with the right token")
        self._authorised.add(socket_connection)
        return protocol.ok(Authorised())

    def _wait(
        self, job: int, socket_connection: socket.socket, ip_address: IPAddress
    ) -> JobFacts:
        with self._waiting_place(ip_address, watches=False) as mail:
            found = self._queries.job(job)
            while not (found.outcome or found.damaged) or self._intake.is_handing_over(job):
                try:
                    message = mail.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    _check_still_there(socket_connection)
                    continue
                if message is None:
                    raise RequestError("stopping", f"the service stopped before job {job} ended")
                if isinstance(message, JobReport) and message.ended.job == job:
                    found = self._queries.job(job)
        return found

    def _watch(self, socket_connection: socket.socket, ip_address: IPAddress) -> bytes:
        with self._waiting_place(ip_address, watches=True) as mail:
            socket_connection.sendall(protocol.ok(Watching(watching=True)))
            while True:
                try:
                    message = mail.get(timeout=_WATCH_SECONDS)
                except queue.Empty:  # a client that has gone is noticed by writing to it
                    message = StateReport(state=self._queries.state())
                if message is None:
                    raise RequestError("stopping", "the service is stopping")
                if mail.qsize() > _MOST_UNREAD:
                    raise TimeoutError("the client reads too slowly")
                socket_connection.sendall(protocol.ok(message))

    @contextlib.contextmanager
    def _waiting_place(self, ip_address: IPAddress, *, watches: bool) -> Iterator[Mail]:
        with (
            self._places.take(ip_address[0], watches=watches),
            self._board.subscription() as mail,
        ):
            yield mail


def _check_still_there(socket_connection: socket.socket) -> None:
    """Raise ``ConnectionAbortedError`` if the client has gone.

    A client that has only ended its requests (``shutdown(SHUT_WR)``) still reads replies.
    """
    look = select.poll()
    look.register(socket_connection, 0)
    if look.poll(0):
        raise ConnectionAbortedError("the client has gone")
