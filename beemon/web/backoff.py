"""Back-off: after wrong passwords the next guess has to wait, longer each time."""

from __future__ import annotations

import time
from collections.abc import Callable

FREE_GUESSES = 3
FIRST_SECONDS, LONGEST_SECONDS = 2.0, 900.0
FORGET_SECONDS = 3600.0
MOST_ADDRESSES = 1000
ALL = "all"
"""The guesses of all addresses together: they wait only after :data:`FREE_OF_ALL`."""
FREE_OF_ALL = 30


class Backoff:
    """The wrong guesses of each address, and of all together."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._of: dict[str, tuple[int, float]] = {}

    def seconds_left(self, address: str) -> float:
        """For how many seconds nobody at this address may guess; 0 if it may now."""
        return max(self._left(address, FREE_GUESSES), self._left(ALL, FREE_OF_ALL))

    def enter_wrong(self, address: str) -> None:
        """A guess from this address was wrong."""
        self._forget_old()
        for name in (address, ALL):
            count, _ = self._of.get(name, (0, 0.0))
            self._of[name] = count + 1, self._now()

    def enter_right(self, address: str) -> None:
        """The password was known at this address; the guess was entered as a wrong one before."""
        self._of.pop(address, None)
        count, at = self._of.get(ALL, (1, 0.0))
        self._of[ALL] = count - 1, at

    def _left(self, name: str, free: int) -> float:
        count, at = self._of.get(name, (0, 0.0))
        if count < free:
            return 0.0
        pause = min(FIRST_SECONDS * 2.0 ** min(count - free, 30), LONGEST_SECONDS)
        return max(0.0, at + pause - self._now())

    def _forget_old(self) -> None:
        since = self._now() - FORGET_SECONDS
        kept = {name: found for name, found in self._of.items() if found[1] > since}
        if len(kept) > MOST_ADDRESSES:  # the guesses of all are counted on
            kept = {ALL: kept[ALL]} if ALL in kept else {}
        self._of = kept
