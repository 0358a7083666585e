"""The Orchestrator's loop: it does one action of the inbox after the other, and waits for nothing
else. Hardware waits in the workers, the card in the ledger's writer thread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from beemon.orchestrator.clock_watch import ClockKeeper
from beemon.orchestrator.desk import Desk
from beemon.orchestrator.dispatcher import Dispatcher
from beemon.orchestrator.inbox import HEARTBEAT_SECONDS, RESTING_SECONDS
from beemon.orchestrator.slots import SlotRunner
from beemon.orchestrator.status import Status
from beemon.protocol.reports import Started

STOP_SECONDS = 6.0
"""Time in seconds for open recordings to end properly at a stop."""

INSIGHTS_SECONDS = 10.0
"""Time after a start, in seconds, until days without findings are looked for."""


class Thread(Protocol):
    """A thread that works beside the loop."""

    def start(self) -> None:
        """Begin."""

    def finish(self) -> None:
        """Begin nothing more."""


class Loop:
    """Turns until it is stopped. ``threads`` work beside it, and are the process's to start.

    Once nothing is under way it looks at the time only when something falls due, and at least every
    ``resting_seconds``.
    """

    def __init__(
        self,
        desk: Desk,
        dispatcher: Dispatcher,
        slots: SlotRunner,
        status: Status,
        clock_keeper: ClockKeeper,
        threads: Sequence[Thread] = (),
        resting_seconds: float = RESTING_SECONDS,
    ) -> None:
        self.threads = threads
        self.desk, self._dispatcher, self._slots = desk, dispatcher, slots
        self._status, self._clock_keeper = status, clock_keeper
        self._resting_seconds = max(HEARTBEAT_SECONDS, resting_seconds)
        self._is_at_rest = False
        self._stop_at: float | None = None
        self._look_again = 0.0
        self._insights_from = math.inf

    def start(self) -> None:
        """Employ the workers, and report that the service runs."""
        desk = self.desk
        self._insights_from = desk.clock.now().monotonic + INSIGHTS_SECONDS
        desk.load_calibrations()
        desk.inspections.resume()
        desk.power.resume()
        desk.leftovers.look()
        desk.live.clear()
        desk.employ_workers()
        self._heartbeat(desk.clock.now().monotonic)
        desk.report(Started())
        desk.tell_plan()

    def take(self, command: str | None) -> None:
        """Carry out a command off the Server's queue; None means stop."""
        if command is None:
            self._begin_stop()
        else:
            self._dispatcher.take(command)

    def turn(self) -> None:
        """Do the next action, or what the time asks for, whichever is earlier."""
        wait = self._look_again - self.desk.clock.now().monotonic
        if action := self.desk.inbox.take(wait):
            action()
        now = self.desk.clock.now().monotonic
        due = self._tick(now)
        self._look_again = min(due, self._heartbeat(now))

    @property
    def is_over(self) -> bool:
        """Whether it was stopped, and everything has come to its end."""
        if self._stop_at is None:
            return False
        desk = self.desk
        if desk.clock.now().monotonic > self._stop_at + 1.0:
            return True  # what is left does not even die of SIGKILL
        entering = self._dispatcher.is_entering or self._slots.is_writing
        open_jobs = desk.jobs.jobs or (entering and not self._status.writing.trouble)
        return not open_jobs and desk.workers.is_idle and desk.leftovers.is_idle

    def _tick(self, now: float) -> float:
        """Do what the time asks for; return when to look again."""
        desk, workers = self.desk, self.desk.workers
        times = [*workers.tick(now), *desk.leftovers.tick(now)]
        if self._stop_at is None:
            workers.try_next(now)
            times += workers.open_ahead(now, desk.seconds_to_use)
        times += workers.let_rest(now, desk.seconds_to_use)
        if self._stop_at is None:
            times.append(now + self._slots.look(desk.clock.stamp()))
        elif now >= self._stop_at:
            workers.kill(now)
        return min(times, default=math.inf)

    def _heartbeat(self, now: float) -> float:
        """Report how everything stands, if that is due; return when it is due next."""
        desk = self.desk
        was_at_rest, self._is_at_rest = self._is_at_rest, self._rests(now)
        desk.keeper.is_resting = self._is_at_rest
        if self._is_at_rest and not was_at_rest:
            desk.pulse.hurry()
        seconds = self._resting_seconds if self._is_at_rest else HEARTBEAT_SECONDS
        if desk.pulse.beats(now, seconds):
            desk.power.look(now)
            desk.end_live_views()
            self._clock_keeper.look(desk.clock.stamp())
            desk.scales.look_for_steps(desk.clock.stamp())
            if now >= self._insights_from:
                desk.insights().look(desk.clock.stamp())
                if desk.in_force.settings.counting_cameras:
                    desk.counting().look(desk.clock.stamp())
            # Last, so that the thread that sends it need not wait until this one lets it run.
            desk.report(self._status.heartbeat(now))
        return desk.pulse.next_at

    def _rests(self, now: float) -> bool:
        """Whether nothing is under way: all that comes next has its time, or comes by the inbox."""
        desk = self.desk
        is_busy = desk.jobs.jobs or desk.inspections.inspection.is_on or self._slots.is_writing
        is_ill = self._stop_at is not None or self._status.writing.trouble
        is_still = desk.workers.are_at_rest(now) and desk.leftovers.is_idle
        return is_still and not is_busy and not is_ill

    def _begin_stop(self) -> None:
        desk = self.desk
        desk.leftovers.finish()
        self._dispatcher.is_stopping = True
        self._stop_at = desk.clock.now().monotonic + STOP_SECONDS
        for job in list(desk.jobs.jobs.values()):
            job.cut = "stopping"
        desk.workers.finish("stopping")
