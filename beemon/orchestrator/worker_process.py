"""WorkerProcess: the Orchestrator's side of one worker process, from its start to its exit."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.connection import Connection

from beemon.base import clock
from beemon.devices.ask import ResolvedDevice
from beemon.worker.messages import Downward, Finish, Ready, Upward
from beemon.worker.worker import Worker

log = logging.getLogger(__name__)

START_SECONDS = 60.0
"""Time, in seconds, that a worker may take to start, or to exit: a small Pi imports slowly."""
ABORT_SECONDS = 1.0
"""Time, in seconds, for an aborted worker to write its stacks before it is killed."""

Mailbox = Callable[[Callable[[], None]], None]
"""Hands the loop a function to call."""


def monotonic() -> float:
    """The machine's monotonic clock, in seconds."""
    return clock.now().monotonic


class WorkerProcess:
    """Starts a worker process for ``devices``. Its messages and its end arrive in the inbox.

    ``heard`` gets every message, and ``ended`` gets the end of the process. Neither is called after
    :meth:`let_go`. ``opened`` are the devices that the worker holds, and ``opening`` is the one
    that it is about to open.
    """

    def __init__(
        self,
        name: str,
        devices: Mapping[str, ResolvedDevice],
        mailbox: Mailbox,
        heard: Callable[[Upward], None],
        ended: Callable[[str], None],
    ) -> None:
        self.is_ready = False
        self.is_resting = False
        self.opened: set[str] = set()
        self.opening: str | None = None
        self._mailbox = mailbox
        self._tell_heard, self._tell_ended = heard, ended
        self._let_go = self._was_killed_at_start = False
        self._limit = clock.now().monotonic + START_SECONDS
        self._pipe, theirs = multiprocessing.get_context("spawn").Pipe()
        configs = {device: resolved.config for device, resolved in devices.items()}
        self._process = Worker(name, configs, theirs)
        try:
            self._process.start()
        except BrokenPipeError:  # it was killed before it had read what it is to do
            self._was_killed_at_start = True
        theirs.close()  # so that its end is noticed, however soon it comes
        threading.Thread(target=self._listen, name=f"read-{name}", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._process.pid

    @property
    def limit(self) -> float | None:
        """When it must have started, or ended (monotonic); None while it is at work."""
        return None if self.is_ready else self._limit

    def send(self, message: Downward) -> None:
        """Send a message; if the worker has ended, drop it, because its end is noticed next."""
        try:
            self._pipe.send(message)
        except OSError:
            log.debug("%s: its pipe is closed", self._process.name)

    def rest(self) -> None:
        """Let it end everything early, close its devices and exit by itself."""
        self.send(Finish())
        self.is_ready, self.is_resting = False, True
        self._limit = clock.now().monotonic + START_SECONDS

    def let_go(self, how: signal.Signals | None = None) -> None:
        """Ignore further messages, and end the process with a signal, if one is given."""
        self._let_go = True
        self._limit = clock.now().monotonic + ABORT_SECONDS
        pid = self._process.pid
        if how is None or pid is None or self._process.exitcode is not None:
            return
        os.kill(pid, how)
        os.kill(pid, signal.SIGCONT)  # a stopped one would keep its SIGABRT for later

    def is_gone(self, now: float) -> bool:
        """Whether the process has ended; one that was let go is killed when its time is up."""
        if self._was_killed_at_start or self._process.exitcode is not None:
            return True
        if now >= self._limit:
            self._process.kill()
            self._limit = now + ABORT_SECONDS
        return False

    def kill(self) -> None:
        """End it at once."""
        if not self._was_killed_at_start:
            self._process.kill()

    def _listen(self) -> None:
        """Forward the worker's messages, and the end of its pipe."""
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                self._mailbox(partial(self._on_end, self._pipe))
                return
            self._mailbox(partial(self._on_message, message))

    def _on_message(self, message: Upward) -> None:
        if self._let_go:
            return
        self.is_ready |= isinstance(message, Ready) and not self.is_resting
        self._tell_heard(message)

    def _on_end(self, pipe: Connection[Downward, Upward]) -> None:
        pipe.close()
        if not self._let_go:
            self._tell_ended(self._how_it_ended())

    def _how_it_ended(self) -> str:
        if self._was_killed_at_start:
            return " (killed as it started)"
        self._process.join(0.2)  # it has closed its pipe: it has exited, or is about to
        code = self._process.exitcode
        if code is None:
            return ""
        return f" ({signal.Signals(-code).name})" if code < 0 else f" (exit status {code})"


StartWorker = Callable[
    [str, Mapping[str, ResolvedDevice], Mailbox, Callable[[Upward], None], Callable[[str], None]],
    WorkerProcess,
]
"""Starts a worker, as :class:`WorkerProcess` does."""
