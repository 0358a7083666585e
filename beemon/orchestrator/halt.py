"""Halt: powers the machine off while the battery still allows a proper end, if the owner allows it.

A machine that was powered off needs hardware that starts it again, so nothing halts without a table
[power.halt] in the config. Only values that were measured in this run count, several in a row.
None counts soon after the start, because a person must have time to log in. A machine that starts
and halts in a loop would also empty the battery.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from beemon.base.clock import Clock
from beemon.base.moments import US_PER_SECOND, iso
from beemon.base.readings import Reading
from beemon.config.power import HaltSettings, PowerSettings
from beemon.ledger import events
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.inbox import Inbox, Pulse
from beemon.orchestrator.timetable import Timetable
from beemon.protocol.reports import Trouble

log = logging.getLogger(__name__)

FEWEST_VALUES = 3
"""Values in a row that ask for a halt, before there is one."""
AGAIN_SECONDS = 3600.0
"""Time from one attempt to the next, in seconds."""
AHEAD_SECONDS = 120.0
"""Time from the start of the machine to its next slot, in seconds: the time of a boot."""
GOOD = "good"

Told = Callable[[str | None], None]


class Machine(Protocol):
    """Powers the machine off. Each answer is the reason against it, or None."""

    def may_power_off(self, told: Told) -> None:
        """Ask whether that is allowed."""

    def power_off(self, wake_us: int | None, told: Told) -> None:
        """Have it done, and have the machine started again at this time, if it can be."""


class Lows:
    """The values in a row that ask for a halt; times are monotonic seconds."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def ask(self, power: PowerSettings, value: float, at: float) -> bool:
        """Take a value; return whether those in a row have asked for a halt long enough."""
        if power.halt is None or not power.halt.begins(value):
            self._times.clear()
            return False
        self._times.append(at)
        del self._times[1:1 - FEWEST_VALUES]  # the first and the last ones are enough
        return len(self._times) >= FEWEST_VALUES and at - self._times[0] >= power.hold


class Halt:
    """Takes the values that decide on power, and powers the machine off when they ask for it.

    It is made by the first value after a start or a reload.
    """

    def __init__(
        self, timetable: Timetable, write: Callable[[Write, Written], None], inbox: Inbox,
        pulse: Pulse, clock: Clock, machine: Machine,
    ) -> None:
        self._timetable, self._write, self._inbox = timetable, write, inbox
        self._pulse, self._clock, self._machine = pulse, clock, machine
        self._began = clock.now().monotonic
        self._next_at = self._began
        self._lows = Lows()
        self._why_not: str | None = None

    @property
    def troubles(self) -> Iterator[Trouble]:
        """The problem to show in `status`, if the machine could not be powered off."""
        if self._why_not:
            says = f"[power.halt] applies, but the machine is not powered off: {self._why_not}"
            yield Trouble(events.HALT, says, "let beemon do it: see POWERING OFF in man beemon")

    def take(self, power: PowerSettings, reading: Reading) -> None:
        """Take a value of the quantity that decides; only a good one counts."""
        if reading.value is None or reading.quality != GOOD or power.halt is None:
            return
        at = reading.at.monotonic
        if not self._lows.ask(power, reading.value, at):
            if not power.halt.begins(reading.value):
                self._why_not = None
        elif at >= max(self._next_at, self._began + power.halt.grace):
            self._next_at = at + AGAIN_SECONDS
            cause = f"{power.sensor} {power.quantity} is {reading.value:.5g} {reading.unit}"
            attempt = partial(self._try, power.halt, cause.rstrip())
            self._machine.may_power_off(self._inbox.forward(attempt))

    def _try(self, halt: HaltSettings, cause: str, why_not: str | None) -> None:
        """Power the machine off, if it may be; called with the reason why not."""
        if why_not:
            self._refuse(why_not)
            return
        now = self._clock.stamp()
        wake_us = self._next_wake(now.utc_us + round(halt.rest * US_PER_SECOND))
        wake = f"until {iso(wake_us)}" if wake_us else "and no scheduled time follows"
        message = f"powering the machine off, {wake}, because {cause}"
        log.warning("%s", message)
        self._write(
            lambda ledger: events.enter(
                ledger, events.HALT, message, at=now, wake=None if wake_us is None else iso(wake_us)
            ),
            lambda _: None,
        )
        # The end of the service waits for the ledger; a halt must not, in case the disk fails.
        self._machine.power_off(wake_us, self._inbox.forward(self._refuse))

    def _refuse(self, why_not: str | None) -> None:
        """Tell that the machine stays on, if there is a reason."""
        if why_not is None or why_not == self._why_not:
            return
        self._why_not = why_not
        message = f"the machine is not powered off: {why_not}"
        log.warning("%s", message)
        self._write(lambda ledger: events.enter(ledger, events.HALT, message), lambda _: None)
        self._pulse.hurry()

    def _next_wake(self, after_us: int) -> int | None:
        """When to start the machine again: in time for the first slot later than this."""
        slot_us = self._timetable.next_slot(after_us)
        return None if slot_us is None else slot_us - round(AHEAD_SECONDS * US_PER_SECOND)
