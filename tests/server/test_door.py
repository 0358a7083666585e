"""A door: which errors of accept() belong to one client, and how the loop ends."""

from __future__ import annotations

import errno
import os
import socket
import threading
from typing import Any

import pytest

from beemon.protocol import unix
from beemon.server.clients import Clients
from beemon.server.door import Door


def serve(_: socket.socket, __: Any) -> None:
    """Serve nobody: each client is let go at once."""


class Accepting:
    """An ``accept`` that fails as told; then it closes the door."""

    def __init__(self, *numbers: int) -> None:
        self.errors = [OSError(number, os.strerror(number)) for number in numbers]
        self.door = Door(Clients(1, lambda: 0, serve), 1, self)

    def __call__(self, _: socket.socket) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        self.door.close()
        raise TimeoutError

    def run(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.door.open(listener)
            self.door.admit_clients()


@pytest.mark.parametrize(
    "number",
    [errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EPERM,
     errno.EMFILE, errno.ENOBUFS],
    ids=errno.errorcode.__getitem__,
)
def test_a_connection_that_fails_while_it_is_accepted_does_not_end_the_service(number: int):
    accepting = Accepting(number, number)
    accepting.run()
    assert accepting.errors == []


def test_a_broken_listener_ends_the_service():
    with pytest.raises(OSError, match=os.strerror(errno.ENOTSOCK)):
        Accepting(errno.ENOTSOCK).run()


@pytest.mark.parametrize(
    ("family", "accept"),
    [(socket.AF_INET, socket.socket.accept), (socket.AF_UNIX, unix.accept)],
    ids=["tcp", "unix"],
)
@pytest.mark.timeout(20)
def test_a_door_that_is_closed_lets_its_loop_end_at_once_and_its_socket_go(
    family, accept, tmp_path
):
    door = Door(Clients(1, lambda: 0, serve), 600, accept)
    listener = socket.socket(family)
    listener.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(tmp_path / "s"))
    listener.listen()
    door.open(listener)
    loop = threading.Thread(target=door.admit_clients)
    loop.start()
    with socket.socket(family) as client:
        client.connect(listener.getsockname())
        assert client.recv(1) == b""
    assert door.is_open
    door.close()
    door.dismiss_clients()
    loop.join(20)
    assert not loop.is_alive()
    assert not door.is_open
    assert listener.fileno() == -1


def test_a_socket_that_comes_after_the_close_is_closed_too():
    door = Door(Clients(1, lambda: 0, serve), 60)
    door.close()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door.open(listener)
        door.admit_clients()
    assert not door.is_open
