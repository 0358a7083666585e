"""Orchestrator: the process around the loop.

Commands from the Server, messages of the workers, completed writes and the time arrive in the inbox
as actions. The loop carries them out one after the other. The Orchestrator sends reports to the
Server.
"""

from __future__ import annotations

import logging
import multiprocessing.queues
import os
import threading
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from typing import NoReturn

from beemon.base import clock, defects, zone
from beemon.config.settings import Settings
from beemon.devices._base import ARCHIVE
from beemon.devices.ask import resolve_devices
from beemon.ledger.writer import LedgerWriter
from beemon.orchestrator.assembly import Surroundings, assemble
from beemon.orchestrator.conditions import LedgerWriting
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.loop import Loop
from beemon.orchestrator.worker_process import WorkerProcess
from beemon.protocol.reports import Rejected, Report, Stopped
from beemon.system import processes, service
from beemon.timing import timedate

log = logging.getLogger(__name__)

EXIT_DEFECT = 70
"""Its exit status after an error that nobody foresaw."""


class Orchestrator(SpawnProcess):
    """Carries out the commands on ``command_queue`` and reports on ``report_queue``.

    ``None`` on the queue means stop. ``run_number`` is this run's number in the ledger.
    """

    def __init__(
        self,
        settings: Settings,
        command_queue: multiprocessing.queues.Queue[str | None],
        report_queue: multiprocessing.queues.Queue[Report | None],
        run_number: int,
    ) -> None:
        super().__init__(name="beemon-orchestrator", daemon=False)
        self._settings = settings
        self._commands = command_queue
        self._reports = report_queue
        self._run_number = run_number
        self._parent = os.getpid()

    def run(self) -> None:
        """The process: work until told to stop, then bring everything to an end."""
        processes.begin_child(self.name, self._parent)
        processes.crash_with_any_thread()
        service.start_log()
        os.environ[ARCHIVE] = str(self._settings.archive_path)  # for the workers
        defects.contain(self._work, _end_by_defect)

    def _work(self) -> None:
        devices, problems = resolve_devices(self._settings.devices)
        if problems:
            self._reports.put(Rejected(problems))
            return
        inbox, writing = Inbox(), LedgerWriting()
        writer = LedgerWriter(
            self._settings.archive_path, self._run_number, inbox.forward(writing.tell)
        )
        writer.start()
        around = Surroundings(
            clock=clock.MACHINE, inbox=inbox, write=writer.write, writing=writing,
            report=self._reports.put, start_worker=WorkerProcess, local=_local_zone(),
        )
        self._turn(assemble(self._settings, devices, self._run_number, around), inbox)
        if not writer.finish(1.0):
            log.error("the database could not be completed; the next start completes it")
        self._reports.put(Stopped())

    def _turn(self, loop: Loop, inbox: Inbox) -> None:
        """Have the loop turn until it is stopped, and the threads beside it work meanwhile."""
        timedate.begin_asking()
        for thread in loop.threads:
            thread.start()
        loop.start()
        take = inbox.forward(loop.take)
        threading.Thread(
            target=self._forward_commands, args=(take,), name="commands", daemon=True
        ).start()
        while not loop.is_over:
            loop.turn()
        for thread in loop.threads:
            thread.finish()

    def _forward_commands(self, take: Callable[[str | None], None]) -> None:
        while True:
            command = self._commands.get()
            take(command)
            if command is None:
                return


def _end_by_defect(_: Exception) -> NoReturn:
    log.critical("the Orchestrator has a defect and ends", exc_info=True)
    os._exit(EXIT_DEFECT)  # what it started dies with it


def _local_zone() -> zone.Local:
    local = zone.find_local()
    if local.trouble:
        log.warning("%s: %s", local.trouble, local.remedy)
    return local
