"""The status line: the state of the service in one sentence, shown by ``systemctl status``."""

from __future__ import annotations

from beemon.base.reports import Trouble
from beemon.server.latest import LatestState
from beemon.server.queries import Queries
from beemon.system.service import Notifier


class StatusLine:
    """Shows by the ``notifier`` the sentence that ``queries`` make of the troubles on the board."""

    def __init__(self, board: LatestState, queries: Queries, notifier: Notifier) -> None:
        self._board, self._queries, self._notifier = board, queries, notifier

    def show(self) -> None:
        """Show it as it is now."""
        self._notifier.status(self._queries.sentence())

    def tell(self, about: str, trouble: Trouble | None) -> None:
        """Note what is wrong with something, or None: it is settled. Then show it."""
        if trouble is None:
            self._board.settle_trouble(about)
        else:
            self._board.note_trouble(trouble)
        self.show()

    @property
    def is_watched(self) -> bool:
        """Whether systemd ends the service when it hangs."""
        return self._notifier.watchdog_seconds is not None

    def prove_alive(self) -> None:
        """Keep systemd's watchdog from ending the service."""
        self._notifier.alive()
