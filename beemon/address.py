"""The TCP address that the service listens on: taken, or why it cannot be, with the remedy."""

from __future__ import annotations

import errno
import socket

from beemon import ports
from beemon.commands import shown

BACKLOG = 512

_REMEDIES = {
    errno.EADDRINUSE: "see which program that is: sudo ss -ltnp 'sport = :{port}'; stop it, or set "
    "another listening_port under [server], then: sudo systemctl restart beemon",
    errno.EADDRNOTAVAIL: "see the addresses of this machine: ip address; set host_address under "
    "[server] to one of them, then: sudo systemctl restart beemon",
    errno.EACCES: "set a listening_port from 1024 under [server], then: "
    "sudo systemctl restart beemon",
}
_OTHERWISE = (
    "set host_address under [server] to an address of this machine, such as 127.0.0.1, then: "
    "sudo systemctl restart beemon"
)


class AddressError(OSError):
    """An address on which nobody can listen now; ``remedy`` is the next act of an operator."""

    def __init__(self, number: int | None, host: str, port: int, why: str) -> None:
        super().__init__(number, f"cannot listen on {shown(host, 60)} port {port}: {why}")
        self.remedy = _REMEDIES.get(number or 0, _OTHERWISE).format(port=port)


def listen(host: str, port: int) -> socket.socket:
    """Listen there; look a name up first, which can take long. Raises :class:`AddressError`."""
    host = host or "0.0.0.0"
    try:
        # An IPv4 address first: a name without one is IPv6 alone.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, where = min(found, key=lambda info: info[0] != socket.AF_INET)
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise AddressError(error.errno, host, port, error.strerror or str(error)) from error
    except ValueError as error:  # a NUL, or a name too long for the DNS
        raise AddressError(errno.EINVAL, host, port, "that is no address and no name") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressError(error.errno, host, port, _why(error, port)) from error
    return listener


def _why(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"it is in use by {ports.holder(port)}"
    return error.strerror or str(error)
