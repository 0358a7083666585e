"""Supervisor: the Orchestrator's side of one worker's devices.

It starts a worker at the first use, or at once if outputs must be made safe. It gives the worker
one task per lane at a time and checks the deadlines. It kills a worker that misses a deadline, and
lets a failed device rest for a while.

The next worker repeats the tasks of the other devices. The failed device gets a worker of its own,
so that it delays no other device. If several devices may have ended the worker, their tasks are
repeated one at a time to find the cause. A Supervisor never blocks: messages arrive through the
inbox, and :meth:`Supervisor.tick` checks the time.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Collection, Mapping
from functools import partial

from beemon.devices.ask import ResolvedDevice
from beemon.orchestrator.blame import WorkerEnd, blame, blocking_task, missed_deadline
from beemon.orchestrator.group_health import GroupHealth, trouble_of
from beemon.orchestrator.health import Health
from beemon.orchestrator.output_states import OutputStates
from beemon.orchestrator.supplies import Supplies
from beemon.orchestrator.task import Task, TaskQueue
from beemon.orchestrator.worker_handle import Owner, WorkerHandle
from beemon.orchestrator.worker_process import Mailbox, StartWorker, WorkerProcess, monotonic
from beemon.worker.messages import Answer, Done, Failed, Lost
from beemon.worker.worker import TRY

log = logging.getLogger(__name__)

MOST_TRIES = 3
"""Maximum number of workers that a task is given to before it fails, if other devices end them."""
AHEAD_SHARE, AHEAD_SECONDS = 1.25, 1.0
"""A device is opened ahead of its slot by a multiple of the time that this took last, and by a
margin in seconds."""


class Supervisor:
    """Keeps one worker at work. ``name`` is the worker's; ``devices`` are those it holds.

    ``after`` held the devices before: while their workers live, this one's waits. ``isolate`` is
    called with a device that ended the worker of several devices, and may :meth:`part_with` it.
    ``start`` starts a worker; ``now`` is the time in monotonic seconds. ``idle_since`` is 0 while
    there is work, and ``was_slot`` tells whether the last work was scheduled.
    """

    def __init__(
        self,
        name: str,
        devices: Mapping[str, ResolvedDevice],
        employer: Owner,
        mailbox: Mailbox,
        supplies: Supplies,
        after: Collection[Supervisor] = (),
        isolate: Callable[[Supervisor, str], None] | None = None,
        *,
        start: StartWorker = WorkerProcess,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.name = self.group = name
        self.devices = dict(devices)
        self.outputs = OutputStates([n for n, device in devices.items() if device.kind == "output"])
        self.idle_since = 0.0
        self.was_slot = False
        self._owner, self._mailbox, self._supplies = employer, mailbox, supplies
        self._after, self._isolate = list(after), isolate
        self._start_worker, self._now = start, now
        self._queue = TaskQueue()
        self._health = GroupHealth(self.devices, employer.device_changed)
        self._worker = WorkerHandle(
            employer, supplies, self._queue, self._health, self.outputs,
            partial(start, name, self.devices, mailbox), self._on_heard, self._on_end, now,
        )
        self._finishing = False

    @property
    def health(self) -> dict[str, Health]:
        """The health of each device."""
        return self._health.of

    @property
    def seconds_ahead(self) -> float:
        """The time in seconds before a slot at which its worker starts, so that the device is open.
        """
        return self._worker.opening_seconds * AHEAD_SHARE + AHEAD_SECONDS

    def needs_opening(self, device: str, now: float) -> bool:
        """Whether a device is closed, and is to be opened ahead of its slot.

        One in trouble is left to the slot itself.
        """
        is_open = self._worker.is_ready and device in self._worker.opened
        health = self._health.of[device]
        return not (is_open or self.busy or health.trouble) and health.may_try(now)

    @property
    def busy(self) -> bool:
        """Whether any task is unanswered."""
        return not self._queue.is_empty

    @property
    def alive(self) -> bool:
        """Whether there is a worker process."""
        return self._worker.process is not None or bool(self._worker.leaving)

    def is_at_rest(self, now: float) -> bool:
        """Whether it has nothing to do until somebody, or a slot, wants something of a device."""
        return (
            self._queue.is_empty and self._worker.is_settled and self._health.is_settled(now)
            and self.outputs.are_settled(self._worker.opened)
        )

    @property
    def holds_devices(self) -> bool:
        """Whether a worker, this one's or an earlier one's, may have the devices open."""
        self._after = [before for before in self._after if before.holds_devices]
        return self._worker.process is not None or bool(self._after)

    @property
    def at_work(self) -> set[int]:
        """The jobs whose turn it is."""
        return {task.job for task in self._queue.running.values()}

    def submit(self, task: Task, now: float) -> None:
        """Take a task; its answer comes through ``Owner.finished``."""
        self._queue.add(task)
        self._run_next(now)

    @property
    def is_trying(self) -> bool:
        """Whether a device is being tried."""
        return any(task.verb == TRY for task in self._queue.tasks)

    def untried(self, now: float) -> str | None:
        """Return a device without a task that has shown neither that it works nor that it fails."""
        return self._health.untried({task.device for task in self._queue.tasks}, now)

    def has_slot_waiting(self, lane: str, device: str) -> bool:
        """Whether a slot of the device waits in a lane behind the task that is being done."""
        return self._queue.has_slot_waiting(lane, device)

    def cut(self, job: int, reason: str) -> None:
        """End a job's tasks early: drop those that wait, and keep the result so far of those that
        run."""
        for task in self._queue.drop_waiting(job):
            task.cut = reason
            self._owner.finished(task, Failed(task.number, reason, "not begun"))
        for task in list(self._queue.running.values()):
            if task.job == job and not task.cut:
                self._cut_running(task, reason)

    def _cut_running(self, task: Task, reason: str) -> None:
        """Once only: a worker that does not listen would let its pipe fill up."""
        task.cut = reason
        if task.deadline is None:  # the worker has not been told of it yet
            self._settle(task, Failed(task.number, reason, "not begun"))
        else:
            self._worker.cut(task)

    def finish(self, reason: str) -> None:
        """End everything early and let the worker exit by itself."""
        for task in self._queue.tasks:
            self.cut(task.job, reason)
        self._finishing = True
        if self.outputs.names and not self.holds_devices:
            self._worker.start()  # only to make them safe
        self._worker.finish()

    def kill(self, now: float) -> None:
        """Kill the worker at once; its tasks fail."""
        self._finishing = True
        self._end_worker(WorkerEnd("worker-died", "it had to be killed", None, signal.SIGKILL), now)
        for process in self._worker.leaving:
            process.kill()

    def rest(self) -> None:
        """Let the idle worker exit, and release its devices; the next task starts a new one."""
        self._worker.rest()

    def tick(self, now: float) -> float | None:
        """Act on what is due; return when to look again, in monotonic seconds, if at all."""
        if end := self._due_end(now):
            self._end_worker(end, now)
        self._worker.look(now)
        self._run_next(now)
        self._keep_outputs(now)
        deadlines = [task.deadline for task in self._queue.running.values()]
        times = [deadline for deadline in deadlines if deadline is not None]
        return min(times + self._worker.next_look(now), default=None)

    def _due_end(self, now: float) -> WorkerEnd | None:
        """Return why the worker has to be ended now, if it has."""
        running = self._queue.running.values()
        late = [task for task in running if task.is_late(now)]
        if late:
            return missed_deadline(blocking_task(late, running, self._worker.opening))
        return self._worker.missed_limit(now) or self.outputs.missed_return(now)

    def _keep_outputs(self, now: float) -> None:
        """Outputs are held by a worker all the time; failed attempts to open one are repeated."""
        if not self.outputs.names or self._finishing:
            return
        if self._worker.process is None:
            may_try = self._health.may_try_all(self.outputs.names, now)
            if may_try and not self._must_wait(now):
                self._worker.start()
        elif self._worker.is_ready:
            for task in self.outputs.due_tasks(self._worker.opened, now):
                self.submit(task, now)
            if self._worker.is_steady(now):
                self._health.forgive(self._worker.opened.intersection(self.outputs.names), now)

    def _must_wait(self, now: float) -> bool:
        """Whether no worker may start yet, because others may still hold the devices."""
        return self.holds_devices or self._worker.waits_for_exit(now)

    def _run_next(self, now: float) -> None:
        """Start the tasks whose turn it is."""
        if self._worker.process is None and self._must_wait(now):
            return
        if not self._finishing:
            for task in self._queue.take_next():
                self._run(task, now)
        if not self.busy and not self.idle_since:
            self.idle_since = now

    def _run(self, task: Task, now: float) -> None:
        refusal = self._health.refusal(task, now)
        if refusal:
            self._owner.finished(task, refusal)
            return
        self.idle_since, self.was_slot = 0.0, task.is_slot
        self._queue.start(task)
        if self._worker.process is None:
            self._worker.start()
        else:
            self._worker.dispatch(task, now)

    def _on_heard(self, message: Answer | Lost) -> None:
        if isinstance(message, Lost):
            self._health.log_defect(message)
            end = WorkerEnd(message.reason, message.message, message.device)
            self._end_worker(end, self._now())
        else:
            self._on_answer(message, self._now())

    def _on_answer(self, answer: Answer, now: float) -> None:
        task = self._queue.running.get(answer.number)
        if task is None:
            return
        device = task.device
        self._worker.end_opening(device)
        if not task.cut and not self._health.note_answer(device, answer, now):
            self._worker.opened.discard(device)
        self._settle(task, answer)
        is_last = not task.cut and not self._queue.running
        if is_last and self._health.needs_new_worker(device, answer):
            reason, _, message = trouble_of(answer).partition(": ")
            self._end_worker(WorkerEnd(reason, message, device, signal.SIGKILL), now)
        else:
            self._run_next(now)

    def _on_end(self, how: str) -> None:
        """The worker's process ended by itself, or because it was told to."""
        running = self._queue.running
        if self._worker.is_resting and not (self._finishing and running):
            self._worker.give_up()
            if running:
                self._worker.start()
            return
        if not self._worker.is_ready and self._worker.turn_away_if_replaced():
            return
        message = f"the worker ended unexpectedly{how}"
        if not running:  # else the job and the device's trouble show it
            log.warning("%s: %s", self.name, message)
        self._end_worker(WorkerEnd("worker-died", message), self._now())

    def _end_worker(self, end: WorkerEnd, now: float) -> None:
        """Do without the worker: the devices at fault have failed, other tasks are repeated."""
        running = list(self._queue.running.values())
        found = blame(running, self._worker.opening, end, self.outputs.names)
        self._worker.give_up(self._health.ending_signal(end, found.at_fault))
        self._health.strike(found.at_fault, end, now)
        for task in running:
            if task.device in found.at_fault:
                self._settle(task, Failed(task.number, end.reason, end.message))
            else:
                task.runs_alone |= task.device in found.possible
                self._repeat(task, f"its worker ended because of {found.causes}")
        for device in sorted(found.at_fault):
            self._health.tell(device)
        if found.is_certain and len(self.devices) > 1 and self._isolate and not self._finishing:
            self._isolate(self, *found.at_fault)
        self._run_next(now)

    def _repeat(self, task: Task, why: str) -> None:
        """Run a task again that another device interrupted; a recording fails instead."""
        is_over = task.cut or self._finishing or task.tries >= MOST_TRIES
        if is_over or task.is_recording:
            self._settle(task, Failed(task.number, "worker-died", why))
        else:
            self._queue.put_back(task)

    def _settle(self, task: Task, answer: Answer) -> None:
        self._queue.end(task, is_done=isinstance(answer, Done))
        self._owner.finished(task, answer)

    def part_with(self, device: str) -> Supervisor:
        """Return a supervisor for this device alone, with its health and its waiting tasks."""
        apart = Supervisor(
            device, {device: self.devices[device]}, self._owner, self._mailbox, self._supplies,
            self._after,
            start=self._start_worker, now=self._now,
        )
        apart.group = self.group
        apart.health[device] = self.health.pop(device)
        apart._worker.inherit_exits(self._worker)
        self._queue.move(device, apart._queue)
        self.outputs.part_with(device)
        del self.devices[device]
        return apart
