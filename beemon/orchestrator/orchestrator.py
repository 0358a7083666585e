"""Orchestrator: the process around the loop, as the Server starts it.

The Server loads this module, but not the content of the process
(:mod:`work <beemon.orchestrator.work>`).
"""

from __future__ import annotations

import logging
import multiprocessing.queues
import os
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import NoReturn

from beemon.base import defects
from beemon.config.settings import Settings
from beemon.devices._base import ARCHIVE
from beemon.protocol.reports import Report
from beemon.system import processes, service

log = logging.getLogger(__name__)

EXIT_DEFECT = 70
"""Its exit status after an error that nobody foresaw."""


class Orchestrator(SpawnProcess):
    """Carries out the commands on ``command_queue`` and reports on ``report_queue``.

    ``None`` on the queue means stop. ``run_number`` gets this run's number in the ledger, when the
    Server has the archive. Until then the process only loads its modules. If the Server closes the
    other end without a number, the process ends. ``resting_seconds`` is the longest time between
    two heartbeats.
    """

    def __init__(
        self,
        settings: Settings,
        command_queue: multiprocessing.queues.Queue[str | None],
        report_queue: multiprocessing.queues.Queue[Report | None],
        run_number: Connection[None, int],
        resting_seconds: float,
    ) -> None:
        super().__init__(name="beemon-orchestrator", daemon=False)
        self._settings = settings
        self._commands = command_queue
        self._reports = report_queue
        self._run_number = run_number
        self._resting_seconds = resting_seconds
        self._parent = os.getpid()

    def run(self) -> None:
        """The process: work until told to stop, then bring everything to an end."""
        processes.begin_child(self.name, self._parent)
        processes.crash_with_any_thread()
        service.start_log()
        os.environ[ARCHIVE] = str(self._settings.archive_path)  # for the workers
        defects.contain(self._work, _end_by_defect)

    def _work(self) -> None:
        from beemon.orchestrator import work  # half of beemon, which the Server does without

        try:
            run_number = self._run_number.recv()
        except EOFError:
            return
        work.work(self._settings, self._commands, self._reports, run_number, self._resting_seconds)


def _end_by_defect(_: Exception) -> NoReturn:
    log.critical("the Orchestrator has a defect and ends", exc_info=True)
    os._exit(EXIT_DEFECT)  # what it started dies with it
