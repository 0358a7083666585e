"""Insights: when the findings about the colony are made, and their entry in the ledger.

The archive's worker makes them, one local day after the other, at idle priority. A day is looked at
once its night is over, after a start if that was missed, and again if its readings have changed.
It is looked at at once if something at the hive asks for it. A stop in between loses nothing: the
next look finds the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, timedelta, tzinfo
from typing import TYPE_CHECKING

from beemon.base.clock import Clock, Stamp
from beemon.base.facts import from_json
from beemon.base.moments import US_PER_DAY, US_PER_SECOND, from_iso, to_datetime
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.archive_worker import ArchiveWorker, Chore
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.rounds import Rounds
from beemon.storage.files import Place
from beemon.worker.messages import Asked, Done, Work
from beemon.worker.worker import INSIGHT

if TYPE_CHECKING:
    from beemon.ledger.finding_days import Kept

log = logging.getLogger(__name__)

LOOK = "insights"
"""The name of its look at the data."""
LOOK_SECONDS = 60.0
"""Time between two looks, in seconds."""
NIGHT = timedelta(hours=6, minutes=5)
"""The time on the clocks at which a night is over, and the sums of its hours are made."""
STAGE_SECONDS = 3 * 3600.0 + 60.0
"""Time from the first stage of a finding to the look for its next one, in seconds."""
CHORE_SECONDS = 900.0
"""Maximum time for one day, in seconds, on a machine that has other things to do."""
AGAIN_SECONDS = 3 * 3600.0
"""Time until the next try, in seconds, if a look found no idle time, or failed."""
_WITHOUT = "its findings about the colony are not made"


class Insights:
    """Has the findings made by ``chores``; ``write`` has something written to the ledger."""

    def __init__(
        self,
        in_force: InForce,
        chores: ArchiveWorker,
        write: Callable[[Write, Written], None],
        looks: Looks,
        inbox: Inbox,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._in_force, self._chores = in_force, chores
        self._write, self._looks, self._inbox = write, looks, inbox
        self._clock, self._zone = clock, zone
        self._rounds = Rounds(looks, LOOK, LOOK_SECONDS)
        self._next_ask = 0.0
        self._today: date | None = None
        self._was_thorough = False
        self._urgent: set[int] = set()
        self._again: dict[date, int] = {}
        self._pending: list[date] = []
        self._at: date | None = None

    def hurry(self, at_us: int) -> None:
        """Have the day of something at the hive looked at soon, if it was within a day."""
        self._urgent.add(at_us)
        self._rounds.hurry()

    def look(self, now: Stamp) -> None:
        """See what is due; called with each heartbeat."""
        if self._rounds.are_due(now):
            self._look(now)

    def _look(self, now: Stamp) -> None:
        today = (to_datetime(now.utc_us, self._zone).replace(tzinfo=None) - NIGHT).date()
        if now.monotonic >= self._next_ask:
            self._note_date(today, now.utc_us)
        due = {day for day, at_us in self._again.items() if at_us <= now.utc_us}
        due |= {self._day(at) for at in self._urgent if 0 <= now.utc_us - at < US_PER_DAY}
        self._urgent.clear()
        for day in due:
            self._again.pop(day, None)
        self._pending = [*sorted(due), *(day for day in self._pending if day not in due)]
        self._go_on()

    def _note_date(self, today: date, now_us: int) -> None:
        """Ask for the days that are due, if the date is a new one."""
        if self._today is None:
            self._catch_up(today, now_us)
        elif today != self._today:
            self._ask_for_days(today)
        self._today = today

    def _day(self, utc_us: int) -> date:
        return to_datetime(utc_us, self._zone).date()

    def _catch_up(self, today: date, now_us: int) -> None:
        """After a start: see whether days were missed, and which findings may have a next stage."""

        def look(ledger: Ledger) -> tuple[bool, list[Kept]]:
            from beemon.ledger import finding_days  # READY does not wait for it

            is_behind = finding_days.is_behind(ledger, today, self._zone)
            return is_behind, finding_days.open_stages(ledger, now_us - US_PER_DAY)

        def found(is_behind: bool, kept: list[Kept]) -> None:
            self._note_stages(kept)
            if is_behind:
                self._ask_for_days(today)

        forward = self._inbox.forward(found)
        self._write(self._looks.within(LOOK, look, (False, [])), lambda each: forward(*each))

    def _ask_for_days(self, today: date) -> None:
        """The first time in a run, all past days are checked: files may have been imported."""
        self._ask("the days without findings", self._take_days, self._ask_later, today)

    def _ask_later(self) -> None:
        """Ask again, after a while, as after a start."""
        self._today = None
        self._next_ask = self._clock.now().monotonic + AGAIN_SECONDS

    def _take_days(self, done: Done) -> None:
        found = done.facts.get("days")
        if not isinstance(found, list):  # after a reload, they are asked for again
            self._note_defects(done)
            self._today = None
            return
        self._was_thorough = True
        days = {date.fromisoformat(str(day)) for day in found}
        self._pending += sorted(days - set(self._pending))
        self._go_on()

    def _go_on(self) -> None:
        """Ask for the next day, unless one is being looked at."""
        if self._pending and self._at is None and self._looks.is_on(LOOK):
            self._at = day = self._pending.pop(0)
            self._ask(f"the findings of {day}", self._take_day, self._put_off, day, day)

    def _ask(
        self, what: str, settle: Callable[[Done], None], give_up: Callable[[], None],
        today: date, day: date | None = None,
    ) -> None:
        settings = self._in_force.settings
        weighing = {name: one.weighing for name, one in settings.devices.items() if one.weighing}
        archive = settings.archive_path
        asked = Asked(
            today, self._clock.now().utc_us, settings.hive, weighing, day, not self._was_thorough,
            {name: one.driver for name, one in settings.devices.items() if one.kind == "sensor"},
        )
        work = Work(0, "", INSIGHT, place=Place(archive, archive), asked=asked)
        self._chores.add([Chore(what, work, CHORE_SECONDS, settle, give_up)])

    def _take_day(self, done: Done) -> None:
        if "findings" not in done.facts:
            self._note_defects(done)
            self._pending = [day for day in (self._at, *self._pending) if day]
            self._at = None
            return
        self._note_rules(done)

        def enter(ledger: Ledger) -> list[Kept]:
            from beemon.ledger import finding_days

            return finding_days.enter(ledger, from_json(finding_days.Looked, done.facts))

        self._write(self._looks.within(LOOK, enter, []), self._inbox.forward(self._entered))

    def _entered(self, kept: list[Kept]) -> None:
        for one in kept:
            log.info("finding %d: %s", one.number, one.finding.says)
        self._note_stages(kept)
        self._end_day()

    def _put_off(self) -> None:
        """Have the day looked at again later: there may have been no idle time for it."""
        if self._at is not None:
            self._note(self._at, self._clock.now().utc_us, AGAIN_SECONDS)
        self._end_day()

    def _end_day(self) -> None:
        self._at = None
        self._go_on()

    def _note_stages(self, kept: list[Kept]) -> None:
        """Note when the next stage of each finding may follow."""
        latest = {one.finding.matter: one for one in kept}
        for one in latest.values():
            if one.finding.stage == "first":
                self._note(one.date, from_iso(one.finding.told), STAGE_SECONDS)

    def _note(self, day: date, utc_us: int, seconds: float) -> None:
        """Have a day looked at again at a time, or earlier if that was noted."""
        due_us = utc_us + round(seconds * US_PER_SECOND)
        self._again[day] = min(due_us, self._again.get(day, due_us))

    def _note_defects(self, done: Done) -> None:
        """Switch the look off, until a reload."""
        for name, details in done.defects.items():
            self._looks.switch_off(name, details)

    def _note_rules(self, done: Done) -> None:
        """Note the rules that failed. The latest day shows if one works again."""
        is_latest = bool(self._at and self._today and self._at >= self._today - timedelta(days=1))
        self._looks.note_parts(LOOK, done.defects, _WITHOUT, may_end=is_latest)
