"""The health of one device: when to leave it alone, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

from beemon.base.status import DeviceState, DeviceStatus

BUDGET = 5
"""Number of strikes in a row after which a device is given up."""
FIRST_DELAY_SECONDS = 1.0
GIVEN_UP_SECONDS = 600.0
"""Time, in seconds, after which a device that was given up is tried again."""

TRY_AGAIN_SECONDS = 300.0
"""Time, in seconds, after which a device that has never worked is tried again."""

PATIENCE = 3
"""Number of errors in a row after which a recorder gets a new worker."""
REBIND_STRIKES = 3
"""Number of strikes in a row after which a USB device is bound to its drivers again."""
REBIND_SECONDS = 1800.0
"""Minimum time, in seconds, between two rebinds: other devices may share the USB port."""

TIERS = ("errors", "reopened", "restarts", "rebound", "given_up")
"""Steps of recovery. First the next request alone, then opening the device again, then a new worker
after a while. Then its USB device is reset, and finally the device is given up for a long time."""


_SPAN = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?( (s|min|h|d)\b)?")


@dataclass
class Health:
    """The last success and the last trouble of a device, and when it may be used again.

    A strike is the end of a worker that the device caused. One success resets the count.

    An error that the driver raised is a trouble but not a strike, because trying again is cheap.
    Each step of recovery is counted until a reload replaces the device's supervisor.
    """

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
    _phase: DeviceState = DeviceState.UNTRIED
    _was_opened: bool = False
    _failed_at: float = 0.0
    _is_ill: bool = False
    _errors_in_a_row: int = 0
    _rebind_at: float = 0.0

    @property
    def state(self) -> DeviceState:
        """Its state: a problem comes before what its worker does."""
        has_failed = self.trouble is not None and not self._phase.is_trouble
        return DeviceState.IN_TROUBLE if has_failed else self._phase

    def strike(self, trouble: str, now: float) -> None:
        """The device ended a worker at ``now``, in monotonic seconds."""
        self.trouble, self._failed_at = trouble, now
        self._is_ill = False
        self.strikes += 1
        self.restarts += 1
        self.given_up += self.strikes == BUDGET
        if self.is_given_up:
            self._phase, delay = DeviceState.GIVEN_UP, GIVEN_UP_SECONDS
        else:
            self._phase, delay = (
                DeviceState.BACKING_OFF, FIRST_DELAY_SECONDS * 2 ** (self.strikes - 1)
            )
        self.retry_at = now + delay

    def may_try(self, now: float) -> bool:
        """Whether the device may be used at ``now``."""
        return now >= self.retry_at

    def well(self, now: float) -> None:
        """The device succeeded at ``now``, in monotonic seconds."""
        self.good_at = now
        self._phase, self.strikes, self.trouble = DeviceState.RUNNING, 0, None
        self._is_ill, self._errors_in_a_row, self.rebind_trouble = False, 0, None

    def starting(self) -> None:
        """A worker starts, with work for the device."""
        self._phase = DeviceState.STARTING

    def stopped(self) -> None:
        """The device has no worker any more."""
        if self._phase in (DeviceState.RUNNING, DeviceState.STARTING):
            has_worked = self.good_at is not None
            self._phase = DeviceState.RESTING if has_worked else DeviceState.UNTRIED

    def opened(self) -> None:
        """A worker has opened the device, possibly again after an error."""
        self._phase, self._was_opened = DeviceState.RUNNING, True
        self.reopened += self._is_ill
        self._is_ill = False

    def troubled(self, trouble: str, now: float) -> None:
        """The driver raised an error at ``now``, in monotonic seconds."""
        self._phase, self.trouble, self._failed_at = DeviceState.RUNNING, trouble, now
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

    def status(self, now: float) -> DeviceStatus:
        """The part of the device's status that its health tells, at ``now``."""
        waits = self._phase.is_trouble
        return DeviceStatus(
            self.state,
            None if self.good_at is None else max(0.0, round(now - self.good_at, 1)),
            trouble=self.trouble, note=self.note,
            retry_in_seconds=max(0, round(self.retry_at - now)) if waits else None,
            recovery=self.recovery or None, rebind_trouble=self.rebind_trouble,
        )


def gist(trouble: str) -> str:
    """Return a trouble without its numbers: a growing duration does not make it another one."""
    return _SPAN.sub("#", trouble)
