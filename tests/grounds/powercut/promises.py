"""What the service promised to its clients, noted by them, outside the disk that is cut off."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Promise:
    """A reply that a client had in hand at ``at`` (monotonic seconds).

    ``outcome`` is None where it said no more than that the command was accepted.
    """

    at: float
    job: int
    command: str
    outcome: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Promises:
    """All of them, in their order, each once; usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Promise] = []
        self._said: dict[tuple[int, str | None], dict[str, Any]] = {}

    def note(self, job: int, command: str, outcome: str | None = None, **facts: Any) -> None:
        """A reply came just now."""
        promise = Promise(time.monotonic(), job, command, outcome, facts)
        with self._lock:
            if self._said.get((job, outcome)) != facts:
                self._said[job, outcome] = facts
                self._all.append(promise)

    def before(self, at: float) -> list[Promise]:
        """Those that were in somebody's hands before that moment."""
        with self._lock:
            return [promise for promise in self._all if promise.at < at]

    def forget_after(self, at: float) -> None:
        """Go on from a cut at that moment: what came later, nobody can keep."""
        with self._lock:
            self._all = [promise for promise in self._all if promise.at < at]
            self._said = {(p.job, p.outcome): p.facts for p in self._all}
