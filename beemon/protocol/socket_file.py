"""The file of the service's Unix socket: its name, its place, and a connection to it.

The command line loads no more than this of the socket; :mod:`~beemon.protocol.unix` has the rest.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

NAME = "beemon.sock"
PACKAGED = f"/run/beemon/{NAME}"
"""The path of the socket of the packaged service."""


def connect(path: str | os.PathLike[str], timeout: float | None) -> socket.socket:
    """A connection to the service. Raises ``OSError``."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        with reached(path) as name:
            connection.connect(name)
    except OSError:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def reached(path: str | os.PathLike[str]) -> Iterator[str]:
    """A name of at most 107 bytes for a path of any length: by way of its folder's descriptor."""
    parent, name = os.path.split(os.fspath(path))
    folder = os.open(parent or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{name}"
    finally:
        os.close(folder)
