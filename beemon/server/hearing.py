"""Hearing: the Server's reaction to the Orchestrator's reports, and to its death."""

from __future__ import annotations

import logging
import math

from beemon.base import clock
from beemon.protocol.reports import Heartbeat, JobEnded, Replaced, Report, Started
from beemon.server.archive import ArchiveInUse
from beemon.server.ending import Ending
from beemon.server.intake import Intake
from beemon.server.latest import LatestState
from beemon.server.limits import Limits
from beemon.server.orchestrator_process import OrchestratorDiedError
from beemon.server.status_line import StatusLine

log = logging.getLogger(__name__)

_WELL_SECONDS = 60.0  # a service that has worked for so long does not fail at its start


class Hearing:
    """Passes reports on to the archive, the intake and the ``board``, and begins the ``ending``.

    A heartbeat younger than ``limits.stale_seconds`` proves that the service is alive.
    """

    def __init__(
        self, archive: ArchiveInUse, intake: Intake, board: LatestState, line: StatusLine,
        ending: Ending, limits: Limits,
    ) -> None:
        self._archive, self._intake, self._board = archive, intake, board
        self._line, self._ending = line, ending
        self.stale_seconds = limits.stale_seconds
        self._well_from = math.inf

    @property
    def heartbeat_age(self) -> float | None:
        """Seconds since the latest heartbeat; None before the first."""
        return self._board.heartbeat_age

    def hear(self, report: Report) -> None:
        """Pass a report on, and draw the consequences."""
        if isinstance(report, Replaced) and not self._ending.has_begun:
            log.warning("another version of beemon was installed; it takes over from this one")
            self._ending.begin()
        if isinstance(report, Started):
            self._well_from = clock.now().monotonic + _WELL_SECONDS
        if isinstance(report, JobEnded):
            self._archive.session.saw(report.facts.job)
            self._intake.end_job(report)
        self._board.post(report)  # after the switch: who waits for a reload may rely on it
        if isinstance(report, Heartbeat):
            self._hear_heartbeat(report)

    def note_hung(self, how: str) -> None:
        """The Orchestrator hangs, and was aborted over that."""
        self._archive.note_hung(how)

    def note_died(self, how: str) -> None:
        """The Orchestrator ended by itself; the service ends with it."""
        log.critical("%s; the service ends and restarts", how)
        self._ending.fail(OrchestratorDiedError(how))

    def _hear_heartbeat(self, beat: Heartbeat) -> None:
        now = clock.now().monotonic
        if now - beat.monotonic < self.stale_seconds:
            self._line.prove_alive()
        self._line.show()
        if self._archive.is_known_back(now):
            self._ending.fail(OSError(
                f"{self._archive.path} holds the right archive again; the service restarts in it"
            ))
        if now >= self._well_from:
            self._well_from = math.inf
            self._archive.session.note_well()
