"""An entrance: a door that is opened as soon as its address can be used."""

from __future__ import annotations

import threading
from collections.abc import Callable

from beemon.base.reports import Trouble
from beemon.config.settings import ConfigError
from beemon.protocol.address import AddressError
from beemon.server.door import Door
from beemon.server.opening import Opening

Tell = Callable[[str, Trouble | None], None]
"""Takes what is wrong, or None, of what a trouble is about."""


class Entrance:
    """Listens for a ``door`` again and again until that succeeds; then clients are admitted.

    ``where`` names the address, ``opened`` is called once it is in use, ``failed`` gets an error
    that ends the service, and ``tell`` each result.
    """

    def __init__(
        self, about: str, door: Door, where: Callable[[], str], listen: Callable[[], None],
        opened: Callable[[], None], admit: Callable[[], None],
        failed: Callable[[Exception], None], tell: Tell, *, meanwhile: str,
    ) -> None:
        self._about, self._door = about, door
        self._where, self._listen, self._admit, self._tell = where, listen, admit, tell
        self._serving = threading.Event()
        self.opening = Opening(
            self._open, opened, self._admit_once_started, failed, self._told,
            name=about, meanwhile=meanwhile,
        )

    def begin_to_serve(self) -> None:
        """Admit clients from now on; who came before waits in the backlog."""
        self._serving.set()

    def _open(self) -> Trouble | None:
        try:
            if not self._door.is_open:
                self._listen()
        except AddressError as error:
            return Trouble(self._about, f"it {error.strerror}", error.remedy)
        except ConfigError as error:  # never without the token that the config asks for
            return Trouble(
                self._about, f"it does not listen on {self._where()}: {error}",
                "correct the file, then it listens by itself; see token_file in: man beemon.toml",
            )
        return None

    def _admit_once_started(self) -> None:
        self._serving.wait()
        self._admit()

    def _told(self, trouble: Trouble | None) -> None:
        self._tell(self._about, trouble)
