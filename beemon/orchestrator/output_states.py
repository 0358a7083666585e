"""What is known of a worker's outputs: their states, and when they are due back at the safe one."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

RETURN_SECONDS = 5.0
"""How late an output may return to its safe state."""
AGAIN_SECONDS = 60.0
"""How long after one try to make an output safe the next one comes."""


@dataclass(frozen=True)
class _Known:
    on: bool
    back_at: float | None


class OutputStates:
    """Keeps what a worker said of its outputs. All times are monotonic."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = tuple(names)
        self._known: dict[str, _Known] = {}
        self._tried: dict[str, float] = {}

    def switched(self, device: str, now: float, *, on: bool, seconds: float | None) -> None:
        """The output was switched; it returns after ``seconds``, if any."""
        self._known[device] = _Known(on, None if seconds is None else now + seconds)

    def tried(self, device: str, now: float) -> None:
        """It was tried to make it safe."""
        self._tried[device] = now

    def forget(self) -> None:
        """The worker has gone: nobody knows anything."""
        self._known.clear()
        self._tried.clear()

    def overdue(self, now: float) -> str | None:
        """An output that should have returned to its safe state, and has not."""
        late = (
            name for name, known in self._known.items()
            if known.back_at is not None and now > known.back_at + RETURN_SECONDS
        )
        return next(late, None)

    def to_make_safe(self, opened: Collection[str], now: float) -> list[str]:
        """Those that the worker could not open, when it is time to try again."""
        return [
            name for name in self.names
            if name not in opened and now >= self._tried.get(name, -math.inf) + AGAIN_SECONDS
        ]

    def describe(self, device: str, now: float) -> dict[str, Any]:
        """An output's state as `status` shows it; nothing for what is none."""
        known = self._known.get(device)
        if known is None:
            return {}
        described: dict[str, Any] = {"output": "on" if known.on else "off"}
        if known.back_at is not None:
            described["returns_in_seconds"] = max(0, round(known.back_at - now))
        return described
