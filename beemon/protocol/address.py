"""The TCP address that the service listens on: taken, or why it cannot be, with the remedy."""

from __future__ import annotations

import errno
import socket
from typing import Any

from beemon.base.quoting import shown
from beemon.system import ports

BACKLOG = 512

_REMEDIES = {
    errno.EADDRINUSE: "find that program: sudo ss -ltnp 'sport = :{port}'; stop it, or set "
    "another listening_port under [server], then: sudo systemctl restart beemon",
    errno.EADDRNOTAVAIL: "list the addresses of this machine: ip address; set host_address under "
    "[server] to one of them, then: sudo systemctl restart beemon",
    errno.EACCES: "set a listening_port from 1024 under [server], then: "
    "sudo systemctl restart beemon",
}
_OTHERWISE = (
    "set host_address under [server] to an address of this machine, such as 127.0.0.1, then: "
    "sudo systemctl restart beemon"
)


IPAddress = tuple[str, int]
"""The address of a client: its host and port; by the Unix socket, its user and 0."""


class AddressError(OSError):
    """An address on which nobody can listen now; ``remedy`` is the next act of an operator."""

    def __init__(self, number: int | None, where: str, why: str, remedy: str) -> None:
        super().__init__(number, f"cannot listen on {where}: {why}")
        self.remedy = remedy


def listen(host: str, port: int) -> socket.socket:
    """Listen there; look a name up first, which can take long. Raises :class:`AddressError`."""
    host = host or "0.0.0.0"
    try:
        # An IPv4 address first: a name without one is IPv6 alone.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, where = min(found, key=lambda info: info[0] != socket.AF_INET)
        return _listen(family, where)
    except OSError as error:
        raise _error(host, port, error.errno, _why(error, port)) from error
    except ValueError as error:  # a NUL, or a name too long for the DNS
        raise _error(host, port, errno.EINVAL, "that is neither an address nor a name") from error


def _listen(family: int, where: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _error(host: str, port: int, number: int | None, why: str) -> AddressError:
    remedy = _REMEDIES.get(number or 0, _OTHERWISE).format(port=port)
    return AddressError(number, f"{shown(host, 60)} port {port}", why, remedy)


def _why(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"it is in use by {ports.holder(port)}"
    return error.strerror or str(error)
