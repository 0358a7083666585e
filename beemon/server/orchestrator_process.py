"""The Orchestrator's process, seen from the Server: start it, take its reports, notice its death.

The Server, the queues and the Orchestrator fail together: if the Orchestrator dies or hangs, the
Server ends too. systemd then starts both again with new queues.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from beemon.base import clock
from beemon.config.settings import ConfigError, Settings
from beemon.orchestrator import LoadedOrchestrator, Orchestrator
from beemon.orchestrator.orchestrator import EXIT_DEFECT
from beemon.protocol.reports import Rejected, Report, Started, Stopped
from beemon.system import installed

log = logging.getLogger(__name__)

START_SECONDS = 60.0
STOP_SECONDS = 8.5
"""Time in seconds for the Orchestrator to end properly; its own limits are shorter."""
_LOOK_SECONDS = 1.0
_AWAY_SECONDS = 2.0  # by which a look may be late
_RESTING_SHARE = 0.4
"""An Orchestrator at rest sends heartbeats at least twice in the time after which it, or the whole
service, counts as hung."""
_MISSES = 2
_DEFECTS = (EXIT_DEFECT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE)
_ABORT_SECONDS = 2.0


class OrchestratorDiedError(RuntimeError):
    """The Orchestrator ended by itself, or hung."""


class Misses:
    """Decides by a number of looks in a row whether the Orchestrator hangs.

    The count starts again if the Server itself did not run, because it was stopped or the computer
    was busy. Unread reports must be read first.
    """

    def __init__(self, stale_seconds: float) -> None:
        self._stale_seconds = stale_seconds
        self._misses = 0
        self._next_look: float | None = None
        self.seconds = _LOOK_SECONDS
        """When to look again: not before the heartbeat can be too old."""

    def is_hung(self, now: float, age: float, is_unread: bool) -> bool:
        """Whether to abort it now; true once.

        ``age`` is that of the latest heartbeat in seconds; ``is_unread``: a report waits.
        """
        was_away = self._next_look is not None and now - self._next_look > _AWAY_SECONDS
        if is_unread or was_away or age <= self._stale_seconds:
            self._misses = 0
        else:
            self._misses += 1
        self.seconds = max(_LOOK_SECONDS, self._stale_seconds - age)
        self._next_look = now + self.seconds
        return self._misses == _MISSES


class Owner(Protocol):
    """The Server's part that takes reports; each call comes from one of two threads."""

    @property
    def heartbeat_age(self) -> float | None:
        """Seconds since the latest heartbeat; None before the first."""

    def hear(self, report: Report) -> None:
        """Take a report."""

    def note_hung(self, how: str) -> None:
        """The Orchestrator hangs, and was aborted over that."""

    def note_died(self, how: str) -> None:
        """The Orchestrator ended by itself; called once."""


class OrchestratorProcess:
    """Starts and stops the Orchestrator, and passes its reports to its ``owner``.

    If its heartbeat is older than ``stale_seconds``, the Orchestrator is aborted, so that its
    stacks reach the journal. It is then also killed, if no systemd does that ``watchdog_seconds``
    after the last heartbeat. ``loaded`` is one that loads its modules already.
    """

    def __init__(
        self, command_queue: Any, owner: Owner, *, stale_seconds: float,
        watchdog_seconds: float | None = None, loaded: LoadedOrchestrator | None = None,
    ) -> None:
        self._commands = command_queue
        self._loaded = loaded
        self._owner = owner
        self._stale_seconds = stale_seconds
        self._kill_hung = watchdog_seconds is None
        within = min(stale_seconds, watchdog_seconds or stale_seconds)
        self._resting_seconds = _RESTING_SHARE * within
        self._launched: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._hearing: threading.Thread | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The Orchestrator's process id."""
        return self._loaded.process.pid if self._loaded else None

    @property
    def ended_by_defect(self) -> bool:
        """Whether the Orchestrator ended by an error of its own, rather than was killed."""
        return self._loaded is not None and self._loaded.process.exitcode in _DEFECTS

    def load(self) -> None:
        """Start the Orchestrator's process, unless it loads its modules already.

        It is killed if the thread that calls this ends.
        """
        if self._loaded is None:
            self._loaded = LoadedOrchestrator(self._commands)

    def start(self, settings: Settings, run_number: int) -> None:
        """Let the Orchestrator begin, in the archive that the Server has, and wait until it runs.

        Raises :class:`~beemon.config.settings.ConfigError` if a driver refuses its options, and
        :class:`OrchestratorDiedError` if it does not come to run.
        """
        assert self._loaded is not None
        self._loaded.begin(settings, run_number, self._resting_seconds)
        self._begin(self._guard, "guard")
        self._hearing = self._begin(self._hear, "hear")
        try:
            first = self._launched.get(timeout=START_SECONDS)
        except queue.Empty:
            raise OrchestratorDiedError("the Orchestrator did not start in time") from None
        if isinstance(first, Rejected):
            raise ConfigError(first.problems)
        if not isinstance(first, Started):
            raise OrchestratorDiedError("the Orchestrator ended while it started")
        if installed.is_replaced():
            raise OrchestratorDiedError("another version of beemon has been installed")

    def stop(self) -> None:
        """Tell the Orchestrator to stop, wait for it, and kill it if that takes too long."""
        self._stopping = True
        if self._loaded is not None:
            self._end(self._loaded)
        self._commands.close()
        self._commands.cancel_join_thread()

    def _begin(self, look: Callable[[LoadedOrchestrator], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=look, args=(self._loaded,), name=name, daemon=True)
        thread.start()
        return thread

    def _end(self, loaded: LoadedOrchestrator) -> None:
        process = loaded.process
        loaded.give_up()
        if process.is_alive():
            self._commands.put(None)
        process.join(STOP_SECONDS)
        if process.exitcode is None:
            log.error("the Orchestrator did not stop in time and is killed")
            process.kill()
            process.join(1.0)
        if self._hearing is None:
            loaded.reports.close()
        else:
            self._hearing.join(1.0)

    def _hear(self, loaded: LoadedOrchestrator) -> None:
        with loaded.reports as reports:
            while (report := _next_report(reports)) is not None:
                if isinstance(report, Started | Rejected):
                    self._launched.put(report)
                self._owner.hear(report)

    def _guard(self, loaded: LoadedOrchestrator) -> None:
        process = loaded.process
        misses = Misses(self._stale_seconds)
        while not wait([process.sentinel], timeout=misses.seconds):
            age = self._owner.heartbeat_age or 0.0
            is_unread = _is_unread(loaded.reports)
            if misses.is_hung(clock.now().monotonic, age, is_unread) and not self._stopping:
                self._abort(process, age)
        if not self._stopping:
            self._launched.put(Stopped())
            self._owner.note_died(
                f"the Orchestrator ended unexpectedly (exit status {process.exitcode})"
            )

    def _abort(self, process: Orchestrator, age: float) -> None:
        how = f"the Orchestrator has not responded for {age:.0f} s"
        log.critical("%s; its stacks follow", how)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGABRT)
        if self._kill_hung and not wait([process.sentinel], timeout=_ABORT_SECONDS):
            process.kill()
        self._owner.note_hung(how)


def _next_report(reports: Connection[None, Report]) -> Report | None:
    """The next report, for which it waits; None once the Orchestrator has ended."""
    try:
        return reports.recv()
    except (EOFError, OSError):
        return None


def _is_unread(reports: Connection[None, Report]) -> bool:
    """Whether a report waits to be read; there is none once the Orchestrator has ended."""
    try:
        return reports.poll()
    except OSError:
        return False
