"""Tasks: the work that a worker does for jobs, its deadlines, and the order in which it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from beemon.media.tags import Tags
from beemon.storage.files import Place
from beemon.worker.worker import LIVE

OPEN_SECONDS = 30.0
"""Time, in seconds, that a task may take in addition to its budget while a device is opened."""


@dataclass
class Task:
    """Work for one device on behalf of a job; ``budget`` is how many seconds it may take.

    ``has_begun``: the worker has turned to it. ``runs_alone``: it may have ended a worker, so that
    no other task runs beside it. ``is_slot``: the schedule asks for it, so that it goes before
    what clients asked for. ``deadline`` is in monotonic seconds.
    """

    job: int
    device: str
    verb: str
    lane: str
    budget: float
    seconds: float = 0.0
    number: int = 0
    place: Place | None = None
    follows: bool = False
    tags: Tags | None = None
    deadline: float | None = None
    cut: str | None = None
    tries: int = 0
    has_begun: bool = False
    runs_alone: bool = False
    is_slot: bool = False

    @property
    def is_recording(self) -> bool:
        """Whether its result is a file."""
        return self.verb in ("record", "snapshot")

    def set_deadline(self, now: float, *, is_open: bool) -> None:
        """Let it take its budget from ``now`` on, and the time to open a device if none is open."""
        self.deadline = now + self._opening(is_open=is_open) + self.budget

    def shorten(self, now: float, *, is_open: bool) -> None:
        """Let it take only the time to end, check and keep its file, which a cut one does too."""
        if self.deadline is not None:
            lasts = self.is_recording or self.verb == LIVE
            rest = self.budget - (self.seconds if lasts else 0.0)
            self.deadline = min(self.deadline, now + self._opening(is_open=is_open) + rest)

    def note_opened(self, now: float) -> None:
        """Take back the time to open its device, which is open."""
        if self.deadline is not None:
            self.deadline = min(self.deadline, now + self.budget)

    def is_late(self, now: float) -> bool:
        """Whether its deadline has passed."""
        return self.deadline is not None and now >= self.deadline

    def _opening(self, *, is_open: bool) -> float:
        # Until it has begun, the worker may still be opening another device.
        return 0.0 if is_open and self.has_begun else OPEN_SECONDS


@dataclass
class _Lane:
    """Tasks that a device does one after the other."""

    waiting: deque[Task] = field(default_factory=deque)
    current: Task | None = None
    is_contiguous: bool = False


class TaskQueue:
    """The unanswered tasks of one worker. Each lane runs one task at a time.

    ``running`` are those handed to the worker, by their numbers.
    """

    def __init__(self) -> None:
        self.running: dict[int, Task] = {}
        self._lanes: dict[str, _Lane] = {}
        self._count = 0

    @property
    def is_empty(self) -> bool:
        """Whether every task is answered."""
        return not self.running and not self._is_waiting

    @property
    def _is_waiting(self) -> bool:
        return any(lane.waiting for lane in self._lanes.values())

    @property
    def tasks(self) -> list[Task]:
        """Every unanswered task."""
        waiting = [task for lane in self._lanes.values() for task in lane.waiting]
        return [*self.running.values(), *waiting]

    def add(self, task: Task) -> None:
        """Let a task wait in its lane: a slot before what clients asked for."""
        waiting = self._lanes.setdefault(task.lane, _Lane()).waiting
        ahead = [other for other in waiting if other.is_slot or not task.is_slot]
        waiting.insert(len(ahead), task)

    def has_slot_waiting(self, lane: str, device: str) -> bool:
        """Whether a slot of the device waits in a lane behind the task that is being done."""
        found = self._lanes.get(lane)
        waiting = found.waiting if found else ()
        return any(task.is_slot and task.device == device for task in waiting)

    def drop_waiting(self, job: int) -> list[Task]:
        """Remove and return the tasks of a job that wait."""
        dropped = []
        for lane in self._lanes.values():
            dropped += [task for task in lane.waiting if task.job == job]
            lane.waiting = deque(task for task in lane.waiting if task.job != job)
        return dropped

    def take_next(self) -> Iterator[Task]:
        """Remove and yield what may start now; the caller starts each task, or answers it.

        While a task has to run alone, tasks run one at a time in all lanes together.
        """
        if not self._is_waiting:
            return
        one_at_a_time = any(task.runs_alone for task in self.tasks)
        for lane in list(self._lanes.values()):
            while lane.current is None and lane.waiting:
                if one_at_a_time and self.running:
                    return
                yield lane.waiting.popleft()

    def start(self, task: Task) -> None:
        """Make a task the current one of its lane, under a number of its own."""
        lane = self._lanes[task.lane]
        self._count += 1
        task.tries += 1
        task.number, task.follows, lane.current = self._count, lane.is_contiguous, task
        lane.is_contiguous = False
        self.running[task.number] = task

    def end(self, task: Task, *, is_done: bool) -> None:
        """Take a task out; if it is done, the next recording of its lane follows it gaplessly."""
        del self.running[task.number]
        task.runs_alone = False
        lane = self._lanes[task.lane]
        lane.current = None
        lane.is_contiguous = is_done and bool(lane.waiting)
        if task.verb == LIVE:  # which has a lane of its own
            del self._lanes[task.lane]

    def put_back(self, task: Task) -> None:
        """Let a running task wait again, as the next one of its lane."""
        del self.running[task.number]
        task.deadline, task.has_begun = None, False
        lane = self._lanes[task.lane]
        lane.waiting.appendleft(task)
        lane.current, lane.is_contiguous = None, False

    def move(self, device: str, other: TaskQueue) -> None:
        """Move the tasks that wait for a device to another queue."""
        for name, lane in self._lanes.items():
            waiting = [task for task in lane.waiting if task.device == device]
            if waiting:
                other._lanes[name] = _Lane(deque(waiting))
                lane.waiting = deque(task for task in lane.waiting if task.device != device)
