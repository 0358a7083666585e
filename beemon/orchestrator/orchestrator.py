"""Orchestrator: the process around the loop, as the Server starts it.

The Server loads this module, but not the content of the process
(:mod:`work <beemon.orchestrator.work>`). The start of the service begins with it, so it imports
little.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import multiprocessing.queues
import os
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any, NoReturn

from beemon.base import defects
from beemon.system import processes, service

if TYPE_CHECKING:
    from beemon.config.settings import Settings
    from beemon.protocol.reports import Report

    Orders = tuple[Settings, int, float]

log = logging.getLogger(__name__)

EXIT_DEFECT = 70
"""Its exit status after an error that nobody foresaw."""
_SEND_SECONDS = 1.0  # that its last reports may take, if the Server reads slowly
MAX_OPEN_JOBS, RESERVE = 100, 20
"""Places on the queue for commands, and further ones for urgent commands."""


class Orchestrator(SpawnProcess):
    """Carries out the commands on ``command_queue`` and reports over ``reports``.

    ``None`` on the queue means stop. ``orders`` gets the settings and this run's number in the
    ledger, when the Server has the archive, and the longest time between two heartbeats. Until
    then the process only loads its modules. If the Server closes the other end without orders, the
    process ends.
    """

    def __init__(
        self,
        command_queue: multiprocessing.queues.Queue[str | None],
        reports: Connection[Report, None],
        orders: Connection[None, Orders],
    ) -> None:
        super().__init__(name="beemon-orchestrator", daemon=False)
        self._commands = command_queue
        self._reports = reports
        self._orders = orders
        self._parent = os.getpid()

    def run(self) -> None:
        """The process: work until told to stop, then bring everything to an end."""
        processes.begin_child(self.name, self._parent)
        processes.crash_with_any_thread()
        service.start_log()
        defects.contain(self._work, _end_by_defect)

    def _work(self) -> None:
        with processes.loading():
            from beemon.devices._base import ARCHIVE
            from beemon.orchestrator import work  # half of beemon, which the Server does without
            from beemon.orchestrator.reporter import Reporter

        try:
            settings, run_number, resting_seconds = self._orders.recv()
        except EOFError:
            return
        os.environ[ARCHIVE] = str(settings.archive_path)  # for the workers
        reporter = Reporter(self._reports)
        work.work(settings, self._commands, reporter.send, run_number, resting_seconds)
        reporter.finish(_SEND_SECONDS)


def _end_by_defect(_: Exception) -> NoReturn:
    log.critical("the Orchestrator has a defect and ends", exc_info=True)
    os._exit(EXIT_DEFECT)  # what it started dies with it


class LoadedOrchestrator:
    """An Orchestrator whose ``process`` loads its modules and touches nothing before it begins.

    It is killed if the thread that makes this ends. ``commands`` is its queue, by default a new
    one.
    """

    def __init__(self, commands: Any = None) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.commands: Any = new_queue() if commands is None else commands
        self.reports: Connection[None, Report]
        self.reports, reports = spawn.Pipe()
        orders, self._orders = spawn.Pipe(duplex=False)
        self.process = Orchestrator(self.commands, reports, orders)
        self.process.start()
        for theirs in (reports, orders):
            theirs.close()  # so that its end is noticed

    @property
    def is_waiting(self) -> bool:
        """Whether it has not begun yet, nor been given up."""
        return not self._orders.closed

    def begin(self, settings: Settings, run_number: int, resting_seconds: float) -> None:
        """Let it begin, in the archive that the Server has."""
        with contextlib.suppress(BrokenPipeError), self._orders:  # its end is noticed by its exit
            self._orders.send((settings, run_number, resting_seconds))

    def give_up(self) -> None:
        """End it if it has not begun."""
        if self.is_waiting:
            self._orders.close()
            self.process.kill()


def new_queue() -> multiprocessing.queues.Queue[str | None]:
    """A queue of commands for one Orchestrator; the last place is for the stop."""
    return multiprocessing.get_context("spawn").Queue(MAX_OPEN_JOBS + RESERVE + 1)
