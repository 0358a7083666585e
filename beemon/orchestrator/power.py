"""Power: saves it in stages while the battery is low, or while it is too hot.

Only the readings of one sensor decide; no value is ever assumed. If the sensor has no value any
more, the stage remains in force for a limited time, because a battery does not recover within
minutes. After that everything is recorded again, and `status` shows the problem. A sensor fails
more often than a battery, and its failure must not end the recording for good.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from beemon.base import moments
from beemon.base.clock import MACHINE, Clock
from beemon.base.facts import JsonObject
from beemon.base.readings import Reading
from beemon.base.status import PowerStage, PowerStatus
from beemon.base.values import value_class
from beemon.config.settings import Settings
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.inbox import Inbox, Pulse
from beemon.orchestrator.timetable import Thinning, Timetable
from beemon.protocol import commands
from beemon.protocol.reports import Trouble

if TYPE_CHECKING:
    from beemon.config.power import PowerSettings
    from beemon.ledger.power import Before
    from beemon.orchestrator.halt import Halt
    from beemon.orchestrator.profile import Profile

log = logging.getLogger(__name__)

REASON = "power"
"""The reason of a slot that is skipped to save power, and the subject of a trouble with that."""
RESTS_FROM = {"camera": PowerStage.NO_VIDEO, "microphone": PowerStage.SENSORS_ONLY}
"""The stage from which on a kind of device has no scheduled work."""


@value_class
class Measured:
    """A value of the quantity that decides."""

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value:.5g} {self.unit}".rstrip()


class Power:
    """Keeps the stage in force, and holds devices back in the timetable by it.

    ``write`` has something written to the ledger. ``make_halt`` makes the part that powers the
    machine off, where the config has one.
    """

    def __init__(
        self,
        settings: Settings,
        timetable: Timetable,
        write: Callable[[Write, Written], None],
        looks: Looks,
        inbox: Inbox,
        pulse: Pulse,
        clock: Clock = MACHINE,
        make_halt: Callable[[], Halt] | None = None,
    ) -> None:
        self.is_resuming = False
        self._make_halt = make_halt
        self._halt: Halt | None = None
        self._timetable, self._write, self._looks = timetable, write, looks
        self._inbox, self._pulse, self._clock = inbox, pulse, clock
        self._devices, self._settings = settings.devices, settings.power
        self._profile = _profile(self._settings)
        self._since_us: int | None = None
        self._last: Measured | None = None
        self._last_at = clock.now().monotonic
        self._is_silent = self._lacks_quantity = False

    @property
    def stage(self) -> PowerStage:
        """The stage in force."""
        return self._profile.stage if self._profile else PowerStage.FULL

    @property
    def troubles(self) -> Iterator[Trouble]:
        """The problems to show in `status`."""
        power = self._settings
        if power is None:
            return
        if self._halt:
            yield from self._halt.troubles
        remedy = f"see what it measures: beemon readings {power.sensor}"
        if self._lacks_quantity:
            says = f"{power.sensor} measures no {power.quantity}, so the power profile is unknown"
            yield Trouble(REASON, says, f"{remedy}; then correct [power] in the config")
        elif self._is_silent:
            yield Trouble(REASON, f"{_silence(power)}, so no power is saved", remedy)

    def status(self) -> PowerStatus | None:
        """The profile as `status` shows it; None if the config has none."""
        power, stage, last = self._settings, self.stage, self._last
        if power is None:
            return None
        found = PowerStatus(
            stage, power.sensor, power.quantity,
            every=_every(power, stage) if _every(power, stage) > 1 else None,
            since=None if self._since_us is None else moments.iso(self._since_us),
        )
        if last:
            found = replace(found, value=last.value, unit=last.unit)
        if limits := power.stages.get(stage):
            found = replace(
                found, below=limits.below, above=limits.above, until=limits.until
            )
        return found

    def resume(self) -> None:
        """Go on with the stage that an earlier run left; until the ledger has said which, it
        ``is_resuming``."""
        power = self._settings
        if power is None:
            return
        from beemon.ledger.power import Before, resume  # it is off by default

        self.is_resuming = True
        look = partial(resume, sensor=power.sensor, quantity=power.quantity)
        self._write(
            self._looks.within("power", look, Before()), self._inbox.forward(self._resume)
        )

    def change(self, settings: Settings) -> None:
        """Take over other settings. A stage that they have remains in force until a value ends
        it."""
        before, power = self._settings, settings.power
        self._halt = None  # a new attempt, after the time in which nothing is halted
        self._devices, self._settings = settings.devices, power
        if power != before:
            was = self.stage
            self._profile = _profile(power, was)
            if _source(power) != _source(before):
                self._forget_values()
            self._tell_change(was, "the config changed")
        self._hold_back()

    def take(self, readings: Iterable[Reading]) -> None:
        """Take the readings of a command, among them perhaps some of the sensor that decides."""
        power = self._settings
        if power is None:
            return
        values = {
            reading.quantity: reading for reading in readings
            if reading.sensor == power.sensor and reading.value is not None
        }
        found = values.get(power.quantity)
        self._lacks_quantity = found is None and (bool(values) or self._lacks_quantity)
        if found is not None and found.value is not None:
            self._last, self._last_at = Measured(found.value, found.unit), found.at.monotonic
            self._is_silent = False
            self._decide(power, self._last, found.at.monotonic)
            self._look_for_halt(power, found)

    def look(self, now: float) -> None:
        """See whether there was no value for too long; ``now`` is in monotonic seconds."""
        power = self._settings
        if power is None or self._is_silent or now - self._last_at < power.silence:
            return
        self._is_silent = True
        was, self._profile = self.stage, _profile(power)
        log.warning("%s, so no power is saved", _silence(power))
        self._tell_change(was, _silence(power))
        self._hold_back()

    def _resume(self, before: Before) -> None:
        self.is_resuming = False
        power = self._settings
        if power is None:
            return
        self._profile, self._since_us = _profile(power, before.stage), before.since_us
        if before.value is not None:
            last = Measured(before.value, before.unit)
            self._decide(power, last, self._clock.now().monotonic)
            self._profile = _profile(power, self.stage)  # the next value is the first of this run
        self._hold_back()

    def _look_for_halt(self, power: PowerSettings, reading: Reading) -> None:
        if power.halt is None or self._make_halt is None:
            return
        self._halt = self._halt or self._make_halt()
        self._halt.take(power, reading)

    def _decide(self, power: PowerSettings, last: Measured, at: float) -> None:
        was = self.stage
        if self._profile:
            self._profile.take(last.value, at)
        if self.stage is not was:
            self._tell_change(was, *_cause(power, was, self.stage, last))
            self._hold_back()

    def _tell_change(self, was: PowerStage, why: str, facts: JsonObject | None = None) -> None:
        """Log and enter a change of the stage, if it is one."""
        stage, now, power = self.stage, self._clock.stamp(), self._settings
        if stage is was:
            return
        from beemon.ledger.power import enter  # it is off by default

        self._since_us = now.utc_us
        message = f"the power profile is now {stage}, because {why}"
        log.log(logging.INFO if was.includes(stage) else logging.WARNING, "%s", message)
        sensor = power.sensor if power else None
        self._write(
            lambda ledger: enter(ledger, message, sensor, now, stage, was, facts or {}),
            lambda _: None,
        )
        self._pulse.hurry()

    def _forget_values(self) -> None:
        self._last = None
        self._last_at = self._clock.now().monotonic
        self._is_silent = self._lacks_quantity = False

    def _hold_back(self) -> None:
        stage, power = self.stage, self._settings
        kinds = [kind for kind, since in RESTS_FROM.items() if stage.includes(since)]
        held_back = [name for name in self._devices if commands.kind_of(name) in kinds]
        self._timetable.hold_back(REASON, held_back)
        every = _every(power, stage) if power else 1
        thinned = self._devices.keys() - {power.sensor} if power and every > 1 else ()
        self._timetable.thin_out(Thinning(REASON, every), thinned)


def _profile(
    power: PowerSettings | None, stage: PowerStage = PowerStage.FULL
) -> Profile | None:
    if power is None:
        return None
    from beemon.orchestrator.profile import Profile  # it is off by default

    return Profile(power, stage)


def _cause(
    power: PowerSettings, was: PowerStage, stage: PowerStage, last: Measured
) -> tuple[str, JsonObject]:
    """Why a value changed the stage, as a clause and as facts."""
    if stage.includes(was):
        limits = power.stages[stage]
        threshold, is_low = limits.threshold, limits.is_low
    else:
        left = next(s for s in power.stages if not stage.includes(s))
        threshold, is_low = power.stages[left].until, not power.stages[left].is_low
    side = "below" if is_low else "above"
    limit = Measured(threshold, last.unit)
    why = f"{power.sensor} {power.quantity} is {last}, {side} {limit}"
    return why, {
        "quantity": power.quantity, "value": last.value, "unit": last.unit, "threshold": threshold,
    }


def _every(power: PowerSettings, stage: PowerStage) -> int:
    """The number of scheduled jobs of which one is done in a stage."""
    return power.every if stage.includes(PowerStage.SAVING) else 1


def _silence(power: PowerSettings) -> str:
    hours = f"{power.silence / 3600:.3g} h"
    return f"{power.sensor} has had no {power.quantity} for {hours}"


def _source(power: PowerSettings | None) -> tuple[str, str] | None:
    return (power.sensor, power.quantity) if power else None
