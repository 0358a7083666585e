"""Supervisor: the Orchestrator's side of one worker.

It starts the worker at first use, hands it one task per lane at a time, watches the deadlines,
kills what passes them, and leaves a device alone that did harm. It never waits for anything: what
happens comes in through the mailbox, and :meth:`Supervisor.tick` looks at the time.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Protocol

from beemon import clock
from beemon.archive.recordings import Place
from beemon.config import DeviceSettings
from beemon.health import Health, State
from beemon.messages import (
    Answer,
    Cut,
    Done,
    Failed,
    Finish,
    Opened,
    Ready,
    Upward,
    Work,
)
from beemon.worker import Worker

log = logging.getLogger(__name__)

START_SECONDS = 60.0
"""How long a worker may take to start: imports are slow on the smallest Pi."""
OPEN_SECONDS = 30.0
"""What a first request may take longer, for the device to be opened."""
ABORT_SECONDS = 1.0
"""How long an aborted worker may take to write its stacks before it is killed."""

BURY_SECONDS = 0.05
"""How often to look whether a worker that was given up has really gone."""

Mailbox = Callable[[Callable[[], None]], None]
"""Hands the loop something to do."""


@dataclass
class Task:
    """Work for one device on behalf of a job; ``budget`` is how many seconds it may take."""

    job: int
    device: str
    verb: str
    lane: str
    budget: float
    seconds: float = 0.0
    number: int = 0
    place: Place | None = None
    follows: bool = False
    deadline: float | None = None
    cut: str | None = None


class Employer(Protocol):
    """What a supervisor needs of the Orchestrator."""

    def place_for(self, task: Task, placed: Callable[[Place | Failed], None]) -> None:
        """Find a place for the task's recording, enter it in the ledger, then call back."""

    def finished(self, task: Task, answer: Answer) -> None:
        """The task has its answer."""

    def device_changed(self, device: str, health: Health) -> None:
        """A device's state or trouble may have become another."""


@dataclass
class _Lane:
    """Tasks that a device does one after the other."""

    waiting: deque[Task] = field(default_factory=deque)
    current: Task | None = None
    contiguous: bool = False


class Supervisor:
    """Keeps one worker at work. ``name`` is the worker's; ``devices`` are those it holds.

    ``after`` held the devices before: while its worker lives, this one's waits.
    """

    def __init__(
        self,
        name: str,
        devices: Mapping[str, DeviceSettings],
        employer: Employer,
        mailbox: Mailbox,
        after: Supervisor | None = None,
    ) -> None:
        self.name = name
        self.devices = devices
        self.health = {device: Health() for device in devices}
        self._employer = employer
        self._mailbox = mailbox
        self._after = after
        self._lanes: dict[str, _Lane] = {}
        self._flying: dict[int, Task] = {}
        self._numbers = 0
        self._process: Worker | None = None
        self._pipe: Connection[Any, Any] | None = None
        self._ready = False
        self._finishing = False
        self._start_deadline = 0.0
        self._opened: set[str] = set()
        self._gone: list[tuple[Worker, float]] = []
        self._resting = False
        self.idle_since = 0.0

    @property
    def busy(self) -> bool:
        """Whether any task is unanswered."""
        return any(lane.current or lane.waiting for lane in self._lanes.values())

    @property
    def alive(self) -> bool:
        """Whether there is a worker process."""
        return self._process is not None or bool(self._gone)

    @property
    def holds_devices(self) -> bool:
        """Whether a worker, this one's or an earlier one's, may have the devices open."""
        if self._after is not None and not self._after.holds_devices:
            self._after = None
        return self._process is not None or self._after is not None

    @property
    def at_work(self) -> set[int]:
        """The jobs whose turn it is."""
        return {task.job for task in self._flying.values()}

    @property
    def tasks(self) -> list[Task]:
        """Every unanswered task."""
        lanes = self._lanes.values()
        current = [lane.current for lane in lanes if lane.current]
        return current + [task for lane in lanes for task in lane.waiting]

    def pid(self) -> int | None:
        """The worker's process id."""
        return self._process.pid if self._process else None

    def submit(self, task: Task, now: float) -> None:
        """Take a task; its answer comes through ``Employer.finished``."""
        self._lanes.setdefault(task.lane, _Lane()).waiting.append(task)
        self._pump(now)

    def has_waiting(self, lane: str, device: str) -> bool:
        """Whether a task for the device waits in a lane behind the one that is being done."""
        found = self._lanes.get(lane)
        return found is not None and any(task.device == device for task in found.waiting)

    def cut(self, job: int, reason: str) -> None:
        """End a job's tasks early: what waits is dropped, what runs keeps what it has."""
        for lane in self._lanes.values():
            for task in [t for t in lane.waiting if t.job == job]:
                lane.waiting.remove(task)
                task.cut = reason
                self._employer.finished(task, Failed(task.number, reason, "not begun"))
            if lane.current and lane.current.job == job and not lane.current.cut:
                self._cut_current(lane.current, reason)

    def _cut_current(self, task: Task, reason: str) -> None:
        """Once only: a worker that does not listen would let its pipe fill up."""
        task.cut = reason
        if task.deadline is None:  # the worker has not been told of it yet
            self._settle(task, Failed(task.number, reason, "not begun"))
            return
        rest = task.budget - task.seconds  # the file is ended, checked and kept, as always
        task.deadline = min(task.deadline, _monotonic() + self._opening(task) + rest)
        self._send(Cut(task.number))

    def finish(self, reason: str) -> None:
        """End everything early and let the worker exit by itself."""
        for task in self.tasks:
            self.cut(task.job, reason)
        self._finishing = True
        if self._ready:
            self.rest(_monotonic())
        elif self._process and not self._resting:
            self._abort(signal.SIGKILL)  # it has not begun anything
            self._drop_process()

    def kill(self, now: float) -> None:
        """Take the worker's life at once; what it did is answered as failed."""
        self._finishing = True
        self._lose_worker("worker-died", "it had to be killed", now, how=signal.SIGKILL)
        for process, _ in self._gone:
            process.kill()

    def tick(self, now: float) -> float | None:
        """Act on what the time says; return when to look again (monotonic), if at all."""
        late = [t for t in self._flying.values() if t.deadline is not None and now >= t.deadline]
        if late:
            self._miss_deadline(late[0], now)
        elif self._process and not self._ready and now >= self._start_deadline:
            missed = "end" if self._resting else "start"
            self._lose_worker(
                "timeout", f"the worker did not {missed} in time", now, how=signal.SIGABRT
            )
        self._bury(now)
        self._pump(now)
        times = [t.deadline for t in self._flying.values() if t.deadline is not None]
        times += [now + BURY_SECONDS for _ in self._gone]
        if self._process and not self._ready:
            times.append(self._start_deadline)
        return min(times, default=None)

    def _pump(self, now: float) -> None:
        if self._process is None and self.holds_devices:
            return
        for lane in self._lanes.values():
            while lane.current is None and lane.waiting and not self._finishing:
                self._take(lane, now)
        if not self.busy and not self.idle_since:
            self.idle_since = now

    def _take(self, lane: _Lane, now: float) -> None:
        task = lane.waiting.popleft()
        health = self.health[task.device]
        if not health.may_try(now):
            reason = "fatal" if health.state is State.FATAL else "back-off"
            wait = health.retry_at - now
            message = f"left alone for another {wait:.0f} s after: {health.trouble}"
            self._employer.finished(task, Failed(task.number, reason, message))
            return
        self.idle_since = 0.0
        self._numbers += 1
        task.number, task.follows, lane.current = self._numbers, lane.contiguous, task
        lane.contiguous = False
        self._flying[task.number] = task
        if self._process is None:
            self._start(now)
        elif self._ready:
            self._dispatch(task, now)

    def _start(self, now: float) -> None:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = self._process = Worker(self.name, self.devices, theirs)
        process.start()
        theirs.close()
        self._pipe, self._ready, self._opened = ours, False, set()
        self._start_deadline = now + START_SECONDS
        reader = partial(
            _read_pipe,
            ours,
            self._mailbox,
            partial(self._on_message, process),
            partial(self._on_end, process, ours),
        )
        threading.Thread(target=reader, name=f"read-{self.name}", daemon=True).start()
        for device in {task.device for task in self._flying.values()}:
            self.health[device].state = State.STARTING
            self._employer.device_changed(device, self.health[device])

    def _dispatch(self, task: Task, now: float) -> None:
        if task.verb == "read" or task.place:
            self._send_work(task, now)
        else:
            self._employer.place_for(task, partial(self._placed, task))

    def _placed(self, task: Task, place: Place | Failed) -> None:
        now = _monotonic()
        if isinstance(place, Failed):
            self._answer(Failed(task.number, place.reason, place.message), now)
        elif task.number in self._flying:
            task.place = place
            if self._ready:
                self._send_work(task, now)

    def _send_work(self, task: Task, now: float) -> None:
        task.deadline = now + self._opening(task) + task.budget
        self._send(
            Work(task.number, task.device, task.verb, task.seconds, task.place, task.follows)
        )

    def _opening(self, task: Task) -> float:
        return 0.0 if task.device in self._opened else OPEN_SECONDS

    def _send(self, message: Any) -> None:
        if self._pipe is None or not self._ready:
            return
        try:
            self._pipe.send(message)
        except OSError:
            log.debug("%s: the worker's pipe is closed; its end is about to be noticed", self.name)

    def _on_message(self, process: Worker, message: Upward) -> None:
        now = _monotonic()
        if process is not self._process:
            return  # said by a worker that was given up
        if isinstance(message, Ready):
            self._ready = True
            for task in list(self._flying.values()):
                self._dispatch(task, now)
        elif isinstance(message, Opened):
            self._on_opened(message.device, now)
        else:
            self._answer(message, now)

    def _on_opened(self, device: str, now: float) -> None:
        self._opened.add(device)
        self.health[device].state = State.RUNNING
        self._employer.device_changed(device, self.health[device])
        for task in self._flying.values():
            if task.device == device and task.deadline is not None:
                task.deadline = min(task.deadline, now + task.budget)

    def _on_end(self, process: Worker, pipe: Connection[Any, Any]) -> None:
        pipe.close()
        if process is not self._process:
            return
        now = _monotonic()
        if self._resting and not (self._finishing and self._flying):
            self._drop_process()
            if self._flying:
                self._start(now)
            return
        message = f"the worker ended by itself{_how_it_ended(process)}"
        if not self._flying:  # else the job and the device's trouble tell of it
            log.warning("%s: %s", self.name, message)
        self._lose_worker("worker-died", message, now)

    def _miss_deadline(self, culprit: Task, now: float) -> None:
        message = (
            f"{culprit.verb} did not end when it was cut"
            if culprit.cut
            else f"no answer to {culprit.verb} within {culprit.budget:g} s"
        )
        self._lose_worker("timeout", message, now, culprit, signal.SIGABRT)

    def _lose_worker(
        self,
        reason: str,
        message: str,
        now: float,
        culprit: Task | None = None,
        how: signal.Signals | None = None,
    ) -> None:
        """Fail what the worker did. One culprit takes the blame alone; without one, all do."""
        lost = list(self._flying.values())
        if how is not None:
            self._abort(how)
        self._drop_process()
        for device in {task.device for task in lost if culprit in (None, task)}:
            self.health[device].strike(f"{reason}: {message}", now)
        for task in lost:
            if culprit in (None, task):
                self._settle(task, Failed(task.number, reason, message))
            else:
                blamed = f"its worker was killed because of {culprit.device}" if culprit else ""
                self._settle(task, Failed(task.number, "worker-died", blamed))
            self._employer.device_changed(task.device, self.health[task.device])
        self._pump(now)

    def _answer(self, answer: Answer, now: float) -> None:
        task = self._flying.get(answer.number)
        if task is None:
            return
        if isinstance(answer, Failed) and answer.reason == "driver-error":
            self._lose_worker(answer.reason, answer.message, now, task)  # it ends by itself
            return
        if not task.cut:
            self._judge(task, answer)
        self._settle(task, answer)
        self._pump(now)

    def _settle(self, task: Task, answer: Answer) -> None:
        del self._flying[task.number]
        lane = self._lanes[task.lane]
        lane.current = None
        lane.contiguous = isinstance(answer, Done) and bool(lane.waiting)
        self._employer.finished(task, answer)

    def _judge(self, task: Task, answer: Answer) -> None:
        health = self.health[task.device]
        if isinstance(answer, Done) and answer.refused:
            health.troubled("; ".join(f"{q}: {why}" for q, why in answer.refused.items()))
        elif isinstance(answer, Done):
            health.well()
        else:
            health.troubled(f"{answer.reason}: {answer.message}")
            self._opened.discard(task.device)
        self._employer.device_changed(task.device, health)

    def _abort(self, how: signal.Signals) -> None:
        process = self._process
        if process is None or process.pid is None:
            return
        os.kill(process.pid, how)
        os.kill(process.pid, signal.SIGCONT)  # a stopped one would keep its SIGABRT for later

    def _drop_process(self) -> None:
        if self._process:
            self._gone.append((self._process, _monotonic() + ABORT_SECONDS))
        self._process, self._pipe = None, None
        self._ready = self._resting = False
        for health in self.health.values():
            if health.state in (State.RUNNING, State.STARTING):
                health.state = State.IDLE

    def _bury(self, now: float) -> None:
        left = []
        for process, kill_at in self._gone:
            if process.exitcode is not None:
                continue
            if now >= kill_at:
                process.kill()
                kill_at = now + ABORT_SECONDS
            left.append((process, kill_at))
        self._gone = left

    def rest(self, now: float) -> None:
        """Let the idle worker go, and its devices with it; the next task starts a new one."""
        if self._ready:
            self._send(Finish())
            self._ready, self._resting = False, True
            self._start_deadline = now + START_SECONDS


def _how_it_ended(process: Worker) -> str:
    process.join(0.2)  # it has closed its pipe: it has exited, or is about to
    code = process.exitcode
    if code is None:
        return ""
    return f" ({signal.Signals(-code).name})" if code < 0 else f" (exit status {code})"


def _read_pipe(
    pipe: Connection[Any, Any],
    mailbox: Mailbox,
    deliver: Callable[[Upward], None],
    ended: Callable[[], None],
) -> None:
    """Forward what a worker says, and that it has ended."""
    while True:
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            mailbox(ended)
            return
        mailbox(partial(deliver, message))


def _monotonic() -> float:
    return clock.now().monotonic
