"""Rounds: when an optional look at the data is due again."""

from __future__ import annotations

from beemon.base.clock import Quality, Stamp
from beemon.ledger.looks import Looks


class Rounds:
    """The times of the look ``name``: every ``seconds``, while it is on.

    A look that has to do with days waits while the clock is unsure: such a clock has no days.
    """

    def __init__(self, looks: Looks, name: str, seconds: float) -> None:
        self._looks, self._name, self._seconds = looks, name, seconds
        self._next = 0.0

    def are_due(self, now: Stamp) -> bool:
        """Whether to look now; the next time is then counted from here."""
        if now.monotonic < self._next or now.quality is Quality.UNSURE:
            return False
        self._next = now.monotonic + self._seconds
        return self._looks.is_on(self._name)

    def hurry(self) -> None:
        """Have the next look at once."""
        self._next = 0.0
