"""The status line: the state of the service in one sentence, shown by ``systemctl status``."""

from __future__ import annotations

from beemon.protocol.reports import Trouble
from beemon.server.latest import LatestState
from beemon.server.queries import Queries
from beemon.system.service import Notifier


class StatusLine:
    """Shows the sentence of ``queries`` on the state of the ``board``, by the ``notifier``."""

    def __init__(self, board: LatestState, queries: Queries, notifier: Notifier) -> None:
        self._board, self._queries, self._notifier = board, queries, notifier

    def show(self) -> None:
        """Show the present state."""
        self._notifier.status(self._queries.sentence())

    def tell(self, about: str, trouble: Trouble | None) -> None:
        """Note a problem with one thing, or None if it is settled; then show it."""
        if trouble is None:
            self._board.settle_trouble(about)
        else:
            self._board.note_trouble(trouble)
        self.show()

    @property
    def watchdog_seconds(self) -> float | None:
        """The time after which systemd ends a service that hangs, in seconds; None: it does not."""
        return self._notifier.watchdog_seconds

    def prove_alive(self) -> None:
        """Keep systemd's watchdog from ending the service."""
        self._notifier.alive()
