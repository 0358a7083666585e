"""The intake: enter a client's command in the ledger, and put it on the queue."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from typing import Protocol

from beemon.base.quoting import shown
from beemon.base.values import value_class
from beemon.config.settings import ConfigError, Settings
from beemon.orchestrator.job import QueuedCommand
from beemon.protocol import commands
from beemon.protocol.commands import Request
from beemon.protocol.lines import RequestError
from beemon.protocol.reports import JobEnded
from beemon.server.archive import ArchiveInUse
from beemon.server.in_force import ConfigInForce
from beemon.server.latest import LatestState
from beemon.system.service import Notifier, fields

log = logging.getLogger(__name__)

MAX_OPEN_JOBS, MAX_CLIENT_JOBS, MAX_DEVICE_JOBS = 100, 80, 50
"""Maximum number of open commands: in all, from one address or user, and for one device."""
RESERVE = 20
"""Places on the queue for urgent commands when it is full."""


class CommandQueue(Protocol):
    """The queue of commands to the Orchestrator."""

    def put_nowait(self, item: QueuedCommand, /) -> None:
        """Put a command on it. Raises ``queue.Full``, ``ValueError`` (closed), ``OSError``."""

    def full(self) -> bool:
        """Whether it takes no more commands."""


@value_class
class OpenJob:
    """The client of a job, and the devices that work on it."""

    client: str
    devices: set[str]


class Intake:
    """Accepts commands for ``queue`` until :meth:`close`; usable from any thread."""

    def __init__(
        self, queue: CommandQueue, config: ConfigInForce, archive: ArchiveInUse,
        board: LatestState, notifier: Notifier,
    ) -> None:
        self.queue = queue
        self._config = config
        self._archive = archive
        self._board = board
        self._notifier = notifier
        self._accepting = threading.Lock()
        self._open_jobs: dict[int, OpenJob] = {}
        self._handovers: dict[int, Settings] = {}  # by the job of the reload
        self._closed = False

    def close(self) -> None:
        """Accept nothing more; harmless from any thread, and a second time."""
        self._closed = True

    def accept(self, request: Request, client: str, port: int) -> int:
        """Enter a command in the ledger and queue it, verbatim; return its job number.

        Raises :class:`RequestError` if it is refused, and ``sqlite3.Error`` if the ledger fails.
        """
        origin = f"{client}:{port}" if port else client or "signal"
        devices = request.devices_at_work(self._config.current().devices)
        with self._accepting:
            self._check_state()
            self._check_room(client, devices, is_urgent=request.word.name in commands.URGENT)
            settings = self._settings_on_disk() if request.word.name == "reload" else None
            job = self._archive.opened().accept(request.text, origin)
            if settings is not None:
                self._handovers[job] = settings
                self._notifier.reloading()
            self._open_jobs[job] = OpenJob(client, devices)
            self._put(QueuedCommand(request.text, job, origin, settings), job)
        log.info(
            "job %d accepted: %s (%s)", job, shown(request.text, 80), origin,
            extra=fields(job=job),
        )
        return job

    def end_job(self, report: JobEnded) -> None:
        """Free the place of a job; put the config in force that a reload has handed over."""
        self._open_jobs.pop(report.facts.job, None)
        settings = self._handovers.pop(report.facts.job, None)
        if settings is None:
            return
        if report.facts.outcome == "done":
            self._config.take_over(settings)
        if not self._handovers:
            self._notifier.ready()

    def is_handing_over(self, job: int) -> bool:
        """Whether a job is a reload whose config may yet be put in force."""
        return job in self._handovers

    def _check_state(self) -> None:
        if self._closed:
            raise RequestError("stopping", "the service is stopping")
        beat = self._board.heartbeat
        if beat and (trouble := beat.trouble("ledger")):  # its outcome could not be entered either
            raise RequestError("no-ledger", str(trouble))

    def _check_room(self, client: str, devices: set[str], *, is_urgent: bool) -> None:
        """Raise :class:`RequestError` if the client or a device has its share of the queue."""
        jobs = self._open_jobs.copy().values()
        asked = Counter(device for job in jobs for device in job.devices & devices)
        own = sum(job.client == client for job in jobs)
        problem = None
        if len(jobs) >= MAX_OPEN_JOBS + RESERVE * is_urgent or self.queue.full():
            problem = f"{len(jobs)} commands are waiting already; to end them: beemon cancel all"
        elif asked and (busiest := asked.most_common(1)[0])[1] >= MAX_DEVICE_JOBS:
            device, count = busiest
            problem = (
                f"{count} commands are waiting for {device}; to end them: beemon cancel {device}"
            )
        elif own >= MAX_CLIENT_JOBS and not is_urgent:
            problem = (
                f"{own} commands of {client} are waiting already; to end them: beemon cancel all"
            )
        if problem:
            raise RequestError("queue-full", problem)

    def _settings_on_disk(self) -> Settings:
        if self._config.current().source is None:
            raise RequestError("bad-config", "the service was started without a config file")
        try:
            return self._config.on_disk()
        except ConfigError as error:
            raise RequestError("bad-config", str(error)) from error

    def _put(self, command: QueuedCommand, job: int) -> None:
        try:
            self.queue.put_nowait(command)
        except (queue.Full, ValueError, OSError) as error:
            self._open_jobs.pop(job, None)
            if self._handovers.pop(job, None):
                self._notifier.ready()  # what was announced does not happen
            self._archive.opened().fail(job, "not-queued", f"the queue did not take it: {error}")
            raise RequestError("queue-full", "the queue did not take the command") from error
