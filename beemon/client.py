"""Client: one connection to a running Server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from beemon.protocol import parse_reply


class ServiceUnreachableError(ConnectionError):
    """No Server answers there; the text says where, and what to look at."""


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
            self.request(f"auth {token}")

    def request(self, text: str) -> Reply:
        """Send one request and read its reply.

        Raises :class:`ServiceUnreachableError` where the connection ends, ``ValueError`` where
        what answers is not beemon.
        """
        self._socket.sendall(f"{text}\n".encode())
        return self._reply()

    def wait(self, job: int) -> Reply:
        """Read a job's outcome, however long it takes."""
        self._socket.settimeout(None)
        return self.request(f"wait {job}")

    def watch(self) -> Iterator[Reply]:
        """Every report from now on, until the connection ends."""
        self._socket.settimeout(None)
        yield self.request("watch")
        while True:
            yield self._reply()

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def _reply(self) -> Reply:
        try:
            line = self._lines.readline()
        except OSError as error:
            raise ServiceUnreachableError(
                f"no answer from {self._where}: {error.strerror or error}"
            ) from error
        if not line:
            raise ServiceUnreachableError(f"{self._where} ended the connection")
        return Reply(*parse_reply(line))

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
