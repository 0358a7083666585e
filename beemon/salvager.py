"""Salvager: has what nobody finished salvaged, one file after the other, in a worker of its own.

It is the Orchestrator's, and waits for nothing: what happens comes in through the mailbox. Its
worker holds no device, is started when there is something to do, and goes when there is not.
"""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Callable, Sequence

from beemon import clock
from beemon.archive.recovery import Leftover
from beemon.messages import Done, Failed, Upward, Work
from beemon.worker_link import Mailbox, WorkerLink

log = logging.getLogger(__name__)

LIMIT_SECONDS = 900.0
"""How long one file may take: an hour of sound on the smallest Pi."""
RETRY_SECONDS = (2.0, 60.0, 600.0)
"""When to try again what could not be salvaged; then the next start does."""

Settle = Callable[[Leftover, Done], None]


class Salvager:
    """Takes leftovers; ``settle`` is told what became of each.

    ``retry_seconds`` says when to try again, as often as it has numbers.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        settle: Settle,
        *,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        self._mailbox = mailbox
        self._settle = settle
        self._retry_seconds = retry_seconds
        self._waiting: deque[Leftover] = deque()
        self._tries: dict[int, int] = {}
        self._not_before = 0.0
        self._current: Leftover | None = None
        self._deadline = 0.0
        self._worker: WorkerLink | None = None
        self._leaving: list[WorkerLink] = []
        self._finishing = False

    @property
    def alive(self) -> bool:
        """Whether there is a worker process."""
        return self._worker is not None or bool(self._leaving)

    @property
    def put_off(self) -> bool:
        """Whether something could not be salvaged, and is tried again."""
        return any(self._tries.values())

    def add(self, leftovers: list[Leftover]) -> None:
        """Take those that are not known yet."""
        known = {leftover.job for leftover in self._waiting} | set(self._tries)
        for leftover in leftovers:
            if leftover.job not in known:
                self._tries[leftover.job] = 0
                self._waiting.append(leftover)

    def tick(self, now: float) -> float | None:
        """Act on what the time says; return when to look again (monotonic), if at all."""
        self._leaving = [worker for worker in self._leaving if not worker.is_gone(now)]
        limit = self._deadline if self._current else self._worker and self._worker.limit
        if self._worker and limit and now >= limit:
            self._lose_worker("it did not answer in time", signal.SIGABRT)
        if self._waiting and not self._finishing and now >= self._not_before:
            self._go_on(now)
        times = [self._not_before] if self._waiting and not self._current else []
        times += [limit] if limit else []
        times += [now + 1.0] if self._leaving else []
        return min(times, default=None)

    def finish(self) -> None:
        """Begin nothing more, and leave what is at work to the next start: it is none the worse."""
        self._finishing = True
        if self._worker:
            self._lose_worker("stopping", signal.SIGKILL)

    def _go_on(self, now: float) -> None:
        if self._worker is None:
            if not self._leaving:
                self._worker = WorkerLink(
                    "archive", {}, self._mailbox, self._on_message, self._on_end
                )
        elif self._worker.is_ready and self._current is None:
            leftover = self._current = self._waiting.popleft()
            self._deadline = now + LIMIT_SECONDS
            self._worker.send(Work(leftover.job, leftover.device, "salvage", place=leftover.place))

    def _on_message(self, message: Upward) -> None:
        leftover = self._current
        if leftover is None or not isinstance(message, Done | Failed):
            return
        self._current = None
        if isinstance(message, Done):
            del self._tries[leftover.job]
            self._settle(leftover, message)
        else:
            self._put_off(leftover, message)
        if not self._waiting and self._worker:
            self._let_go()

    def _on_end(self, how: str) -> None:
        self._lose_worker(f"its worker ended by itself{how}")

    def _lose_worker(self, message: str, how: signal.Signals | None = None) -> None:
        leftover, self._current = self._current, None
        self._let_go(how)
        if leftover and not self._finishing:
            self._put_off(leftover, Failed(leftover.job, "worker-died", message))

    def _let_go(self, how: signal.Signals | None = None) -> None:
        if self._worker:
            if how is None:
                self._worker.rest()
            self._worker.let_go(how)
            self._leaving.append(self._worker)
        self._worker = None

    def _put_off(self, leftover: Leftover, failed: Failed) -> None:
        tries = self._tries[leftover.job]
        if tries == len(self._retry_seconds):
            log.warning("job %d: what it recorded could not be salvaged and stays in %s: %s",
                        leftover.job, leftover.place.temporary.name, failed.message)
            return
        self._tries[leftover.job] += 1
        self._not_before = clock.now().monotonic + self._retry_seconds[tries]
        self._waiting.append(leftover)
