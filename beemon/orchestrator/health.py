"""The health of one device: when to leave it alone, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

BUDGET = 5
"""Number of strikes in a row after which a device is FATAL."""
FIRST_DELAY_SECONDS = 1.0
FATAL_RETRY_SECONDS = 600.0

TRY_AGAIN_SECONDS = 300.0
"""Time, in seconds, after which a device that has never worked is tried again."""

PATIENCE = 3
"""Number of errors in a row after which a recorder gets a new worker."""
REBIND_STRIKES = 3
"""Number of strikes in a row after which a USB device is bound to its drivers again."""
REBIND_SECONDS = 1800.0
"""Minimum time, in seconds, between two rebinds: other devices may share the USB port."""

TIERS = ("errors", "reopened", "restarts", "rebound", "given_up")
"""Steps of recovery: the next request alone, the device opened again, its worker started again
after a while, its USB device bound again, and the long wait of a FATAL device."""


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
    """The last success and the last trouble of a device, and when it may be used again.

    A strike is the end of a worker that the device caused. One success resets the count.

    An error that the driver raised is a trouble but not a strike, because trying again is cheap.
    Each step of recovery is counted until a reload replaces the device's supervisor.
    """

    state: State = State.IDLE
    strikes: int = 0
    retry_at: float = 0.0
    trouble: str | None = None
    good_at: float | None = None
    """Time of the last success, in monotonic seconds; None: there was none."""
    note: str | None = None
    """Difference between its good results and the config, if any."""
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
        """The device ended a worker at ``now``, in monotonic seconds."""
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
        """Whether the device may be used at ``now``."""
        return now >= self.retry_at

    def well(self, now: float) -> None:
        """The device succeeded at ``now``, in monotonic seconds."""
        self.good_at = now
        self.state, self.strikes, self.trouble = State.RUNNING, 0, None
        self._is_ill, self._errors_in_a_row, self.rebind_trouble = False, 0, None

    def opened(self) -> None:
        """A worker has opened the device, possibly again after an error."""
        self.state, self._was_opened = State.RUNNING, True
        self.reopened += self._is_ill
        self._is_ill = False

    def troubled(self, trouble: str, now: float) -> None:
        """The driver raised an error at ``now``, in monotonic seconds."""
        self.state, self.trouble, self._failed_at = State.RUNNING, trouble, now
        self.errors += 1
        self._errors_in_a_row += 1
        self._is_ill = True

    def needs_try(self, now: float, *, opening_is_proof: bool) -> bool:
        """Whether there is no evidence yet, or only a failure that may be out of date.

        ``opening_is_proof``: a try only opens the device, as for a recorder. Such a try cannot
        refute a failure of its recordings.
        """
        if self.good_at is not None or not self.may_try(now):
            return False
        if self.trouble is None:
            return True
        is_refutable = not (opening_is_proof and self._was_opened)
        return is_refutable and now >= self._failed_at + TRY_AGAIN_SECONDS

    @property
    def needs_more(self) -> bool:
        """Whether opening it again does not help: after some errors, or one after a strike."""
        return self._errors_in_a_row >= PATIENCE or (self.strikes > 0 and self._errors_in_a_row > 0)

    def takes_rebind(self, now: float) -> bool:
        """Whether to rebind its USB device at ``now``; the caller then does so."""
        is_due = self.strikes >= REBIND_STRIKES and now >= self._rebind_at
        if is_due:
            self._rebind_at = now + REBIND_SECONDS
        return is_due

    @property
    def is_given_up(self) -> bool:
        """Whether it failed so often that it is tried only after a long wait."""
        return self.strikes >= BUDGET

    def is_news(self, trouble: str) -> bool:
        """Whether this trouble differs from the present one, numbers aside."""
        return self.trouble is None or gist(trouble) != gist(self.trouble)

    @property
    def recovery(self) -> dict[str, int]:
        """The count of each step of :data:`TIERS` that is not zero."""
        counts = {tier: int(getattr(self, tier)) for tier in TIERS}
        return {tier: count for tier, count in counts.items() if count}

    def describe(self, now: float) -> dict[str, Any]:
        """Return the state as `status` shows it."""
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
    """Return a trouble without its numbers: a growing duration does not make it another one."""
    return _SPAN.sub("#", trouble)
