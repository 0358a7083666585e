"""The agenda: what the timetable finds due is entered in the ledger, then carried out.

One look at a time is on its way to the ledger. While that cannot be written, slots do not queue up
here: the look that follows finds them all, and skips those for which it is too late.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

from beemon.base import clock, outcomes, zone
from beemon.base.clock import Stamp
from beemon.base.outcomes import Ending
from beemon.config.settings import RECORDERS, DeviceSettings
from beemon.ledger import inspections, slots
from beemon.ledger.inspections import Begun
from beemon.ledger.looks import Looks
from beemon.ledger.slots import Tick
from beemon.ledger.writer import LedgerWriter, Write
from beemon.orchestrator.inspection import REASON, Inspection
from beemon.orchestrator.job import QueuedCommand
from beemon.orchestrator.timetable import LATE_SECONDS, Timetable
from beemon.protocol import commands

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often the time is looked at, to notice a clock that is set."""

Execute = Callable[[QueuedCommand, int], None]
End = Callable[[int, QueuedCommand, Ending], None]


class SlotRunner:
    """The scheduled work of the devices, and what keeps it from being done.

    ``put`` hands something to do to the Orchestrator's loop. ``execute`` gets each command whose
    slot has come, with its job number; ``end`` one that is not carried out.
    """

    def __init__(
        self,
        devices: Mapping[str, DeviceSettings],
        inspection: Inspection,
        writer: LedgerWriter,
        looks: Looks,
        put: Callable[[Callable[[], None]], None],
        execute: Execute,
        end: End,
    ) -> None:
        self.timetable = Timetable(devices, zone.local())
        self.inspection = inspection
        self._devices = devices
        self._writer, self._looks = writer, looks
        self._put = put
        self._execute = execute
        self._end = end
        self.is_writing = True
        self.resume_inspection()

    def look(self, now: Stamp) -> float:
        """See what fell due; return the seconds until the next look."""
        if self.inspection.is_overdue(now.monotonic):
            self._writer.write(self.end_inspection("", now, by_itself=True), lambda _: None)
            log.info("the inspection ended automatically")
        if self.is_writing:
            return LOOK_SECONDS
        tick = self.timetable.advance(now)
        if tick:
            self.is_writing = True
            self._writer.write(
                partial(slots.enter, tick=tick),
                lambda jobs: self._put(partial(self._entered, tick, jobs)),
            )
        seconds = self.timetable.seconds_to_next(now)
        return LOOK_SECONDS if seconds is None else min(seconds, LOOK_SECONDS)

    def change(self, devices: Mapping[str, DeviceSettings]) -> None:
        """Take over other devices."""
        self._devices = devices
        self.timetable.change(devices, clock.stamp())
        self._leave_recorders_alone()

    def begin_inspection(self, note: str, now: Stamp) -> Write:
        """Begin an inspection; what is returned has to be written, to make it last."""
        self.inspection.begin(note, now)
        self._leave_recorders_alone()
        return lambda ledger: inspections.enter_begin(ledger, note, now)

    def end_inspection(self, note: str, now: Stamp, *, by_itself: bool = False) -> Write:
        """End the inspection; what is returned has to be written, to make it last."""
        self.inspection.end()
        self._leave_recorders_alone()
        return lambda ledger: inspections.enter_end(ledger, note, now, by_itself=by_itself)

    def resume_inspection(self) -> None:
        """Go on with an inspection that an earlier run began; nothing falls due until then."""
        self.is_writing = True
        self._writer.write(
            self._looks.within("inspection", inspections.resume, None),
            lambda begun: self._put(partial(self._resume, begun)),
        )

    def _resume(self, begun: Begun | None) -> None:
        self.is_writing = False
        self.inspection.resume(begun, clock.now().monotonic)
        self._leave_recorders_alone()

    def _leave_recorders_alone(self) -> None:
        recorders = {name for name in self._devices if commands.kind_of(name) in RECORDERS}
        self.timetable.hold_back(REASON, recorders if self.inspection.is_on else ())

    def _entered(self, tick: Tick, jobs: list[int]) -> None:
        self.is_writing = False
        late = clock.now().monotonic - tick.at.monotonic
        for due, job in zip(tick.due, jobs, strict=True):
            command = QueuedCommand(due.command, job, "schedule")
            if late > LATE_SECONDS:
                message = f"the ledger could not be written for {late:.0f} s"
                self._end(job, command, outcomes.skipped("late", message))
            else:
                self._execute(command, job)
