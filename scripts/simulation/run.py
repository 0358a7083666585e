"""One run of the service in the simulated year: what is real, and what is played.

Timetable, ledger, slots, housekeeping, keeper, the names of recordings and the write that a power
cut cannot tear are beemon's own. What a worker would do is played: a recording is as many random
bytes as its length asks for, and the sensors are the simulated hive's.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from clockwork import Clockwork

from beemon.base import outcomes
from beemon.base.clock import Stamp
from beemon.base.outcomes import Ending
from beemon.base.readings import Reading
from beemon.config.settings import RECORDERS, Settings
from beemon.devices.sensors.simulated import QUANTITIES
from beemon.ledger import readings as series
from beemon.ledger import recordings as catalog
from beemon.ledger import recovery, slots
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.ledger.slots import Tick
from beemon.orchestrator.clock_watch import ClockKeeper
from beemon.orchestrator.timetable import Timetable
from beemon.retention.keeper import Keeper, Room
from beemon.storage import files as recordings

BYTES_A_SECOND = {"camera": 4000, "microphone": 1000}
"""A hundredth and less of what real ones write: the disk is so much smaller, too."""
KEEP_SECONDS = 60.0
"""How often the keeper looks; its thread does so more often, and at once when the disk is full."""
FAILURES = (("timeout", 0.003), ("device-error", 0.002), ("check-failed", 0.001))


class Run:
    """The service from a start to a stop, or to a power cut."""

    def __init__(
        self, archive: Path, settings: Settings, zone: tzinfo, clock: Clockwork,
        chance: random.Random,
    ) -> None:
        self.clock = clock
        self.room = Room()
        self._settings, self._chance = settings, chance
        self._ledger = Ledger(archive, clock=clock)
        self._ledger.prepare()
        with self._ledger.transaction():
            self._ledger.begin_run()
            recovery.close_earlier_runs(self._ledger)
        self.timetable = Timetable(settings.devices, zone)
        self._housekeeping = ClockKeeper(self._write, Looks(self._write), clock.stamp())
        recorders = [name for name in settings.devices if name.split(".")[0] in RECORDERS]
        self._keeper = Keeper(
            archive, settings.retention, recorders, self._transaction, self._see
        )
        self._next_keep = 0.0

    def end(self) -> None:
        """Stop, in order or not: what was committed is kept either way."""
        self._keeper.close()
        self._ledger.close()

    def reload(self, settings: Settings) -> None:
        """Take over other settings."""
        self._settings = settings
        self.timetable.change(settings.devices, self.clock.stamp())

    def step(self) -> float:
        """Do what is due; return the seconds until there is more to do."""
        now = self.clock.stamp()
        if tick := self.timetable.advance(now):
            self._carry_out(tick)
        self._housekeeping.look(now)
        if now.monotonic >= self._next_keep:
            self._next_keep = now.monotonic + KEEP_SECONDS
            while self._keeper.round():
                pass
        wait = self.timetable.seconds_to_next(now)
        return KEEP_SECONDS if wait is None else min(max(wait, 0.001), KEEP_SECONDS)

    def cut_at_work(self) -> None:
        """A power cut while a recording is begun: its file has no byte yet, or its last name."""
        place = self._place("microphone.brood", ".flac")
        with self._ledger.transaction():
            job = self._ledger.accept("record microphone.brood 60", "127.0.0.1:1")
            self._ledger.begin(job, "microphone.brood", place)
        place.temporary.touch()
        self.end()

    def _carry_out(self, tick: Tick) -> None:
        with self._ledger.transaction():
            jobs = slots.enter(self._ledger, tick)
        for due, job in zip(tick.due, jobs, strict=True):
            verb, *words = due.command.split()
            if verb == "read":
                self._read(job, words)
            else:
                self._record(job, words[0], float(words[1]) if len(words) > 1 else 1.0)

    def _read(self, job: int, sensors: list[str]) -> None:
        at = self.clock.stamp()
        seconds = at.utc_us / 1e6
        readings = [
            self._reading(sensor, quantity, number, seconds, at)
            for number, sensor in enumerate(sensors)
            for quantity in QUANTITIES
        ]
        with self._ledger.transaction():
            series.keep(self._ledger, job, readings)
            self._ledger.end(job, outcomes.done(readings={}))

    def _reading(
        self, sensor: str, quantity: str, seed: int, seconds: float, at: Stamp
    ) -> Reading:
        measure, unit = QUANTITIES[quantity]
        return Reading(sensor, quantity, unit, measure(seed, seconds), None, at)

    def _record(self, job: int, device: str, seconds: float) -> None:
        kind = device.split(".")[0]
        place = self._place(device, ".flac" if kind == "microphone" else ".mp4")
        with self._ledger.transaction():
            self._ledger.begin(job, device, place)
        ending, keep = self._try(job, device, place, round(seconds * BYTES_A_SECOND[kind]), seconds)
        with self._ledger.transaction():
            keep(self._ledger)
            self._ledger.end(job, ending)

    def _try(
        self, job: int, device: str, place: recordings.Place, size: int, seconds: float
    ) -> tuple[Ending, Callable[[Ledger], Any]]:
        for reason, share in FAILURES:
            if self._chance.random() < share:
                return outcomes.failed(reason), lambda _: None
        at = self.clock.stamp()
        try:
            place.temporary.write_bytes(os.urandom(size))
            kept, sha256 = recordings.keep(place)
        except OSError as error:
            place.temporary.unlink(missing_ok=True)
            self._next_keep = 0.0
            return outcomes.failed("disk-full", str(error)), lambda _: None
        facts = {
            "size": kept, "sha256": sha256, "seconds": seconds, "clock": at.quality,
            "start_utc_us": at.utc_us, "start_monotonic": at.monotonic,
        }
        path = self._ledger.relative(place.final)
        enter = partial(catalog.enter, job=job, device=device, path=place.final, facts=facts)
        return outcomes.done(recording=path), enter

    def _place(self, device: str, suffix: str) -> recordings.Place:
        return recordings.place(
            self._ledger.archive, self._settings.hive.name, device, suffix,
            self.clock.now().utc_us, partial(catalog.is_taken, self._ledger),
        )

    def _see(self, room: Room) -> None:
        self.room = room
        self.timetable.hold_back("low-disk", room.paused)

    def _write(self, write: Callable[[Ledger], Any], written: Callable[[Any], None]) -> None:
        written(self._transaction(write))

    def _transaction(self, write: Callable[[Ledger], Any]) -> Any:
        with self._ledger.transaction() as ledger:
            return write(ledger)
