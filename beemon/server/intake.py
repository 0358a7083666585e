"""The intake: enter a client's command in the ledger, and put it on the queue."""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Sequence
from typing import Protocol

from beemon.base import outcomes
from beemon.base.outcomes import Ending
from beemon.base.quoting import shown
from beemon.base.values import value_class
from beemon.config.settings import ConfigError, Settings
from beemon.orchestrator.job import QueuedCommand
from beemon.orchestrator.orchestrator import MAX_OPEN_JOBS, RESERVE
from beemon.protocol import commands
from beemon.protocol.commands import Request
from beemon.protocol.lines import RequestError
from beemon.protocol.reports import JobEnded
from beemon.server.archive import ArchiveInUse
from beemon.server.batches import Batches
from beemon.server.in_force import ConfigInForce
from beemon.server.latest import LatestState
from beemon.system.service import Notifier, fields

log = logging.getLogger(__name__)

MAX_CLIENT_JOBS, MAX_DEVICE_JOBS = 80, 50
"""Maximum number of open commands from one address or user, and for one device."""


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


class _Entry:
    """A command that a client sent: its job number once it is accepted, or why it is not."""

    def __init__(
        self, request: Request, client: str, port: int, devices: set[str], name: str
    ) -> None:
        self.request = request
        self.origin = f"{client}:{port}" if port else client or "signal"
        if name:
            self.origin = f"{name} ({self.origin})"
        self.place = OpenJob(client, devices)
        self.settings: Settings | None = None
        """The config that a reload is to put in force."""
        self.job = 0
        self.refusal: RequestError | sqlite3.Error | None = None
        self.ending: Ending | None = None
        """That of its job, if it was entered before it was refused."""

    def refuse(self, error: RequestError, ending: Ending) -> None:
        """Refuse it although it was entered."""
        self.refusal, self.ending = error, ending

    @property
    def is_urgent(self) -> bool:
        """Whether it waits for no device."""
        return self.request.word.name in commands.URGENT


class Intake:
    """Accepts commands for ``queue`` until :meth:`close`; usable from any thread.

    Commands that come at the same time are entered by one transaction, in the order of the queue.
    """

    def __init__(
        self, queue: CommandQueue, config: ConfigInForce, archive: ArchiveInUse,
        board: LatestState, notifier: Notifier,
    ) -> None:
        self.queue = queue
        self._config = config
        self._archive = archive
        self._board = board
        self._notifier = notifier
        self._batches = Batches(self._accept)
        self._open_jobs: dict[int, OpenJob] = {}
        self._handovers: dict[int, Settings] = {}  # by the job of the reload
        self._untold: deque[_Entry] = deque()
        self._handing_on = threading.Lock()
        self._closed = False

    @property
    def waiting(self) -> int:
        """The number of commands that wait until others have been entered."""
        return self._batches.waiting

    def close(self) -> None:
        """Accept nothing more; harmless from any thread, and a second time.

        Nothing is put on the queue afterwards, behind the stop of the Orchestrator.
        """
        with self._handing_on:
            self._closed = True

    def accept(self, request: Request, client: str, port: int, name: str = "") -> int:
        """Enter a command in the ledger and queue it, verbatim; return its job number.

        ``name`` is that which the client's program has given itself.

        Raises :class:`RequestError` if it is refused, and ``sqlite3.Error`` if the ledger fails.
        """
        devices = request.devices_at_work(self._config.current().devices)
        entry = _Entry(request, client, port, devices, name)
        self._batches.do(entry)
        if entry.refusal is not None:
            raise entry.refusal
        return entry.job

    def tell_accepted(self) -> None:
        """Log what was accepted; called once the client knows, because it waits for no log."""
        while self._untold:
            with contextlib.suppress(IndexError):  # another thread has logged it
                entry = self._untold.popleft()
                log.info(
                    "job %d accepted: %s (%s)", entry.job, shown(entry.request.text, 80),
                    entry.origin, extra=fields(job=entry.job),
                )

    def end_job(self, report: JobEnded) -> None:
        """Free the place of a job; put the config in force that a reload has handed over."""
        self._open_jobs.pop(report.facts.job, None)
        settings = self._handovers.pop(report.facts.job, None)
        if settings is None:
            return
        if report.facts.outcome == "done":
            self._config.take_over(settings)
        else:
            self._config.watch.look_soon()
        if not self._handovers:
            self._notifier.ready()

    def is_handing_over(self, job: int) -> bool:
        """Whether a job is a reload whose config may yet be put in force."""
        return job in self._handovers

    def _accept(self, entries: Sequence[_Entry]) -> None:
        """Enter and queue those that are not refused, all by one transaction."""
        admitted: list[_Entry] = []
        for entry in entries:
            try:
                self._check_state()
                self._check_room(entry, [other.place for other in admitted])
                if entry.request.word.name == "reload":
                    entry.settings = self._settings_on_disk()
            except RequestError as error:
                entry.refusal = error
            else:
                admitted.append(entry)
        if not admitted:
            return
        jobs = self._archive.opened().accept_all(
            [(entry.request.text, entry.origin) for entry in admitted]
        )
        with self._handing_on:
            for entry, entry.job in zip(admitted, jobs, strict=True):
                self._queue(entry)
        self._end_refused([entry for entry in admitted if entry.refusal])

    def _check_state(self) -> None:
        if self._closed:
            raise _stopping()
        beat = self._board.heartbeat
        if beat and (trouble := beat.trouble("ledger")):  # its outcome could not be entered either
            raise RequestError("no-ledger", str(trouble))

    def _check_room(self, entry: _Entry, entering: Sequence[OpenJob]) -> None:
        """Raise :class:`RequestError` if the client or a device has its share of the queue."""
        count = len(self._open_jobs) + len(entering)
        problem = None
        if count >= MAX_OPEN_JOBS + RESERVE * entry.is_urgent or self.queue.full():
            problem = f"{count} commands are waiting already; to end them: beemon cancel all"
        elif count >= min(MAX_CLIENT_JOBS, MAX_DEVICE_JOBS):  # else nobody has that many
            jobs = [*self._open_jobs.copy().values(), *entering]
            problem = _share_taken(entry, jobs)
        if problem:
            raise RequestError("queue-full", problem)

    def _settings_on_disk(self) -> Settings:
        if self._config.current().source is None:
            raise RequestError("bad-config", "the service was started without a config file")
        try:
            return self._config.on_disk()
        except ConfigError as error:
            raise RequestError("bad-config", str(error)) from error

    def _queue(self, entry: _Entry) -> None:
        """Put a command that was entered on the queue, unless the service has begun to stop."""
        job, settings = entry.job, entry.settings
        if self._closed:
            entry.refuse(_stopping(), outcomes.interrupted("stopping", "not begun"))
            return
        if settings is not None:
            self._handovers[job] = settings
            self._notifier.reloading()
        self._open_jobs[job] = entry.place
        try:
            self.queue.put_nowait(QueuedCommand(entry.request.text, job, entry.origin, settings))
        except (queue.Full, ValueError, OSError) as error:
            self._open_jobs.pop(job, None)
            if self._handovers.pop(job, None):
                self._notifier.ready()  # what was announced does not happen
            entry.refuse(
                RequestError("queue-full", "the queue did not take the command"),
                outcomes.failed("not-queued", f"the queue did not take it: {error}"),
            )
        else:
            self._untold.append(entry)

    def _end_refused(self, entries: Sequence[_Entry]) -> None:
        """End the jobs of commands that were entered and are not on the queue."""
        endings = {entry.job: entry.ending for entry in entries if entry.ending}
        if not endings:
            return
        try:
            self._archive.session.end_all(endings)
        except sqlite3.Error as failure:  # it concerns no other command
            for entry in entries:
                entry.refusal = failure


def _stopping() -> RequestError:
    return RequestError("stopping", "the service is stopping")


def _share_taken(entry: _Entry, jobs: Sequence[OpenJob]) -> str | None:
    """The problem, if the client of a command or one of its devices has its share of the jobs."""
    client, devices = entry.place.client, entry.place.devices
    asked = Counter(device for job in jobs for device in job.devices & devices)
    if asked and (busiest := asked.most_common(1)[0])[1] >= MAX_DEVICE_JOBS:
        device, count = busiest
        return f"{count} commands are waiting for {device}; to end them: beemon cancel {device}"
    own = sum(job.client == client for job in jobs)
    if own >= MAX_CLIENT_JOBS and not entry.is_urgent:
        return f"{own} commands of {client} are waiting already; to end them: beemon cancel all"
    return None
