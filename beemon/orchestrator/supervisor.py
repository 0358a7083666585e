"""Supervisor: the Orchestrator's side of one worker's devices.

It starts a worker at first use (at once if there are outputs to be made safe), hands it one task
per lane at a time and watches the deadlines. It ends a worker that misses one, and lets a device
that failed rest for a while. The tasks of that worker's other devices are repeated by the next one,
and the failed device gets a worker of its own, so that it delays no other. If a worker ends and any
of several devices may be the cause, their tasks are repeated one at a time: the device that caused
it does it again. A Supervisor never blocks: messages come in through the mailbox, and
:meth:`Supervisor.tick` looks at the time.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Protocol

from beemon.base.readings import Calibration
from beemon.config.settings import RECORDERS
from beemon.devices.ask import ResolvedDevice
from beemon.orchestrator.blame import Blame, WorkerEnd, blame, blocking_task, missed_deadline
from beemon.orchestrator.health import Health, State
from beemon.orchestrator.output_states import OutputStates
from beemon.orchestrator.task import OPEN_SECONDS, Task, TaskQueue
from beemon.orchestrator.worker_process import Mailbox, StartWorker, WorkerProcess, monotonic
from beemon.storage.files import Place
from beemon.system import installed
from beemon.worker.messages import (
    Answer,
    Begun,
    Cut,
    Done,
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
from beemon.worker.worker import TRY

__all__ = ["Owner", "Supervisor", "Task"]

log = logging.getLogger(__name__)

BURY_SECONDS = 0.05
"""How often to look whether a worker that was given up has really gone."""
BURIAL_SECONDS = 5.0
"""How long a new worker waits for that. Two cannot hold one camera; but a process that the kernel
does not let die must not keep the devices beside its own from being used."""
STEADY_SECONDS = 60.0
"""How long a worker with outputs must live for its deaths before to be forgiven."""

MOST_TRIES = 3
"""Maximum number of workers that a task is given to before it fails, if other devices end them."""

_LIFELESS = ("silent:", "stuck:", "flat:", "black:", "blank:", "frozen:")
"""Of what the check of a recording finds, what a device gives that hangs within."""


class Owner(Protocol):
    """What a supervisor needs of the Orchestrator."""

    def place_for(self, task: Task, placed: Callable[[Place | Failed], None]) -> None:
        """Find a place for the task's recording, enter it in the ledger, then call back."""

    def finished(self, task: Task, answer: Answer) -> None:
        """The task has its answer."""

    def device_changed(self, device: str, health: Health) -> None:
        """A device's state or trouble may have become another."""

    def note_replaced(self) -> None:
        """Another version of beemon was installed, so that no worker can be started any more."""

    def calibrations_of(self, device: str) -> Mapping[str, Calibration]:
        """Those that make values of what the device measures, by quantity."""

    def output_switched(self, device: str, *, on: bool, seconds: float | None) -> None:
        """An output was switched; it returns to its safe state after ``seconds``, if any."""


class Supervisor:
    """Keeps one worker at work. ``name`` is the worker's; ``devices`` are those it holds.

    ``after`` held the devices before: while their workers live, this one's waits. ``isolate`` is
    called with a device that ended the worker of several devices, and may :meth:`part_with` it.
    ``start`` starts a worker; ``now`` is the time in monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        devices: Mapping[str, ResolvedDevice],
        employer: Owner,
        mailbox: Mailbox,
        after: Collection[Supervisor] = (),
        isolate: Callable[[Supervisor, str], None] | None = None,
        *,
        start: StartWorker = WorkerProcess,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.name = self.crew = name
        self.devices = dict(devices)
        self.health = {device: Health() for device in devices}
        self.outputs = OutputStates([n for n, device in devices.items() if device.kind == "output"])
        self._employer = employer
        self._mailbox = mailbox
        self._after = list(after)
        self._isolate = isolate
        self._start_worker, self._now = start, now
        self._queue = TaskQueue()
        self._worker: WorkerProcess | None = None
        self._leaving: list[WorkerProcess] = []
        self._buried_by = 0.0
        self._finishing = False
        self._steady_at = 0.0
        self.idle_since = 0.0

    @property
    def busy(self) -> bool:
        """Whether any task is unanswered."""
        return bool(self._queue.tasks)

    @property
    def alive(self) -> bool:
        """Whether there is a worker process."""
        return self._worker is not None or bool(self._leaving)

    @property
    def holds_devices(self) -> bool:
        """Whether a worker, this one's or an earlier one's, may have the devices open."""
        self._after = [before for before in self._after if before.holds_devices]
        return self._worker is not None or bool(self._after)

    @property
    def at_work(self) -> set[int]:
        """The jobs whose turn it is."""
        return {task.job for task in self._queue.running.values()}

    @property
    def tasks(self) -> list[Task]:
        """Every unanswered task."""
        return self._queue.tasks

    def submit(self, task: Task, now: float) -> None:
        """Take a task; its answer comes through ``Employer.finished``."""
        self._queue.add(task)
        self._pump(now)

    @property
    def is_trying(self) -> bool:
        """Whether a device is being tried."""
        return any(task.verb == TRY for task in self.tasks)

    def untried(self, now: float) -> str | None:
        """A device of which nobody knows yet whether it works, and which nobody asks just now."""
        asked = {task.device for task in self.tasks}
        return next((
            name for name, health in self.health.items()
            if name not in asked and name not in self.outputs.names
            and health.needs_try(now, opening_is_proof=self.devices[name].kind in RECORDERS)
        ), None)

    def has_slot_waiting(self, lane: str, device: str) -> bool:
        """Whether a slot of the device waits in a lane behind the task that is being done."""
        return self._queue.has_slot_waiting(lane, device)

    def cut(self, job: int, reason: str) -> None:
        """End a job's tasks early: what waits is dropped, what runs keeps what it has."""
        for task in self._queue.drop_waiting(job):
            task.cut = reason
            self._employer.finished(task, Failed(task.number, reason, "not begun"))
        for task in list(self._queue.running.values()):
            if task.job == job and not task.cut:
                self._cut_running(task, reason)

    def _cut_running(self, task: Task, reason: str) -> None:
        """Once only: a worker that does not listen would let its pipe fill up."""
        task.cut = reason
        if task.deadline is None:  # the worker has not been told of it yet
            self._settle(task, Failed(task.number, reason, "not begun"))
            return
        task.shorten(self._now(), is_open=self._is_open(task.device))
        if self._worker and self._worker.is_ready:
            self._worker.send(Cut(task.number))

    def finish(self, reason: str) -> None:
        """End everything early and let the worker exit by itself."""
        for task in self.tasks:
            self.cut(task.job, reason)
        self._finishing = True
        if self.outputs.names and not self.holds_devices:
            self._start()  # for the one act of making them safe
        worker = self._worker
        if worker and (worker.is_ready or (self.outputs.names and not worker.is_resting)):
            worker.rest()
        elif worker and not worker.is_resting:
            self._give_up(signal.SIGKILL)  # it has not begun anything

    def kill(self, now: float) -> None:
        """Take the worker's life at once; what it did is answered as failed."""
        self._finishing = True
        self._end_worker(WorkerEnd("worker-died", "it had to be killed", None, signal.SIGKILL), now)
        for worker in self._leaving:
            worker.kill()

    def tick(self, now: float) -> float | None:
        """Act on what the time says; return when to look again (monotonic), if at all."""
        late = [task for task in self._queue.running.values() if task.is_late(now)]
        if late:
            blocking = blocking_task(late, self._queue.running.values(), self._opening)
            self._end_worker(missed_deadline(blocking), now)
        elif self._worker and self._worker.limit is not None and now >= self._worker.limit:
            missed = "end" if self._worker.is_resting else "start"
            message = f"the worker did not {missed} in time"
            self._end_worker(WorkerEnd("timeout", message, self._opening, signal.SIGABRT), now)
        elif (output := self.outputs.overdue(now)) is not None:
            message = f"{output} did not return to its safe state in time"
            self._end_worker(WorkerEnd("timeout", message, output, signal.SIGABRT), now)
        self._leaving = [worker for worker in self._leaving if not worker.is_gone(now)]
        self._pump(now)
        self._keep_outputs(now)
        times = [t.deadline for t in self._queue.running.values() if t.deadline is not None]
        times += [now + BURY_SECONDS] if self._leaving else []
        if self._worker and self._worker.limit is not None:
            times.append(self._worker.limit)
        return min(times, default=None)

    def _keep_outputs(self, now: float) -> None:
        """Outputs are held by a worker all the time; what it could not open is tried again."""
        if not self.outputs.names or self._finishing:
            return
        if self._worker is None:
            may_try = all(self.health[output].may_try(now) for output in self.outputs.names)
            if may_try and not self.holds_devices and not self._buries(now):
                self._start()
        elif self._worker.is_ready:
            for output in self.outputs.to_make_safe(self._worker.opened, now):
                self.outputs.tried(output, now)
                self.submit(Task(0, output, "make_safe", f"switch {output}", OPEN_SECONDS), now)
            if now >= self._steady_at:
                self._forgive(now)

    def _forgive(self, now: float) -> None:
        for output in self.outputs.names:
            health = self.health[output]
            if health.strikes and self._worker and output in self._worker.opened:
                health.well(now)
                self._employer.device_changed(output, health)

    def _pump(self, now: float) -> None:
        if self._worker is None and (self.holds_devices or self._buries(now)):
            return
        if not self._finishing:
            for task in self._queue.take_next():
                self._take(task, now)
        if not self.busy and not self.idle_since:
            self.idle_since = now

    def _buries(self, now: float) -> bool:
        """Whether an earlier worker may still hold the devices."""
        return bool(self._leaving) and now < self._buried_by

    def _take(self, task: Task, now: float) -> None:
        health = self.health[task.device]
        if not health.may_try(now):
            reason = "fatal" if health.state is State.FATAL else "back-off"
            wait = health.retry_at - now
            message = f"left alone for another {wait:.0f} s after: {health.trouble}"
            self._employer.finished(task, Failed(task.number, reason, message))
            return
        self.idle_since = 0.0
        self._queue.start(task)
        if self._worker is None:
            self._start()
        elif self._worker.is_ready:
            self._dispatch(task, now)

    def _start(self) -> None:
        if installed.is_replaced():
            self._employer.note_replaced()
            return
        self._worker = self._start_worker(
            self.name, self.devices, self._mailbox, self._on_message, self._on_end
        )
        for device in {task.device for task in self._queue.running.values()}:
            self.health[device].state = State.STARTING
            self._employer.device_changed(device, self.health[device])

    def _dispatch(self, task: Task, now: float) -> None:
        if task.is_recording and not task.place:
            self._employer.place_for(task, partial(self._placed, task))
        else:
            self._send_work(task, now)

    def _placed(self, task: Task, place: Place | Failed) -> None:
        now = self._now()
        if isinstance(place, Failed):
            self._answer(Failed(task.number, place.reason, place.message), now)
        elif task.number in self._queue.running:
            task.place = place
            self._send_work(task, now)

    def _send_work(self, task: Task, now: float) -> None:
        if self._worker is None or not self._worker.is_ready:
            return  # the next one gets it when it is ready
        task.set_deadline(now, is_open=self._is_open(task.device))
        self._worker.send(
            Work(
                task.number, task.device, task.verb, task.seconds, task.place, task.follows,
                task.tags, self._employer.calibrations_of(task.device),
                self.health[task.device].takes_rebind(now),
            )
        )

    def _is_open(self, device: str) -> bool:
        return self._worker is not None and device in self._worker.opened

    def _on_message(self, message: Upward) -> None:
        now = self._now()
        if isinstance(message, Ready) and installed.is_replaced():
            self._turn_away()
        elif isinstance(message, Ready):
            self._steady_at = now + STEADY_SECONDS
            for task in list(self._queue.running.values()):
                self._dispatch(task, now)
        elif isinstance(message, Begun):
            self._on_begun(message, now)
        elif isinstance(message, Rebound):
            self._on_rebound(message)
        elif isinstance(message, Opened):
            self._on_opened(message.device, now)
        elif isinstance(message, Lost):
            self._on_lost(message, now)
        elif isinstance(message, Switched):
            on, seconds = message.on, message.seconds
            self.outputs.switched(message.device, now, on=on, seconds=seconds)
            self._employer.output_switched(message.device, on=on, seconds=seconds)
        elif isinstance(message, NotSafe):
            self._is_not_opening(message.device)
            self.outputs.tried(message.device, now)
            self.health[message.device].troubled(
                f"{message.reason}: {message.message}", now
            )
            self._employer.device_changed(message.device, self.health[message.device])
        else:
            self._answer(message, now)

    def _on_begun(self, begun: Begun, now: float) -> None:
        if self._worker and begun.device not in self._worker.opened:
            self._worker.opening = begun.device
        task = self._queue.running.get(begun.number)
        if task is not None:
            task.has_begun = True
            if not task.cut:
                task.set_deadline(now, is_open=self._is_open(task.device))

    @property
    def _opening(self) -> str | None:
        """The device that the worker is opening."""
        return self._worker.opening if self._worker else None

    def _is_not_opening(self, device: str) -> None:
        if self._worker and self._worker.opening == device:
            self._worker.opening = None

    def _on_rebound(self, rebound: Rebound) -> None:
        """Told once: of a device that stays dead not each time, nor that it may not be done."""
        health, before = self.health[rebound.device], self.health[rebound.device].rebind_trouble
        health.rebind_trouble = rebound.trouble
        health.rebound += rebound.trouble is None
        if rebound.trouble and rebound.trouble != before:
            log.warning("%s: its USB device could not be rebound: %s",
                        rebound.device, rebound.trouble)
        elif not rebound.trouble and not health.is_given_up:
            log.warning("%s: its USB device %s was rebound", rebound.device, rebound.usb)

    def _on_lost(self, lost: Lost, now: float) -> None:
        if lost.details and self.health[lost.device].is_news(f"{lost.reason}: {lost.message}"):
            log.error("%s: its driver has a defect\n%s", lost.device, lost.details)
        self._end_worker(WorkerEnd(lost.reason, lost.message, lost.device), now)

    def _on_opened(self, device: str, now: float) -> None:
        self._is_not_opening(device)
        if self._worker:
            self._worker.opened.add(device)
        self.health[device].opened()
        if device in self.outputs.names:
            self.health[device].well(now)  # it was switched to its safe state
        self._employer.device_changed(device, self.health[device])
        for task in self._queue.running.values():
            if task.device == device:
                task.note_opened(now)

    def _on_end(self, how: str) -> None:
        was_told = self._worker is not None and self._worker.is_resting
        if was_told and not (self._finishing and self._queue.running):
            self._give_up()
            if self._queue.running:
                self._start()
            return
        if self._worker and not self._worker.is_ready and installed.is_replaced():
            self._turn_away()
            return
        message = f"the worker ended by itself{how}"
        if not self._queue.running:  # else the job and the device's trouble tell of it
            log.warning("%s: %s", self.name, message)
        self._end_worker(WorkerEnd("worker-died", message), self._now())

    def _turn_away(self) -> None:
        """Do without a worker that has imported something of another version, perhaps all."""
        self._give_up(signal.SIGKILL)
        self._employer.note_replaced()

    def _end_worker(self, end: WorkerEnd, now: float) -> None:
        """Do without the worker: the devices at fault have failed, other tasks are repeated."""
        running = list(self._queue.running.values())
        found = blame(running, self._opening, end, self.outputs.names)
        self._give_up(self._ending_signal(end, found))
        for device in found.at_fault:
            self.health[device].strike(end.trouble, now)
        for task in running:
            if task.device in found.at_fault:
                self._settle(task, Failed(task.number, end.reason, end.message))
            else:
                task.runs_alone |= task.device in found.possible
                self._repeat(task, f"its worker ended because of {found.causes}")
        for device in sorted(found.at_fault):
            self._employer.device_changed(device, self.health[device])
        if found.is_certain and len(self.devices) > 1 and self._isolate and not self._finishing:
            self._isolate(self, *found.at_fault)
        self._pump(now)

    def _ending_signal(self, end: WorkerEnd, found: Blame) -> signal.Signals | None:
        """Return SIGABRT, which writes the worker's stacks to the journal, for new trouble only."""
        is_news = any(self.health[device].is_news(end.trouble) for device in found.at_fault)
        return signal.SIGKILL if end.signal is signal.SIGABRT and not is_news else end.signal

    def _repeat(self, task: Task, why: str) -> None:
        """Run a task again that another device interrupted; a recording fails instead."""
        is_over = task.cut or self._finishing or task.tries >= MOST_TRIES
        if is_over or task.is_recording:
            self._settle(task, Failed(task.number, "worker-died", why))
        else:
            self._queue.put_back(task)

    def part_with(self, device: str) -> Supervisor:
        """A supervisor for this device alone, with its health and all that waits for it."""
        apart = Supervisor(
            device, {device: self.devices.pop(device)}, self._employer, self._mailbox, self._after,
            start=self._start_worker, now=self._now,
        )
        apart.crew = self.crew
        apart.health = {device: self.health.pop(device)}
        apart._leaving, apart._buried_by = list(self._leaving), self._buried_by
        self.outputs = OutputStates([name for name in self.outputs.names if name != device])
        apart._queue = self._queue.split_off(device)
        return apart

    def _answer(self, answer: Answer, now: float) -> None:
        task = self._queue.running.get(answer.number)
        if task is None:
            return
        self._is_not_opening(task.device)
        if not task.cut:
            self._judge(task, answer, now)
        self._settle(task, answer)
        if not task.cut and not self._queue.running and self._needs_more(task.device, answer):
            reason, _, message = _trouble(answer).partition(": ")
            self._end_worker(WorkerEnd(reason, message, task.device, signal.SIGKILL), now)
        else:
            self._pump(now)

    def _needs_more(self, device: str, answer: Answer) -> bool:
        """Whether a recorder fails again and again in a way that a new worker may help against."""
        if self.devices[device].kind not in RECORDERS or not self.health[device].needs_more:
            return False
        if isinstance(answer, Failed):
            return answer.reason == "device-error"
        return (answer.failure or "").startswith(_LIFELESS)

    def _settle(self, task: Task, answer: Answer) -> None:
        self._queue.end(task, is_done=isinstance(answer, Done))
        self._employer.finished(task, answer)

    def _judge(self, task: Task, answer: Answer, now: float) -> None:
        health = self.health[task.device]
        if isinstance(answer, Done) and answer.refused:
            said = "; ".join(f"{q}: {why}" for q, why in answer.refused.items())
            health.troubled(said, now)
        elif isinstance(answer, Done) and answer.failure is None:
            health.well(now)
            if "seconds" in answer.facts or "informed" in answer.facts:
                health.note = answer.facts.get("informed")  # a picture alone tells no rate
        else:
            health.troubled(_trouble(answer), now)
            if self._worker:
                self._worker.opened.discard(task.device)
        self._employer.device_changed(task.device, health)

    def _give_up(self, how: signal.Signals | None = None) -> None:
        if self._worker:
            self._worker.let_go(how)
            self._leaving.append(self._worker)
            self._buried_by = self._now() + BURIAL_SECONDS
        self._worker = None
        self.outputs.forget()
        for health in self.health.values():
            if health.state in (State.RUNNING, State.STARTING):
                health.state = State.IDLE

    def rest(self) -> None:
        """Let the idle worker go, and its devices with it; the next task starts a new one."""
        if self._worker and self._worker.is_ready:
            self._worker.rest()


def _trouble(answer: Answer) -> str:
    """What is wrong with a device, by the answer it gave."""
    if isinstance(answer, Done):
        return f"check-failed: {answer.failure}"
    return f"{answer.reason}: {answer.message}"
