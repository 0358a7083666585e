"""Backoff: the pauses between attempts to reach a destination."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_SECONDS, LONGEST_SECONDS = 60.0, 3600.0


class Backoff:
    """Pauses from 1 minute, doubling to 1 hour.

    Each is shortened at random by up to half, because many hives lose the same far end at once.
    """

    def __init__(self, choose: Callable[[float, float], float] = random.uniform) -> None:
        self._choose = choose
        self._failures = 0

    def next_pause(self, wanted: float | None = None) -> float:
        """The time in seconds until the next attempt; not shorter than the far end wants."""
        whole = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return max(self._choose(whole / 2, whole), min(wanted or 0.0, LONGEST_SECONDS))

    def reset(self) -> None:
        """Begin with the shortest pause again, after a success."""
        self._failures = 0
