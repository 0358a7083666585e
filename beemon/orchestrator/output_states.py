"""The states of a worker's outputs, and when they have to be back in the safe one."""

from __future__ import annotations

import math
import signal
from collections.abc import Collection
from dataclasses import replace

from beemon.base.status import DeviceStatus
from beemon.base.values import value_class
from beemon.orchestrator.blame import WorkerEnd
from beemon.orchestrator.task import OPEN_SECONDS, Task

RETURN_SECONDS = 5.0
"""Time, in seconds, by which an output may be late in returning to its safe state."""
AGAIN_SECONDS = 60.0
"""Time, in seconds, between two attempts to put an output into its safe state."""


@value_class
class _Known:
    on: bool
    back_at: float | None


class OutputStates:
    """The outputs of one worker, as it reported them. All times are monotonic seconds."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = tuple(names)
        self._known: dict[str, _Known] = {}
        self._tried: dict[str, float] = {}

    def switched(self, device: str, now: float, *, on: bool, seconds: float | None) -> None:
        """Note that the output was switched; it returns after ``seconds``, if any."""
        self._known[device] = _Known(on, None if seconds is None else now + seconds)

    def tried(self, device: str, now: float) -> None:
        """Note an attempt to put the output into its safe state."""
        self._tried[device] = now

    def forget(self) -> None:
        """Forget all states, because the worker has ended."""
        self._known.clear()
        self._tried.clear()

    def part_with(self, device: str) -> None:
        """Forget a device that another worker holds from now on."""
        self.names = tuple(name for name in self.names if name != device)
        self.forget()

    def are_settled(self, opened: Collection[str]) -> bool:
        """Whether every output is open, and none returns to its safe state at some time."""
        is_returning = any(known.back_at is not None for known in self._known.values())
        return not is_returning and set(self.names) <= set(opened)

    def missed_return(self, now: float) -> WorkerEnd | None:
        """Return the end of a worker whose output did not return to its safe state in time."""
        for name, known in self._known.items():
            if known.back_at is not None and now > known.back_at + RETURN_SECONDS:
                message = f"{name} did not return to its safe state in time"
                return WorkerEnd("timeout", message, name, signal.SIGABRT)
        return None

    def due_tasks(self, opened: Collection[str], now: float) -> list[Task]:
        """Return a task for each output that the worker could not open and has to try again."""
        due = [
            name for name in self.names
            if name not in opened and now >= self._tried.get(name, -math.inf) + AGAIN_SECONDS
        ]
        self._tried.update(dict.fromkeys(due, now))
        return [Task(0, name, "make_safe", f"switch {name}", OPEN_SECONDS) for name in due]

    def complete(self, status: DeviceStatus, device: str, now: float) -> DeviceStatus:
        """The status of a device with its state as an output, if that is known."""
        known = self._known.get(device)
        if known is None:
            return status
        left = None if known.back_at is None else max(0, round(known.back_at - now))
        return replace(status, output="on" if known.on else "off", returns_in_seconds=left)
