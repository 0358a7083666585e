"""The archive of this run of the service: whether it is open, and whether it is the right one."""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from beemon.config import settings as config
from beemon.config.settings import ConfigError
from beemon.ledger import access, quarantine, starts
from beemon.ledger.reader import ArchiveReader
from beemon.ledger.session import ArchiveSession
from beemon.ledger.starts import Start
from beemon.protocol.lines import RequestError
from beemon.protocol.reports import Trouble
from beemon.server.in_force import ConfigInForce
from beemon.server.latest import LatestState
from beemon.server.orchestrator_process import OrchestratorDiedError
from beemon.storage.lock import ArchiveBusyError

log = logging.getLogger(__name__)

_FORESEEN = OSError | ConfigError | OrchestratorDiedError | None
"""The errors that may end a run without a defect."""
_LOOK_SECONDS = 5.0  # between two looks whether the right archive is there again


class ArchiveInUse:
    """The ``session`` of the archive and its state; its problems go to the ``board``."""

    def __init__(
        self, session: ArchiveSession, config: ConfigInForce, board: LatestState
    ) -> None:
        self.session = session
        self._config, self._board = config, board
        self._trouble: Trouble | None = None
        self._next_look = -math.inf

    @property
    def path(self) -> Path:
        """The archive's folder."""
        return self._config.current().archive_path

    def open(self) -> Trouble | None:
        """Try to open the archive; return the problem, or None. Raises ``ArchiveBusyError``."""
        error = self._error()
        self._trouble = None if error is None else access.trouble(error, self.path)
        return self._trouble

    def opened(self) -> ArchiveSession:
        """The open archive. Raises :class:`RequestError` as long as it could not be opened."""
        if self._trouble:
            raise RequestError("no-ledger", str(self._trouble))
        return self.session

    def reader(self) -> ArchiveReader:
        """The reader of the archive. Raises :class:`RequestError`, ``OSError``."""
        return self.opened().reader

    def why_shut(self) -> Trouble | None:
        """The reason that the archive could not be opened yet; None if it is open."""
        return self._trouble

    def starts(self) -> Sequence[Start]:
        """The latest starts of the service, the newest first."""
        return self.session.starts

    def note_hung(self, how: str) -> None:
        """Enter that this run ends because the Orchestrator hangs."""
        self.session.end_run(starts.HUNG, how)

    def give_up(self, error: sqlite3.Error) -> bool:
        """Whether an error means damage; if it does, the next start makes a new ledger."""
        log.error("the database failed: %s", error)
        try:
            return self.session.give_up(error)
        except OSError as trouble:
            log.error("the damaged database cannot be replaced at the next start: %s", trouble)
            return False

    def tell_oddities(self) -> None:
        """Report an unexpected archive in this place, and damaged ledgers kept beside it."""
        if stranger := self.session.stranger:
            self._tell_stranger(stranger)
        self._tell_aside()

    def is_known_back(self, now: float) -> bool:
        """Whether the right archive is there again after its disk was away.

        Looks at the disk every few seconds only, however often it is called.
        """
        beat = self._board.heartbeat
        is_lost = self.session.stranger or (beat and beat.trouble("ledger"))
        if not is_lost or now < self._next_look:
            return False
        self._next_look = now + _LOOK_SECONDS
        return self.session.is_known_back

    def close(self, failure: Exception | None, *, is_defect: bool) -> None:
        """Enter the end of the run in the archive, and close it.

        ``failure`` is what ended the run, None at an ordinary stop. A refused config does not
        count: the next start uses the last good one. ``is_defect``: the Orchestrator had a defect.
        """
        is_failure = not isinstance(failure, ConfigError | None)
        self.session.end_run(
            starts.FAILED if is_failure else starts.STOPPED, str(failure) if failure else None
        )
        if is_defect or not isinstance(failure, _FORESEEN):
            self.session.note_failed()
        elif failure is None:
            self.session.note_well()
        self.session.close()

    def _error(self) -> OSError | sqlite3.Error | None:
        try:
            self.session.open()
        except ArchiveBusyError:
            raise
        except (OSError, sqlite3.Error) as error:
            return error
        return None

    def _tell_stranger(self, stranger: str) -> None:
        trouble = Trouble(
            "archive", f"{stranger}, so this run is recorded in another archive",
            f"check that its disk is mounted: findmnt -T {self.path}; the service then continues "
            f"in it. If this is to be the archive from now on: sudo rm {config.memory_file()}, "
            "then: sudo systemctl restart beemon",
        )
        log.error("%s", trouble)
        self._board.note_trouble(trouble)

    def _tell_aside(self) -> None:
        """Report damaged ledgers whose content is not in use."""
        names = self.session.lost_sight_of
        if not names:
            return
        are = "1 damaged database is" if len(names) == 1 else f"{len(names)} damaged databases are"
        doubt = "; the card may be dying: replace it soon" if len(names) >= quarantine.MANY else ""
        self._board.note_trouble(Trouble(
            "ledgers-aside",
            f"{are} in {self.path}, and their content is not in use{doubt}",
            "recover the readable rows: sudo systemctl stop beemon; "
            "sudo -u beemon beemon archive rebuild; sudo systemctl start beemon",
        ))
