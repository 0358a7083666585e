"""An entrance: it listens once it can, and admits clients once the service is ready."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from beemon.base.reports import Trouble
from beemon.config.settings import ConfigError, Problem
from beemon.protocol.address import AddressError
from beemon.server.clients import Clients
from beemon.server.door import Door
from beemon.server.entrance import Entrance

SOON = 10


class Service:
    """What an entrance needs around it; ``wrong`` is raised by whoever listens."""

    def __init__(self) -> None:
        self.wrong: Exception | None = None
        self.told: list[tuple[str, Trouble | None]] = []
        self.opened, self.admitted = threading.Event(), threading.Event()
        self.failures: list[Exception] = []
        door = Door(Clients(1, lambda: 0, self.serve), 1.0)
        self.entrance = Entrance(
            "address", door, lambda: "hive port 80", self.listen, self.opened.set,
            self.admitted.set, self.failures.append, self.tell, meanwhile="nobody can connect",
        )

    def serve(self, connection: Any, who: Any) -> None:
        """No client comes."""

    def listen(self) -> None:
        if self.wrong:
            raise self.wrong

    def tell(self, about: str, trouble: Trouble | None) -> None:
        self.told.append((about, trouble))


def test_clients_are_admitted_only_once_the_service_is_ready() -> None:
    service = Service()
    service.entrance.opening.go_on()
    assert service.opened.wait(SOON)
    assert not service.admitted.is_set()
    service.entrance.begin_to_serve()
    assert service.admitted.wait(SOON)
    assert (service.told, service.failures) == ([("address", None)], [])


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
    service = Service()
    service.wrong = wrong
    assert not service.entrance.opening.at_once()
    [(about, trouble)] = service.told
    assert trouble is not None
    assert (about, trouble.about) == ("address", "address")
    assert trouble.says.startswith(says)
    service.wrong = None
    assert service.entrance.opening.at_once()
    assert service.told[-1] == ("address", None)
