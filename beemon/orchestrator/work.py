"""Work: the content of the Orchestrator's process, from its start to its end.

Commands from the Server, messages of the workers, completed writes and the time arrive in the inbox
as actions. The loop carries them out one after the other. The Orchestrator sends reports to the
Server.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from multiprocessing.queues import Queue

from beemon.base import clock, zone
from beemon.config.settings import Settings
from beemon.devices.ask import resolve_devices, stand_in
from beemon.ledger.writer import LedgerWriter
from beemon.orchestrator.assembly import Surroundings, assemble
from beemon.orchestrator.conditions import LedgerWriting
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.loop import Loop
from beemon.orchestrator.worker_process import WorkerProcess
from beemon.protocol.reports import Rejected, Report, Stopped
from beemon.system import timedate

log = logging.getLogger(__name__)


def work(
    settings: Settings, commands: Queue[str | None], report: Callable[[Report], None],
    run_number: int, resting_seconds: float,
) -> None:
    """Build the loop of a run, and have it turn until it is stopped.

    ``report`` tells the Server something, from any thread. ``resting_seconds`` is the longest time
    between two heartbeats.
    """
    devices, problems = resolve_devices(settings.devices)
    if problems and not settings.fallback:
        report(Rejected(problems))
        return
    for problem in problems:  # nothing is left to fall back on: it must not stop the others
        log.error("%s; the other devices go on", problem)
    devices = {
        name: devices.get(name) or stand_in(device) for name, device in settings.devices.items()
    }
    inbox, writing = Inbox(), LedgerWriting()
    writer = LedgerWriter(settings.archive_path, run_number, inbox.forward(writing.tell))
    writer.start()
    around = Surroundings(
        clock=clock.MACHINE, inbox=inbox, write=writer.write, writing=writing,
        report=report, start_worker=WorkerProcess, local=_local_zone(),
        resting_seconds=resting_seconds,
    )
    _turn(assemble(settings, devices, run_number, around), inbox, commands)
    if not writer.finish(1.0):
        log.error("the database could not be completed; the next start completes it")
    report(Stopped())


def _turn(loop: Loop, inbox: Inbox, commands: Queue[str | None]) -> None:
    """Have the loop turn until it is stopped, and the threads beside it work meanwhile."""
    loop.start()
    for thread in loop.threads:  # READY waits for none of them
        thread.start()
    timedate.begin_asking()
    take = inbox.forward(loop.take)
    threading.Thread(
        target=_forward_commands, args=(commands, take), name="commands", daemon=True
    ).start()
    while not loop.is_over:
        loop.turn()
    for thread in loop.threads:
        thread.finish()


def _forward_commands(commands: Queue[str | None], take: Callable[[str | None], None]) -> None:
    while True:
        command = commands.get()
        take(command)
        if command is None:
            return


def _local_zone() -> zone.Local:
    local = zone.find_local()
    if local.trouble:
        log.warning("%s: %s", local.trouble, local.remedy)
    return local
