"""The Orchestrator's inbox: other threads leave their requests here, and the loop handles them."""

from __future__ import annotations

import queue
from collections.abc import Callable
from functools import partial
from typing import ParamSpec

P = ParamSpec("P")

Action = Callable[[], None]
"""Something for the loop to do."""

HEARTBEAT_SECONDS = 1.0
"""The longest time between two heartbeats, in seconds, while anything is under way."""
RESTING_SECONDS = 4.0
"""The same while nothing is, in seconds, unless the Server wants them more often."""


class Inbox:
    """Actions, first in, first out. Every thread may put; only the loop takes."""

    def __init__(self) -> None:
        self._actions: queue.SimpleQueue[Action] = queue.SimpleQueue()

    def put(self, action: Action) -> None:
        """Have the loop do something."""
        self._actions.put(action)

    def forward(self, call: Callable[P, None]) -> Callable[P, None]:
        """A function for other threads: it has the loop make this call with its arguments."""

        def put(*args: P.args, **kwargs: P.kwargs) -> None:
            self._actions.put(partial(call, *args, **kwargs))

        return put

    def take(self, seconds: float) -> Action | None:
        """The next action; None if none comes within this time."""
        try:
            return self._actions.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None


class Pulse:
    """When the next heartbeat is due, in monotonic seconds."""

    def __init__(self) -> None:
        self.next_at = 0.0

    def hurry(self) -> None:
        """Have `status` show at once what has just changed."""
        self.next_at = 0.0

    def beats(self, now: float, seconds: float = HEARTBEAT_SECONDS) -> bool:
        """Whether a heartbeat is due at ``now``; the next one is due ``seconds`` later at most."""
        is_due = now >= self.next_at
        self.next_at = now + seconds if is_due else min(self.next_at, now + seconds)
        return is_due
