"""Client: one connection to a running Server."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from beemon.protocol import check_printable, parse_reply


class ServiceUnreachableError(ConnectionError):
    """No Server answers there; the text says where, and what to look at."""


class NotAdmittedError(ConnectionError):
    """The Server does not take this token, or takes no further client; the text says which."""


@dataclass(frozen=True)
class Reply:
    """What the Server said: whether it was OK, and its object."""

    ok: bool
    payload: dict[str, Any]


class Client:
    """Sends requests and reads replies, in order. Usable in a ``with`` statement.

    ``timeout`` is in seconds and counts for each reply; None waits for as long as it takes.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8080,
        *,
        token: str | None = None,
        timeout: float | None = 10.0,
    ) -> None:
        self._where = f"{host} port {port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=timeout)
        except OSError as error:
            raise ServiceUnreachableError(
                f"nothing answers on {self._where} ({error.strerror or error}); "
                "is the service running? try: systemctl status beemon"
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb")
        if token is not None:
            self._authorise(token)

    def request(self, text: str, *, patient: bool = False) -> Reply:
        """Send one request and read its reply; ``patient`` waits for as long as it takes.

        Raises :class:`ServiceUnreachableError` where the connection ends, or what answers is not
        beemon, and :class:`~beemon.protocol.RequestError` if ``text`` holds a line break or
        another character that does not print: nothing is sent then.
        """
        check_printable(text)
        if patient:
            self._socket.settimeout(None)
        # Where this fails, the reply may be there all the same: the Server said why, and hung up.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(f"{text}\n".encode())
        return self._reply()

    def wait(self, job: int) -> Reply:
        """Read a job's outcome, however long it takes."""
        return self.request(f"wait {job}", patient=True)

    def watch(self) -> Iterator[Reply]:
        """Every report from now on, until the connection ends."""
        yield self.request("watch", patient=True)
        while True:
            yield self._reply()

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def _authorise(self, token: str) -> None:
        reply = self.request(f"auth {token}")
        if not reply.ok:
            self.close()
            raise NotAdmittedError(f"{self._where}: {reply.payload.get('message')}")

    def _reply(self) -> Reply:
        try:
            line = self._lines.readline()
        except OSError as error:
            raise ServiceUnreachableError(
                f"no answer from {self._where}: {error.strerror or error}"
            ) from error
        if not line:
            raise ServiceUnreachableError(f"{self._where} ended the connection")
        try:
            return Reply(*parse_reply(line))
        except ValueError as error:
            raise ServiceUnreachableError(
                f"what answers on {self._where} is not beemon: it said {line[:60]!r}"
            ) from error

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
