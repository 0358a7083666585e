"""Counting: when the bees in videos are counted, and the entry of their numbers in the ledger.

The archive's worker counts them at idle priority, one video after the other, the newest first. A
day's CPU time for it is limited. A video that had to wait for a day is not counted any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from beemon.base.clock import Clock, Stamp
from beemon.base.facts import JsonObject, from_json
from beemon.base.moments import US_PER_DAY
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.archive_worker import ArchiveWorker, Chore
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.rounds import Rounds
from beemon.storage.files import Place
from beemon.worker.messages import Done, Work
from beemon.worker.worker import COUNT

if TYPE_CHECKING:
    from beemon.ledger.uncounted import Video

LOOK = "counting"
"""The name of its look at the data."""
LOOK_SECONDS = 300.0
"""Time between two looks, in seconds."""
DAY_SECONDS = 86_400.0
CPU_SECONDS = 3600.0
"""The CPU time for each day, in seconds; it accrues evenly."""
MOST_SAVED = CPU_SECONDS / 2
"""The most CPU time that can be saved, in seconds: that of a night without videos."""
LONGEST_SECONDS = 120.0
"""The longest video to count, in seconds: other work for the archive has to wait meanwhile."""
CHORE_SECONDS = 900.0
"""Maximum time for one video, in seconds, on a machine that has other things to do."""
PAST_US = 8 * US_PER_DAY
"""The age from which on nothing is entered about an uncounted video."""


class Counting:
    """Has bees counted by ``chores``; ``write`` has something written to the ledger."""

    def __init__(
        self,
        in_force: InForce,
        chores: ArchiveWorker,
        write: Callable[[Write, Written], None],
        looks: Looks,
        inbox: Inbox,
        clock: Clock,
    ) -> None:
        self._in_force, self._chores = in_force, chores
        self._write, self._looks = write, looks
        self._inbox, self._clock = inbox, clock
        self._rounds = Rounds(looks, LOOK, LOOK_SECONDS)
        self._saved = 0.0
        self._saved_at = clock.now().monotonic
        self._is_at_work = False

    def look(self, now: Stamp) -> None:
        """See what is due; called with each heartbeat."""
        if self._rounds.are_due(now) and not self._is_at_work:
            self._look()

    def _look(self) -> None:
        """Give up what had to wait for too long, and begin with the next video."""
        cameras = self._in_force.settings.counting_cameras
        self._is_at_work = bool(cameras) and self._looks.is_on(LOOK)
        if not self._is_at_work:
            return
        now_us, may_count = self._clock.now().utc_us, self._save() >= 0
        day_us = now_us - US_PER_DAY

        def look(ledger: Ledger) -> Video | None:
            from beemon.ledger import uncounted  # READY does not wait for it

            uncounted.give_up(ledger, cameras, now_us - PAST_US, day_us)
            if not may_count:
                return None
            return uncounted.find_newest(ledger.db, cameras, day_us, now_us, LONGEST_SECONDS)

        self._write(self._looks.within(LOOK, look, None), self._inbox.forward(self._begin))

    def _save(self) -> float:
        """The CPU time that is there now, in seconds; below 0, too much was spent."""
        now = self._clock.now().monotonic
        accrued = (now - self._saved_at) * CPU_SECONDS / DAY_SECONDS
        self._saved_at, self._saved = now, min(MOST_SAVED, self._saved + accrued)
        return self._saved

    def _begin(self, video: Video | None) -> None:
        camera = self._in_force.settings.devices.get(video.camera) if video else None
        if video is None or camera is None:
            self._is_at_work = False
            return
        path = self._in_force.settings.archive_path / video.path
        work = Work(0, video.camera, COUNT, place=Place(path, path),
                    bee_length=camera.counting.bee_length)
        self._chores.add_idle([Chore(
            f"the bees of {video.path}", work, CHORE_SECONDS,
            lambda done: self._take(video, done), lambda: self._enter(video, None, CHORE_SECONDS),
        )])

    def _take(self, video: Video, done: Done) -> None:
        for name, details in done.defects.items():
            self._looks.switch_off(name, details)
        if done.defects:
            self._is_at_work = False
            return
        found, cpu = done.facts.get("bees"), done.facts.get("cpu")
        bees = found if isinstance(found, dict) else None
        self._enter(video, bees, cpu if isinstance(cpu, float) else CHORE_SECONDS)

    def _enter(self, video: Video, bees: JsonObject | None, cpu: float) -> None:
        self._saved -= cpu

        def enter(ledger: Ledger) -> None:
            from beemon.ledger import uncounted

            found = None if bees is None else from_json(uncounted.Bees, bees)
            uncounted.enter(ledger, video, found)

        again = self._inbox.forward(lambda _: self._look())
        self._write(self._looks.within(LOOK, enter, None), again)
