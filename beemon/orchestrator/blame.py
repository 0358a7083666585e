"""Blame: which devices count as failed when a worker ends, and which only may have caused it.

Everything here is a function of its arguments alone, so that a table can test it.
"""

from __future__ import annotations

import signal
from collections.abc import Collection

from beemon.base.values import value_class
from beemon.orchestrator.task import Task


@value_class
class WorkerEnd:
    """The end of a worker, or the reason to end it.

    ``device`` is the device known to have caused it, or None. ``signal`` is the signal that ends a
    process that is still alive; None if it ends by itself.
    """

    reason: str
    message: str
    device: str | None = None
    signal: signal.Signals | None = None

    @property
    def trouble(self) -> str:
        """The end, as the trouble of a device."""
        return f"{self.reason}: {self.message}"


@value_class
class Blame:
    """The devices ``at_fault`` and those that are only a ``possible`` cause.

    ``is_certain``: exactly one device is known to have ended the worker.
    """

    at_fault: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()
    is_certain: bool = False

    @property
    def causes(self) -> str:
        """The devices because of which the tasks of others have to be repeated."""
        return " or ".join(sorted(self.at_fault or self.possible))


def blame(
    running: Collection[Task], opening: str | None, end: WorkerEnd, outputs: Collection[str]
) -> Blame:
    """Return which devices ended a worker that had these tasks, and was ``opening`` a device.

    If it was using several devices, any of them may be the cause. If it was using none, the
    devices of its tasks are at fault; without tasks the ``outputs``, for which it was started.
    """
    if end.device:
        return Blame(frozenset({end.device}), is_certain=True)
    in_use = frozenset(task.device for task in running if task.has_begun)
    if opening:
        in_use |= {opening}
    if len(in_use) == 1:
        return Blame(in_use, is_certain=True)
    if in_use:
        return Blame(possible=in_use)
    return Blame(frozenset(task.device for task in running) or frozenset(outputs))


def blocking_task(late: list[Task], running: Collection[Task], opening: str | None) -> Task:
    """Return the task that delays the late ones, of which there is at least one.

    A late task that has not begun waits for the worker to open another device.
    """
    begun = [task for task in late if task.has_begun]
    at_opening = [task for task in running if task.device == opening]
    return [*begun, *at_opening, *late][0]


def missed_deadline(task: Task) -> WorkerEnd:
    """Return the end of a worker that did not answer the task in time."""
    message = (
        f"{task.verb} did not end when it was cut"
        if task.cut
        else f"no answer to {task.verb} within {task.budget:g} s"
    )
    return WorkerEnd("timeout", message, task.device, signal.SIGABRT)
