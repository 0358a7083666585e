"""The health of one device: when to leave it alone, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

BUDGET = 5
"""Strikes in a row after which a device is FATAL."""
FIRST_DELAY_SECONDS = 1.0
FATAL_RETRY_SECONDS = 600.0

TRY_AGAIN_SECONDS = 300.0
"""How long after it failed a device is tried again that never worked yet."""

PATIENCE = 3
"""Errors in a row after which a device that has its worker alone costs it its life, too."""
REBIND_STRIKES = 3
"""Strikes in a row after which a USB device is bound to its drivers anew."""
REBIND_SECONDS = 1800.0
"""How long after that it is not done again: others may hang on the same plug."""

TIERS = ("errors", "reopened", "restarts", "rebound", "given_up")
"""What answered a failure: the next request alone, the device opened anew, its worker started
anew after a while, its USB device bound anew, and the long wait of one that is FATAL."""


_SPAN = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?( (s|min|h|d)\b)?")


class State(StrEnum):
    """The state of a device and its worker."""

    IDLE = "IDLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    FATAL = "FATAL"


@dataclass
class Health:
    """Keeps when the device last did what it was asked, and what it did instead.

    Counts strikes: each cost a worker its life. One success wipes them out.

    An error that the driver raised is a trouble but no strike: it costs nothing to try again.
    What each tier of recovery answered is counted for as long as the device is employed.
    """

    state: State = State.IDLE
    strikes: int = 0
    retry_at: float = 0.0
    trouble: str | None = None
    good_at: float | None = None
    """When it last did what it was asked (monotonic seconds); None: never yet."""
    note: str | None = None
    """How what it gives differs from what the config asks for, where that is good all the same."""
    errors: int = 0
    reopened: int = 0
    restarts: int = 0
    rebound: int = 0
    given_up: int = 0
    rebind_trouble: str | None = None
    _was_opened: bool = False
    _failed_at: float = 0.0
    _is_ill: bool = False
    _errors_in_a_row: int = 0
    _rebind_at: float = 0.0

    def strike(self, trouble: str, now: float) -> None:
        """The device cost a worker its life at ``now`` (monotonic seconds)."""
        self.trouble, self._failed_at = trouble, now
        self._is_ill = False
        self.strikes += 1
        self.restarts += 1
        self.given_up += self.strikes == BUDGET
        if self.is_given_up:
            self.state, delay = State.FATAL, FATAL_RETRY_SECONDS
        else:
            self.state, delay = State.BACKOFF, FIRST_DELAY_SECONDS * 2 ** (self.strikes - 1)
        self.retry_at = now + delay

    def may_try(self, now: float) -> bool:
        """Whether the device may be asked for anything at ``now``."""
        return now >= self.retry_at

    def well(self, now: float) -> None:
        """The device did at ``now`` (monotonic seconds) what it was asked."""
        self.good_at = now
        self.state, self.strikes, self.trouble = State.RUNNING, 0, None
        self._is_ill, self._errors_in_a_row, self.rebind_trouble = False, 0, None

    def opened(self) -> None:
        """A worker has opened the device; anew, where an error had it closed."""
        self.state, self._was_opened = State.RUNNING, True
        self.reopened += self._is_ill
        self._is_ill = False

    def troubled(self, trouble: str, now: float) -> None:
        """The driver raised an error at ``now`` (monotonic seconds)."""
        self.state, self.trouble, self._failed_at = State.RUNNING, trouble, now
        self.errors += 1
        self._errors_in_a_row += 1
        self._is_ill = True

    def needs_try(self, now: float, *, opening_is_proof: bool) -> bool:
        """Whether there is no evidence yet, good or bad, or the bad one may be out of date.

        ``opening_is_proof`` is of a device that cannot do more without being asked for work: what
        its work failed over is not refuted by its being opened.
        """
        if self.good_at is not None or not self.may_try(now):
            return False
        if self.trouble is None:
            return True
        is_refutable = not (opening_is_proof and self._was_opened)
        return is_refutable and now >= self._failed_at + TRY_AGAIN_SECONDS

    @property
    def needs_more(self) -> bool:
        """Whether opening it anew has not helped often enough, or other means before."""
        return self._errors_in_a_row >= PATIENCE or (self.strikes > 0 and self._errors_in_a_row > 0)

    def takes_rebind(self, now: float) -> bool:
        """Whether its USB device is to be bound anew at ``now``; asked just before that is done."""
        is_due = self.strikes >= REBIND_STRIKES and now >= self._rebind_at
        if is_due:
            self._rebind_at = now + REBIND_SECONDS
        return is_due

    @property
    def is_given_up(self) -> bool:
        """Whether it failed so often that it is tried again after a long while only."""
        return self.strikes >= BUDGET

    def is_news(self, trouble: str) -> bool:
        """Whether this is another trouble than the one that it has already."""
        return self.trouble is None or gist(trouble) != gist(self.trouble)

    @property
    def recovery(self) -> dict[str, int]:
        """How often each tier answered: by the words of :data:`TIERS`, without those at zero."""
        counts = {tier: int(getattr(self, tier)) for tier in TIERS}
        return {tier: count for tier, count in counts.items() if count}

    def describe(self, now: float) -> dict[str, Any]:
        """The state as `status` shows it."""
        age = None if self.good_at is None else max(0.0, round(now - self.good_at, 1))
        described: dict[str, Any] = {"state": self.state.value, "last_good_age_seconds": age}
        if self.trouble:
            described["trouble"] = self.trouble
        if self.note:
            described["note"] = self.note
        if self.state in (State.BACKOFF, State.FATAL):
            described["retry_in_seconds"] = max(0, round(self.retry_at - now))
        if self.recovery:
            described["recovery"] = self.recovery
        if self.rebind_trouble:
            described["rebind_trouble"] = self.rebind_trouble
        return described


def gist(trouble: str) -> str:
    """What a trouble says, but for its numbers: that it lasts longer makes it no other."""
    return _SPAN.sub("#", trouble)
