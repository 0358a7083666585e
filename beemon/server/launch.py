"""The launch: open the archive, at once or later, and start the Orchestrator in it."""

from __future__ import annotations

import logging

from beemon.config import settings
from beemon.config.settings import ConfigError
from beemon.orchestrator import LoadedOrchestrator
from beemon.protocol.reports import Trouble
from beemon.server.archive import ArchiveInUse
from beemon.server.ending import Ending
from beemon.server.hearing import Hearing
from beemon.server.in_force import ConfigInForce
from beemon.server.intake import CommandQueue
from beemon.server.opening import Opening
from beemon.server.orchestrator_process import OrchestratorDiedError, OrchestratorProcess
from beemon.server.status_line import StatusLine

log = logging.getLogger(__name__)


class Launch:
    """Opens the archive, and starts the Orchestrator in it with the config in force."""

    name, meanwhile = "archive", "no command is accepted"

    def __init__(
        self, archive: ArchiveInUse, config: ConfigInForce, jobs: CommandQueue, hearing: Hearing,
        line: StatusLine, ending: Ending, orchestrator: LoadedOrchestrator | None = None,
    ) -> None:
        self._archive, self._config, self._line, self._ending = archive, config, line, ending
        self.process = OrchestratorProcess(
            jobs, hearing, stale_seconds=hearing.stale_seconds,
            watchdog_seconds=line.watchdog_seconds, loaded=orchestrator,
        )
        self.opening = Opening(self, ending)

    def load(self) -> None:
        """Have the Orchestrator's modules loaded while the archive is opened."""
        self.process.load()

    def open(self) -> Trouble | None:
        """Try to open the archive. Raises ``OSError`` if another beemon has it."""
        return self._archive.open()

    def start(self) -> None:
        """Start the Orchestrator in the archive, which is open.

        Raises :class:`ConfigError`, :class:`OrchestratorDiedError` and ``OSError``.
        """
        self._archive.tell_oddities()
        self.process.start(self._config.current(), self._archive.session.run_number)
        settings.keep_last_good(self._config.current())

    def begin(self) -> None:
        """Start the Orchestrator late; the service ends if that fails."""
        log.info("the archive can be used again")
        try:
            self.start()
        except (ConfigError, OrchestratorDiedError, OSError) as error:
            self._ending.fail(error)

    def stay(self) -> None:
        """Return at once: the Orchestrator's process belongs to the thread that loaded it."""

    def tell(self, trouble: Trouble | None) -> None:
        """Tell systemd that the service is alive: it asks the archive's disk again and again."""
        if trouble is not None:
            self._line.prove_alive()
            self._line.show()
