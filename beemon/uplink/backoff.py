"""Backoff: the pauses between attempts to reach a destination."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_SECONDS, LONGEST_SECONDS = 60.0, 3600.0


class Backoff:
    """Pauses from ``first`` seconds, doubling to ``longest``.

    Each is shortened at random by up to half, because many hives lose the same far end at once.
    """

    def __init__(
        self, choose: Callable[[float, float], float] = random.uniform,
        first: float = FIRST_SECONDS, longest: float = LONGEST_SECONDS,
    ) -> None:
        self._choose, self._first, self._longest = choose, first, longest
        self._failures = 0

    def next_pause(self, wanted: float | None = None) -> float:
        """The time in seconds until the next attempt; not shorter than the far end wants."""
        whole = min(self._longest, self._first * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return max(self._choose(whole / 2, whole), min(wanted or 0.0, self._longest))

    def reset(self) -> None:
        """Begin with the shortest pause again, after a success."""
        self._failures = 0
