"""An entrance: it listens once it can, and admits clients once the service is ready."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from beemon.config.settings import ConfigError, Problem, Settings
from beemon.protocol.address import AddressError
from beemon.protocol.reports import Trouble
from beemon.server.clients import Clients
from beemon.server.door import Door
from beemon.server.ending import Ending
from beemon.server.entrance import Entrance, Entrances, UnixAddress
from beemon.server.in_force import ConfigInForce
from beemon.server.latest import LatestState
from beemon.server.queries import Queries
from beemon.server.status_line import StatusLine
from beemon.system.service import Notifier

SOON = 10


class Address:
    """Has ``wrong`` raised by who listens there."""

    name, meanwhile = "address", "nobody can connect"

    def __init__(self, wrong: Exception | None = None) -> None:
        self.wrong = wrong
        self.told, self.left = threading.Event(), threading.Event()

    def __str__(self) -> str:
        return "hive port 80"

    def listen(self) -> socket.socket:
        if self.wrong:
            raise self.wrong
        return socket.socketpair()[0]

    def tell_listening(self) -> None:
        self.told.set()

    def leave(self) -> None:
        self.left.set()


class Service:
    """What an entrance needs around it."""

    def __init__(self, address: Address) -> None:
        self.board, self.ending = LatestState(), Ending()
        self.admitted = threading.Event()
        config = ConfigInForce(Settings(), self.board)
        queries = Queries(self.board, config.current, lambda: pytest.fail("nobody asked"))
        line = StatusLine(self.board, queries, Notifier())
        door = Door(Clients(1, lambda: 0, lambda *_: None), 1.0)
        self.entrance = Entrance(address, door, self.admitted.set, line)
        self.entrances = Entrances([self.entrance], self.ending)

    @property
    def troubles(self) -> list[Trouble]:
        return self.board.troubles


def test_clients_are_admitted_only_once_the_service_is_ready() -> None:
    address = Address()
    service = Service(address)
    service.entrances.open()
    assert address.told.wait(SOON)
    assert not service.admitted.is_set()
    service.entrances.begin_to_serve()
    assert service.admitted.wait(SOON)
    assert (service.troubles, service.ending.failure) == ([], None)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (AddressError(98, "hive port 80", "it is taken", "stop it"),
         "it cannot listen on hive port 80: it is taken"),
        (ConfigError([Problem("token", "is too short")]),
         "it does not listen on hive port 80: "),
    ],
)
def test_what_is_in_the_way_is_told(wrong: Exception, says: str) -> None:
    address = Address(wrong)
    service = Service(address)
    trouble = service.entrance.open()
    service.entrance.tell(trouble)
    assert trouble is not None
    assert service.troubles == [trouble]
    assert trouble.about == "address"
    assert trouble.says.startswith(says)
    address.wrong = None
    assert service.entrance.open() is None
    service.entrance.tell(None)
    assert service.troubles == []


def test_at_once_what_is_in_the_way_is_raised() -> None:
    with pytest.raises(AddressError):
        Service(Address(AddressError(98, "hive port 80", "it is taken", ""))).entrances.listen()


def test_an_address_that_another_service_has_is_not_touched_at_the_end(tmp_path: Path) -> None:
    address = Address(AddressError(98, "hive port 80", "it is taken", ""))
    service = Service(address)
    service.entrances.open()
    service.entrances.wait_for_attempts(SOON)
    service.entrances.give_up()
    service.entrances.leave()
    assert not address.left.is_set()


def test_the_file_of_a_unix_socket_is_removed_at_the_end(tmp_path: Path) -> None:
    address = UnixAddress(tmp_path / "beemon.sock")
    with address.listen():
        assert (tmp_path / "beemon.sock").is_socket()
    address.leave()
    assert list(tmp_path.iterdir()) == []
