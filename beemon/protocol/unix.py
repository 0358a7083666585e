"""The Unix socket by which the users of this machine reach the service: no port, and no token.

Its file's mode decides who may use it; the kernel names the users (SO_PEERCRED, unix(7)).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import shlex
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from beemon.protocol.address import BACKLOG, AddressError
from beemon.protocol.socket_file import NAME, reached
from beemon.system.service import runtime_folder

_UID = "uid "
_CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user, group


def path_for(archive: Path) -> Path:
    """The path of the service's socket: under systemd in ``$RUNTIME_DIRECTORY``."""
    return runtime_folder(archive) / NAME


def listen(path: Path) -> socket.socket:
    """Listen there; a socket whose service has ended is replaced. Raises :class:`AddressError`.

    Under systemd its group may use it, otherwise its user alone.
    """
    mode = 0o660 if os.environ.get("RUNTIME_DIRECTORY") else 0o600
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with reached(path) as name, _alone(path.parent):
            _remove_stale(name)
            os.fchmod(listener.fileno(), mode)  # nobody else may use it, even for a moment
            listener.bind(name)
            Path(name).chmod(mode)
            listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        raise AddressError(error.errno, str(path), why, _remedy(path, error)) from error
    return listener


def remove(path: Path) -> None:
    """Remove the socket of a service that has ended. Raises ``OSError``."""
    with reached(path) as name, _alone(path.parent):
        _remove_stale(name)


def accept(listener: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
    """The next client, with its user in place of an IP address: ``("uid 1000", 0)``.

    Raises ``TimeoutError``, and ``OSError`` once the listener is shut down. Linux then returns
    EAGAIN, after which Python would try again without a pause.
    """
    seconds = listener.gettimeout()
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    events = poll.poll(None if seconds is None else 1000 * seconds)
    if not events:
        raise TimeoutError
    if events[0][1] & select.POLLHUP:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    connection, _ = listener.accept()
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(found)
    return connection, (f"{_UID}{uid}", 0)


def is_peer(ip_address: tuple[str, int]) -> bool:
    """Whether a client came by a Unix socket."""
    return ip_address[0].startswith(_UID)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two services that start at once do not take each other's socket for a stale one."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_stale(name: str) -> None:
    """Make room, but never take the socket of a service that lives."""
    try:
        if not stat.S_ISSOCK(os.lstat(name).st_mode):
            raise FileExistsError(errno.EEXIST, "another file has that name")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(name)
        except ConnectionRefusedError:
            Path(name).unlink()
            return
        except BlockingIOError:
            pass  # its backlog is full: somebody listens
    raise OSError(errno.EADDRINUSE, "another service listens on it")


def _remedy(path: Path, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "stop it: sudo systemctl stop beemon; or find its process: sudo ss -lxp"
    if error.errno == errno.EEXIST:
        return f"remove it: sudo rm {shlex.quote(str(path))}"
    return f"check the permissions of its folder: ls -ld {shlex.quote(str(path.parent))}"
