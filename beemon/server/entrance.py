"""Entrances: the doors by which clients come in, opened as soon as their address can be used."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol

from beemon.base.quoting import shown
from beemon.config import settings as config
from beemon.config.settings import ConfigError
from beemon.protocol import address, unix
from beemon.protocol.address import AddressError
from beemon.protocol.reports import Trouble
from beemon.server.answers import Answers
from beemon.server.door import Door
from beemon.server.ending import Ending
from beemon.server.opening import Opening
from beemon.server.status_line import StatusLine

log = logging.getLogger(__name__)


class Address(Protocol):
    """An address to listen on; ``meanwhile`` says what is not possible as long as that fails."""

    name: ClassVar[str]
    meanwhile: ClassVar[str]

    def listen(self) -> socket.socket:
        """Listen. Raises :class:`AddressError`, :class:`ConfigError`."""

    def tell_listening(self) -> None:
        """Write in the log that clients can connect, if nobody would know it otherwise."""

    def leave(self) -> None:
        """Leave nothing behind at the end."""


class TcpAddress:
    """A host and port, by default 8080 of this machine; 0 lets the system choose the port.

    Clients need the token that ``token_file`` holds, if there is such a file.
    """

    name: ClassVar[str] = "address"
    meanwhile: ClassVar[str] = "no client can connect by TCP"

    def __init__(
        self, host: str | None, port: int | None, token_file: Path | None, answers: Answers
    ) -> None:
        self.host = "127.0.0.1" if host is None else host
        self.port = 8080 if port is None else port
        if not 0 <= self.port <= 65535:
            raise ValueError(
                f"listening_port must be between 1 and 65535 (0 lets the system choose), "
                f"not {self.port!r}"
            )
        self._token_file, self._answers = token_file, answers

    def __str__(self) -> str:
        """Its name for people."""
        return f"{shown(self.host, 60)} port {self.port}"

    def listen(self) -> socket.socket:
        """Listen, and ask clients for the token that its file holds now.

        Raises :class:`AddressError`, and :class:`ConfigError` if there is no such token.
        """
        if self._token_file is not None:
            self._answers.token = config.read_token(self._token_file)
        listener = address.listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        return listener

    def tell_listening(self) -> None:
        """Write the address and its port in the log."""
        log.info("listening on %s port %d", self.host, self.port)

    def leave(self) -> None:
        """A port that is closed leaves nothing behind."""


class UnixAddress:
    """The path of a Unix socket, for the users of this machine."""

    name: ClassVar[str] = "socket"
    meanwhile: ClassVar[str] = "clients can connect by TCP alone"

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        """Its name for people."""
        return str(self._path)

    def listen(self) -> socket.socket:
        """Listen. Raises :class:`AddressError`."""
        return unix.listen(self._path)

    def tell_listening(self) -> None:
        """Write nothing: the path is always the same."""

    def leave(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):  # the next start replaces it
            unix.remove(self._path)


class Entrance:
    """One door at one address; ``admit`` accepts its clients until the door is closed."""

    def __init__(
        self, address: Address, door: Door, admit: Callable[[], None], line: StatusLine
    ) -> None:
        self.name, self.meanwhile = address.name, address.meanwhile
        self.address = address
        self._door, self._admit, self._line = door, admit, line
        self._serving = threading.Event()

    def listen(self) -> None:
        """Listen; clients wait in the backlog. Raises what the address raises."""
        self._door.open(self.address.listen())

    def begin_to_serve(self) -> None:
        """Admit clients from now on."""
        self._serving.set()

    def open(self) -> Trouble | None:
        """Try to listen, unless the door is open already."""
        try:
            if not self._door.is_open:
                self.listen()
        except AddressError as error:
            return Trouble(self.name, f"it {error.strerror}", error.remedy)
        except ConfigError as error:  # never without the token that the config asks for
            return Trouble(
                self.name, f"it does not listen on {self.address}: {error}",
                "correct the file, then it listens by itself; see token_file in: man beemon.toml",
            )
        return None

    def begin(self) -> None:
        """Tell that clients may connect."""
        self.address.tell_listening()

    def stay(self) -> None:
        """Admit clients, once the service is ready, until the door is closed."""
        self._serving.wait()
        self._admit()

    def tell(self, trouble: Trouble | None) -> None:
        """Show the result of an attempt to listen."""
        self._line.tell(self.name, trouble)


class Entrances:
    """All entrances of the service; the first is the one by TCP."""

    def __init__(self, entrances: list[Entrance], ending: Ending) -> None:
        self._entrances = entrances
        self._openings = [Opening(entrance, ending) for entrance in entrances]

    def listen(self) -> None:
        """Listen by TCP at once. Raises :class:`AddressError`, :class:`ConfigError`."""
        self._entrances[0].listen()

    def open(self) -> None:
        """Open each in a thread of its own."""
        for opening in self._openings:
            opening.go_on()

    def wait_for_attempts(self, seconds: float) -> None:
        """Return when each was attempted once, but after ``seconds`` for each in any case."""
        for opening in self._openings:
            opening.wait_for_attempt(seconds)

    def begin_to_serve(self) -> None:
        """Accept clients from now on; earlier ones wait in the backlog."""
        for entrance in self._entrances:
            entrance.begin_to_serve()

    def give_up(self) -> None:
        """Open nothing more; the doors are closed."""
        self.begin_to_serve()  # otherwise their threads would wait for it
        for opening in self._openings:
            opening.give_up(0)

    def leave(self) -> None:
        """Leave nothing behind; an address that another service has is not touched."""
        for entrance, opening in zip(self._entrances, self._openings, strict=True):
            if not opening.trouble:
                entrance.address.leave()
