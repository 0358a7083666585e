"""Slots: each slot that the timetable finds due is entered in the ledger, then carried out.

A read of sensors is carried out first, and entered with its outcome (:mod:`.unentered`).

At most one look at the timetable waits for the ledger. While the ledger cannot be written, no
further slots are collected. The next look finds them all, and skips those that are too late.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import partial

from beemon.base import outcomes
from beemon.base.clock import MACHINE, Clock, Stamp
from beemon.base.outcomes import Ending
from beemon.ledger.slots import Tick
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.inspection import Inspections
from beemon.orchestrator.job import QueuedCommand
from beemon.orchestrator.power import Power
from beemon.orchestrator.timetable import LATE_SECONDS, Timetable
from beemon.orchestrator.unentered import Unentered

log = logging.getLogger(__name__)

Execute = Callable[[QueuedCommand, int], None]
End = Callable[[int, QueuedCommand, Ending], None]


class SlotRunner:
    """Has the scheduled work of the devices carried out when it is due.

    ``write`` has something written to the ledger. ``execute`` gets each command whose slot has
    come, with its job number; ``end`` one that is not carried out.
    """

    def __init__(
        self,
        timetable: Timetable,
        inspections: Inspections,
        power: Power,
        write: Callable[[Write, Written], None],
        inbox: Inbox,
        execute: Execute,
        end: End,
        unentered: Unentered,
        clock: Clock = MACHINE,
    ) -> None:
        self._timetable, self._inspections, self._power = timetable, inspections, power
        self._write, self._inbox, self._clock = write, inbox, clock
        self._execute, self._end = execute, end
        self._unentered = unentered
        self._is_entering = False

    @property
    def is_writing(self) -> bool:
        """Whether slots are entered in the ledger, or it is asked what an earlier run left."""
        is_resuming = self._inspections.is_resuming or self._power.is_resuming
        return self._is_entering or self._unentered.is_writing or is_resuming

    def look(self, now: Stamp) -> float:
        """See what fell due; return the seconds until there is more to do.

        While it waits for the ledger they are infinite: the answer comes by the inbox.
        """
        if self._inspections.inspection.is_overdue(now.monotonic):
            self._write(self._inspections.end("", now, by_itself=True), lambda _: None)
            log.info("the inspection ended automatically")
        if self.is_writing:
            return math.inf
        tick = self._timetable.advance(now)
        if tick and (number := self._unentered.begin(tick)):
            [due] = tick.due
            self._execute(QueuedCommand(due.command, number, "schedule"), number)
        elif tick or now.monotonic >= self._unentered.wait_until:
            self._enter(tick)
        seconds = self._timetable.seconds_to_next(now)
        waits = max(0.0, self._unentered.wait_until - now.monotonic)
        return waits if seconds is None else min(seconds, waits)

    def _enter(self, tick: Tick | None) -> None:
        self._is_entering = True
        self._write(
            self._unentered.enter(tick), self._inbox.forward(partial(self._entered, tick))
        )

    def _entered(self, tick: Tick | None, jobs: list[int]) -> None:
        self._is_entering = False
        if tick is None:
            return
        late = self._clock.now().monotonic - tick.at.monotonic
        for due, job in zip(tick.due, jobs, strict=True):
            command = QueuedCommand(due.command, job, "schedule")
            if late > LATE_SECONDS:
                message = f"the database could not be written for {late:.0f} s"
                self._end(job, command, outcomes.skipped("late", message))
            else:
                self._execute(command, job)
