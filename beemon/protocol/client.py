"""Client: one connection to a running Server."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from beemon.base.quoting import shown
from beemon.protocol import socket_file
from beemon.protocol.lines import check_printable, parse_reply

# Each module that is loaded here makes every command slower.

SocketPath = str | os.PathLike[str]


class ServiceUnreachableError(ConnectionError):
    """No Server answers there; the text says where, and what to look at."""


class NotPermittedError(ServiceUnreachableError):
    """This user may not use the service's socket; the text says how to change that."""


class NotAdmittedError(ConnectionError):
    """The Server does not take this token, or takes no further client; the text says which."""


_LONGEST_REPLY = 64 << 20  # bytes; only a program that is not beemon sends more


class Reply(NamedTuple):
    """The Server's reply: whether it was OK, and its object."""

    ok: bool
    payload: dict[str, Any]


class Client:
    """Sends requests and reads replies, in order. Usable in a ``with`` statement.

    ``timeout`` is in seconds and counts for each reply; None waits for as long as it takes.
    ``socket_path`` is the service's Unix socket, in the place of ``host`` and ``port``.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 8080, *,
        token: str | None = None, timeout: float | None = 10.0,
        socket_path: SocketPath | None = None,
    ) -> None:
        self._where = str(socket_path or f"{shown(host, 60)} port {port}")
        self._port = None if socket_path else port
        try:
            if socket_path:
                self._socket = socket_file.connect(socket_path, timeout)
            else:
                self._socket = _connect(host, port, timeout)
        except PermissionError as error:
            raise NotPermittedError(
                f"you may not use {self._where}: put sudo before the command; or join its group: "
                "sudo adduser $USER beemon, then log out and in again"
            ) from error
        except ValueError as error:  # a NUL, or a name too long for the DNS
            raise ServiceUnreachableError(
                f"nothing answers on {self._where}: that is neither an address nor a name"
            ) from error
        except OSError as error:
            raise ServiceUnreachableError(
                f"nothing answers on {self._where} ({error.strerror or error}); "
                "check that the service is running: systemctl status beemon"
            ) from error
        self._lines = self._socket.makefile("rb")
        if token is not None:
            self._authorise(token)

    def request(self, text: str, *, patient: bool = False) -> Reply:
        """Send one request and read its reply; ``patient`` waits without a limit.

        Raises :class:`ServiceUnreachableError` if the connection ends, or if the other side is not
        beemon. Raises :class:`~beemon.protocol.lines.RequestError`, and sends nothing, if ``text``
        holds a line break or another non-printing character.
        """
        check_printable(text)
        if patient:
            self._socket.settimeout(None)
        # Where this fails, the reply may be there all the same: the Server said why, and hung up.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(f"{text}\n".encode())
        return self._reply()

    def set_timeout(self, seconds: float) -> None:
        """Set the time in seconds that each further reply may take."""
        self._socket.settimeout(seconds)

    def wait(self, job: int) -> Reply:
        """Read a job's outcome, however long it takes."""
        return self.request(f"wait {job}", patient=True)

    def watch(self, patience: float | None = None) -> Iterator[Reply]:
        """Every report from now on, until the connection ends.

        With ``patience``, also until nothing has come for that time, in seconds: a Server that
        works reports each ten seconds. Both raise :class:`ServiceUnreachableError`.
        """
        self._socket.settimeout(patience)
        yield self.request("watch")
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
            line = self._lines.readline(_LONGEST_REPLY)
        except OSError as error:
            raise ServiceUnreachableError(
                f"no answer from {self._where}: {error.strerror or error}{self._who_else()}"
            ) from error
        if not line:
            raise ServiceUnreachableError(
                f"{self._where} closed the connection; see: systemctl status beemon"
            )
        try:
            return Reply(*parse_reply(line))
        except ValueError as error:
            said = shown(line.decode("utf-8", "replace").strip(), 60)
            raise ServiceUnreachableError(
                f'a program that is not beemon answers on {self._where}: it said "{said}"'
                f"{self._who_else()}"
            ) from error

    def _who_else(self) -> str:
        """The command that shows which other program may hold the port."""
        if self._port is None:
            return ""
        return (
            f"; find that program: sudo ss -ltnp 'sport = :{self._port}'; stop it, or set "
            "another listening_port under [server], then: sudo systemctl restart beemon"
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def reach(
    sockets: Sequence[SocketPath], host: str, port: int, token: Callable[[], str | None]
) -> Client:
    """The service of this machine: by the first of its sockets that is there, else by TCP.

    ``token`` is asked for TCP alone. Raises :class:`ServiceUnreachableError`, also if another
    machine's beemon answers, as through a tunnel; and :class:`NotAdmittedError`.
    """
    denied: NotPermittedError | None = None
    for path in sockets:
        try:
            return Client(socket_path=path)
        except NotPermittedError as error:
            denied = error
        except ServiceUnreachableError:
            continue
    try:
        client = Client(host, port, token=token())
        _check_machine(client, host, port)
    except NotAdmittedError as error:
        raise denied or error from error
    except ServiceUnreachableError as error:
        tried = f"{error} (no socket either: {', '.join(map(str, sockets))})" if sockets else error
        raise ServiceUnreachableError(f"{error}; and {denied}" if denied else tried) from error
    return client


def _check_machine(client: Client, host: str, port: int) -> None:
    from beemon.base import clock  # not for the socket

    reply = client.request("version")
    if not reply.ok:  # as many clients as allowed, or no token: the Server hangs up
        client.close()
        raise NotAdmittedError(str(reply.payload.get("message")))
    there = reply.payload.get("boot_id")  # an older beemon does not tell
    if there not in (None, clock.boot_id()):
        client.close()
        raise ServiceUnreachableError(
            f"the beemon of another machine answers on {shown(host, 60)} port {port}, perhaps "
            f"through an ssh tunnel. To ask that one, add: --port {port}. "
            "For this machine's own, see: systemctl status beemon"
        )


def _connect(host: str, port: int, timeout: float | None) -> socket.socket:
    connection = socket.create_connection((host, port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
