"""WorkerHandle: one worker at a time for a Supervisor, and earlier ones until they have exited."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from beemon.orchestrator.blame import WorkerEnd
from beemon.orchestrator.group_health import GroupHealth
from beemon.orchestrator.health import Health
from beemon.orchestrator.output_states import OutputStates
from beemon.orchestrator.supplies import Supplies
from beemon.orchestrator.task import Task, TaskQueue
from beemon.orchestrator.worker_process import WorkerProcess
from beemon.storage.files import Place
from beemon.system import installed
from beemon.worker.messages import (
    Answer,
    Begun,
    Cut,
    Failed,
    Lost,
    NotSafe,
    Opened,
    Ready,
    Rebound,
    Switched,
    Upward,
    Work,
)

EXIT_POLL_SECONDS = 0.05
"""Interval, in seconds, of looking whether an ended worker has exited, while a new one may wait."""
STUCK_POLL_SECONDS = 1.0
"""The same for a process that the kernel does not let exit, perhaps for days."""
EXIT_SECONDS = 5.0
"""Time, in seconds, that a new worker waits for that. Two cannot hold one camera; but a process
that the kernel does not let exit must not keep the other devices from being used."""
OPENING_SECONDS = 10.0
"""Time, in seconds, that a device is taken to need until it is open, before it was ever opened."""
STEADY_SECONDS = 60.0
"""Time, in seconds, that a worker with outputs must run until earlier failures are forgotten."""


class Owner(Protocol):
    """The receiver of the reports of a supervisor."""

    def finished(self, task: Task, answer: Answer) -> None:
        """The task has its answer."""

    def device_changed(self, device: str, health: Health) -> None:
        """A device's state or trouble may have become another."""

    def note_replaced(self) -> None:
        """Another version of beemon was installed, so that no worker can be started any more."""

    def output_switched(self, device: str, *, on: bool, seconds: float | None) -> None:
        """An output was switched; it returns to its safe state after ``seconds``, if any."""


@dataclass
class WorkerHandle:
    """Starts workers, hands them tasks, and notes their reports in ``health`` and ``outputs``.

    ``heard`` gets each answer and each lost device, ``ended`` how a process ended by itself;
    ``start_process`` is called with a function for every message and one for its end.
    """

    owner: Owner
    supplies: Supplies
    queue: TaskQueue
    health: GroupHealth
    outputs: OutputStates
    start_process: Callable[[Callable[[Upward], None], Callable[[str], None]], WorkerProcess]
    heard: Callable[[Answer | Lost], None]
    ended: Callable[[str], None]
    now: Callable[[], float]
    process: WorkerProcess | None = None
    leaving: list[WorkerProcess] = field(default_factory=list)
    opening_seconds: float = OPENING_SECONDS
    """The time from the start of a worker until a device was open, the last time."""
    _began: float = 0.0
    _start_took: float = 0.0
    _exit_by: float = 0.0
    _steady_at: float = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether there is a worker that takes work."""
        return self.process is not None and self.process.is_ready

    @property
    def is_settled(self) -> bool:
        """Whether no worker starts or exits."""
        return (self.process is None or self.is_ready) and not self.leaving

    @property
    def is_resting(self) -> bool:
        """Whether the worker was told to exit."""
        return self.process is not None and self.process.is_resting

    @property
    def opened(self) -> set[str]:
        """The devices that the worker has open."""
        return self.process.opened if self.process else set()

    @property
    def opening(self) -> str | None:
        """The device that the worker is opening."""
        return self.process.opening if self.process else None

    def waits_for_exit(self, now: float) -> bool:
        """Whether an earlier worker may still hold the devices."""
        return bool(self.leaving) and now < self._exit_by

    def is_steady(self, now: float) -> bool:
        """Whether the worker has run for long enough to forget earlier failures."""
        return self.is_ready and now >= self._steady_at

    def missed_limit(self, now: float) -> WorkerEnd | None:
        """Return the end of a worker that did not start, or exit, in time."""
        if self.process is None or self.process.limit is None or now < self.process.limit:
            return None
        missed = "end" if self.is_resting else "start"
        message = f"the worker did not {missed} in time"
        return WorkerEnd("timeout", message, self.opening, signal.SIGABRT)

    def look(self, now: float) -> None:
        """Forget the earlier workers that have exited."""
        self.leaving = [process for process in self.leaving if not process.is_gone(now)]

    def next_look(self, now: float) -> list[float]:
        """Return when something becomes due, in monotonic seconds."""
        pause = EXIT_POLL_SECONDS if now < self._exit_by else STUCK_POLL_SECONDS
        times = [now + pause] if self.leaving else []
        if self.process and self.process.limit is not None:
            times.append(self.process.limit)
        return times

    def start(self) -> None:
        """Start a worker, unless another version of beemon was installed."""
        if installed.is_replaced():
            self.owner.note_replaced()
            return
        self._began = self.now()
        self.process = self.start_process(self._on_message, self.ended)
        self.health.note_starting({task.device for task in self.queue.running.values()})

    def give_up(self, how: signal.Signals | None = None) -> None:
        """Do without the worker, which is ended with a signal, if one is given."""
        if self.process:
            self.process.let_go(how)
            self.leaving.append(self.process)
            self._exit_by = self.now() + EXIT_SECONDS
        self.process = None
        self.outputs.forget()
        self.health.note_stopped()

    def rest(self) -> None:
        """Let an idle worker exit, and release its devices."""
        if self.process and self.process.is_ready:
            self.process.rest()

    def finish(self) -> None:
        """Let the worker exit by itself; one that has not begun anything is killed."""
        if self.process is None or self.process.is_resting:
            return
        if self.process.is_ready or self.outputs.names:
            self.process.rest()
        else:
            self.give_up(signal.SIGKILL)

    def inherit_exits(self, other: WorkerHandle) -> None:
        """Wait for the earlier workers of another handle, too."""
        self.leaving, self._exit_by = list(other.leaving), other._exit_by

    def cut(self, task: Task) -> None:
        """Have the worker end a task early."""
        task.shorten(self.now(), is_open=task.device in self.opened)
        if self.process and self.process.is_ready:
            self.process.send(Cut(task.number))

    def dispatch(self, task: Task, now: float) -> None:
        """Hand a task to the worker if it is ready; else the next one gets it when it is."""
        if not self.is_ready:
            return
        if task.is_recording and not task.place:
            self.supplies.find_place(task, partial(self._placed, task))
        else:
            self._send_work(task, now)

    def _placed(self, task: Task, place: Place | Failed) -> None:
        if isinstance(place, Failed):
            self.heard(Failed(task.number, place.reason, place.message))
        elif task.number in self.queue.running:
            task.place = place
            self._send_work(task, self.now())

    def _send_work(self, task: Task, now: float) -> None:
        if self.process is None or not self.process.is_ready:
            return  # the worker has ended while the place was sought
        task.set_deadline(now, is_open=task.device in self.opened)
        self.process.send(
            Work(
                task.number, task.device, task.verb, task.seconds, task.place, task.follows,
                task.tags, self.supplies.calibrations_of(task.device),
                self.health.of[task.device].takes_rebind(now),
            )
        )

    def end_opening(self, device: str) -> None:
        """Note that the worker is not opening this device any more."""
        if self.process and self.process.opening == device:
            self.process.opening = None

    def turn_away_if_replaced(self) -> bool:
        """Do without a worker that imported another version of beemon, at least in part."""
        if not installed.is_replaced():
            return False
        self.give_up(signal.SIGKILL)
        self.owner.note_replaced()
        return True

    def _on_message(self, message: Upward) -> None:
        now = self.now()
        if isinstance(message, Ready):
            self._on_ready(now)
        elif isinstance(message, Begun):
            self._on_begun(message, now)
        elif isinstance(message, Opened):
            self._on_opened(message.device, now)
        elif isinstance(message, Rebound):
            self.health.note_rebound(message)
        elif isinstance(message, Switched):
            self._on_switched(message, now)
        elif isinstance(message, NotSafe):
            self._on_not_safe(message, now)
        else:
            self.heard(message)

    def _on_ready(self, now: float) -> None:
        if self.turn_away_if_replaced():
            return
        self._steady_at = now + STEADY_SECONDS
        self._start_took = now - self._began
        for task in list(self.queue.running.values()):
            self.dispatch(task, now)

    def _on_begun(self, begun: Begun, now: float) -> None:
        if self.process and begun.device not in self.process.opened:
            self.process.opening, self._began = begun.device, now
        task = self.queue.running.get(begun.number)
        if task is not None:
            task.has_begun = True
            if not task.cut:
                task.set_deadline(now, is_open=task.device in self.opened)

    def _on_opened(self, device: str, now: float) -> None:
        self.end_opening(device)
        if device not in self.opened:
            self.opening_seconds = self._start_took + now - self._began
        self.opened.add(device)
        self.health.note_opened(device, now)
        for task in self.queue.running.values():
            if task.device == device:
                task.note_opened(now)

    def _on_switched(self, message: Switched, now: float) -> None:
        on, seconds = message.on, message.seconds
        self.outputs.switched(message.device, now, on=on, seconds=seconds)
        self.owner.output_switched(message.device, on=on, seconds=seconds)

    def _on_not_safe(self, message: NotSafe, now: float) -> None:
        self.end_opening(message.device)
        self.outputs.tried(message.device, now)
        self.health.note_trouble(message.device, f"{message.reason}: {message.message}", now)
