"""Chores: work for the archive, done by a worker that holds no device.

The worker repairs unfinished recordings, enters recordings that a new ledger does not know, and
makes the findings about the colony. It is started when there is work, does one task at a time, and
then ends. This object belongs to the Orchestrator's thread and never blocks: messages arrive
through the inbox.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
LINGER_SECONDS = 1.0
"""Time, in seconds, for which the worker waits for the next chore before it ends."""

Settle = Callable[[Done], None]
"""A function that handles the worker's answer."""


@value_class
class Chore:
    """One thing to do; ``what`` says it in the journal, and no two of the same wait.

    ``give_up`` is called when all tries have failed, or one took too long. Such a chore may be
    added again; one without it is not tried again before the next start.
    """

    what: str
    work: Work
    seconds: float
    settle: Settle
    give_up: Callable[[], None] | None = None


def salvage(leftover: Leftover, settle: Callable[[Leftover, Done], None]) -> Chore:
    """To salvage what a job left unfinished."""
    work = Work(leftover.job, leftover.device, SALVAGE, place=leftover.place)
    what = f"the leftover of job {leftover.job} in {leftover.place.temporary.name}"
    return Chore(what, work, SALVAGE_SECONDS, lambda done: settle(leftover, done))


def index(archive: Path, run: int, settle: Settle) -> Chore:
    """To enter what a new ledger does not know, as the run's work."""
    return Chore("the index", Work(run, "", INDEX, place=Place(archive, archive)),
                 INDEX_SECONDS, settle)


@dataclass
class _Waiting:
    """A chore, with the number of failed tries, and the time of the next one (monotonic)."""

    chore: Chore
    is_idle: bool
    tries: int = 0
    not_before: float = 0.0


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
        self._known: set[str] = set()
        self._waiting: list[_Waiting] = []
        self._current: _Waiting | None = None
        self._deadline = self._lingers_until = 0.0
        self._worker: WorkerProcess | None = None
        self._leaving: list[WorkerProcess] = []
        self._finishing = False

    @property
    def alive(self) -> bool:
        """Whether there is a worker process."""
        return self._worker is not None or bool(self._leaving)

    def add(self, chores: Sequence[Chore]) -> None:
        """Take those that are not known yet."""
        self._add(chores, is_idle=False)

    def add_idle(self, chores: Sequence[Chore]) -> None:
        """Take those that are not known yet, for times at which no other chore waits.

        Each should take a minute at most, because chores that come meanwhile have to wait.
        """
        self._add(chores, is_idle=True)

    def tick(self, now: float) -> float | None:
        """Act on what the time says; return when to look again (monotonic), if at all."""
        self._leaving = [worker for worker in self._leaving if not worker.is_gone(now)]
        limit = self._deadline if self._current else self._worker and self._worker.limit
        if self._worker and limit and now >= limit:
            if self._current and self._current.chore.give_up:
                self._current.tries = len(self._retry_seconds)  # the next would take as long
            self._end_worker("it did not answer in time", signal.SIGABRT)
        if not self._finishing and not self._current:
            self._go_on(now)
        times = [each.not_before for each in self._waiting] if not self._current else []
        times += [limit] if limit else []
        times += [self._lingers_until] if self._worker and not (limit or self._current) else []
        times += [now + 1.0] if self._leaving else []
        return min(times, default=None)

    def finish(self) -> None:
        """Begin nothing more, and leave what is at work to the next start: it loses nothing."""
        self._finishing = True
        if self._worker:
            self._end_worker("stopping", signal.SIGKILL)

    def _add(self, chores: Sequence[Chore], *, is_idle: bool) -> None:
        for chore in chores:
            if chore.what not in self._known:
                self._known.add(chore.what)
                self._waiting.append(_Waiting(chore, is_idle))

    def _go_on(self, now: float) -> None:
        """Begin the next chore, or start a worker for it, or end the one that has none."""
        ready = [each for each in self._waiting if each.not_before <= now]
        if ready and self._worker is None and not self._leaving:
            self._worker = self._start(
                "archive", {}, self._mailbox, self._on_message, self._on_end
            )
        elif ready and self._worker and self._worker.is_ready:
            self._current = min(ready, key=lambda each: each.is_idle)  # the first of its kind
            self._waiting.remove(self._current)
            self._deadline = now + self._current.chore.seconds
            self._worker.send(self._current.chore.work)
        elif not ready and self._worker and self._worker.is_ready and now >= self._lingers_until:
            self._let_go()

    def _on_message(self, message: Upward) -> None:
        current = self._current
        if current is None or not isinstance(message, Done | Failed | Lost):
            return
        if isinstance(message, Lost):
            log.error("%s: %s\n%s", current.chore.what, message.message, message.details)
        self._current = None
        self._lingers_until = self._now() + LINGER_SECONDS
        if isinstance(message, Done):
            self._known.discard(current.chore.what)
            current.chore.settle(message)
        else:
            self._put_off(current, message.message)

    def _on_end(self, how: str) -> None:
        self._end_worker(f"its worker ended unexpectedly{how}")

    def _end_worker(self, message: str, how: signal.Signals | None = None) -> None:
        current, self._current = self._current, None
        self._let_go(how)
        if current and not self._finishing:
            self._put_off(current, message)

    def _let_go(self, how: signal.Signals | None = None) -> None:
        if self._worker:
            if how is None:
                self._worker.rest()
            self._worker.let_go(how)
            self._leaving.append(self._worker)
        self._worker = None

    def _put_off(self, failed: _Waiting, message: str) -> None:
        """Have a chore tried again later, while others go on; or give it up."""
        if failed.tries < len(self._retry_seconds):
            failed.not_before = self._now() + self._retry_seconds[failed.tries]
            failed.tries += 1
            self._waiting.append(failed)
            return
        chore = failed.chore
        if chore.give_up:
            log.warning("%s: not done: %s", chore.what, message)
            self._known.discard(chore.what)
            chore.give_up()
        else:
            log.warning("%s: not done, so the next start tries it again: %s", chore.what, message)
