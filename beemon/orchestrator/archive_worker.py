"""Chores: work for the archive, done by a worker that holds no device.

The worker repairs unfinished recordings, and enters recordings that a new ledger does not know. It
is started when there is work, does one task at a time, and then ends. This object belongs to the
Orchestrator's thread and never blocks: messages arrive through the inbox.
"""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from beemon.base.values import value_class
from beemon.ledger.recovery import Leftover
from beemon.orchestrator.worker_process import Mailbox, StartWorker, WorkerProcess, monotonic
from beemon.storage.files import Place
from beemon.worker.messages import Done, Failed, Lost, Upward, Work
from beemon.worker.worker import INDEX, SALVAGE

log = logging.getLogger(__name__)

SALVAGE_SECONDS = 900.0
"""Maximum time for one file, in seconds: enough for an hour of sound on the smallest Pi."""
INDEX_SECONDS = 7 * 86400.0
"""Maximum time to read every file of an archive, in seconds."""
RETRY_SECONDS = (2.0, 60.0, 600.0)
"""When to try again what could not be done; then the next start does."""

Settle = Callable[[Done], None]
"""A function that handles the worker's answer."""


@value_class
class Chore:
    """One thing to do; ``what`` says it in the journal, and no two of the same wait."""

    what: str
    work: Work
    seconds: float
    settle: Settle


def salvage(leftover: Leftover, settle: Callable[[Leftover, Done], None]) -> Chore:
    """To salvage what a job left unfinished."""
    work = Work(leftover.job, leftover.device, SALVAGE, place=leftover.place)
    what = f"the leftover of job {leftover.job} in {leftover.place.temporary.name}"
    return Chore(what, work, SALVAGE_SECONDS, lambda done: settle(leftover, done))


def index(archive: Path, run: int, settle: Settle) -> Chore:
    """To enter what a new ledger does not know, as the run's work."""
    return Chore("the index", Work(run, "", INDEX, place=Place(archive, archive)),
                 INDEX_SECONDS, settle)


class ArchiveWorker:
    """Has them done. ``retry_seconds`` says when to try again, as often as it has numbers;
    ``start`` starts a worker, and ``now`` is the time in monotonic seconds."""

    def __init__(
        self,
        mailbox: Mailbox,
        *,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        start: StartWorker = WorkerProcess,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._mailbox = mailbox
        self._start, self._now = start, now
        self._retry_seconds = retry_seconds
        self._waiting: deque[Chore] = deque()
        self._tries: dict[str, int] = {}
        self._not_before = 0.0
        self._current: Chore | None = None
        self._deadline = 0.0
        self._worker: WorkerProcess | None = None
        self._leaving: list[WorkerProcess] = []
        self._finishing = False

    @property
    def alive(self) -> bool:
        """Whether there is a worker process."""
        return self._worker is not None or bool(self._leaving)

    def add(self, chores: Sequence[Chore]) -> None:
        """Take those that are not known yet."""
        for chore in chores:
            if chore.what not in self._tries:
                self._tries[chore.what] = 0
                self._waiting.append(chore)

    def tick(self, now: float) -> float | None:
        """Act on what the time says; return when to look again (monotonic), if at all."""
        self._leaving = [worker for worker in self._leaving if not worker.is_gone(now)]
        limit = self._deadline if self._current else self._worker and self._worker.limit
        if self._worker and limit and now >= limit:
            self._end_worker("it did not answer in time", signal.SIGABRT)
        if self._waiting and not self._finishing and now >= self._not_before:
            self._go_on(now)
        times = [self._not_before] if self._waiting and not self._current else []
        times += [limit] if limit else []
        times += [now + 1.0] if self._leaving else []
        return min(times, default=None)

    def finish(self) -> None:
        """Begin nothing more, and leave what is at work to the next start: it loses nothing."""
        self._finishing = True
        if self._worker:
            self._end_worker("stopping", signal.SIGKILL)

    def _go_on(self, now: float) -> None:
        if self._worker is None:
            if not self._leaving:
                self._worker = self._start(
                    "archive", {}, self._mailbox, self._on_message, self._on_end
                )
        elif self._worker.is_ready and self._current is None:
            self._current = self._waiting.popleft()
            self._deadline = now + self._current.seconds
            self._worker.send(self._current.work)

    def _on_message(self, message: Upward) -> None:
        chore = self._current
        if chore is None or not isinstance(message, Done | Failed | Lost):
            return
        if isinstance(message, Lost):
            log.error("%s: %s\n%s", chore.what, message.message, message.details)
        self._current = None
        if isinstance(message, Done):
            del self._tries[chore.what]
            chore.settle(message)
        else:
            self._put_off(chore, message.message)
        if not self._waiting and self._worker:
            self._let_go()

    def _on_end(self, how: str) -> None:
        self._end_worker(f"its worker ended unexpectedly{how}")

    def _end_worker(self, message: str, how: signal.Signals | None = None) -> None:
        chore, self._current = self._current, None
        self._let_go(how)
        if chore and not self._finishing:
            self._put_off(chore, message)

    def _let_go(self, how: signal.Signals | None = None) -> None:
        if self._worker:
            if how is None:
                self._worker.rest()
            self._worker.let_go(how)
            self._leaving.append(self._worker)
        self._worker = None

    def _put_off(self, chore: Chore, message: str) -> None:
        tries = self._tries[chore.what]
        if tries == len(self._retry_seconds):
            log.warning("%s: not done, so the next start tries it again: %s", chore.what, message)
            return
        self._tries[chore.what] += 1
        self._not_before = self._now() + self._retry_seconds[tries]
        self._waiting.append(chore)
