"""The life of a simulated hive: its disk, its clock, and the runs of the service in it."""

from __future__ import annotations

import gc
import random
import resource
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from clockwork import Clockwork
from run import KEEP_SECONDS, Run
from workers import World

from beemon.config import settings as config
from beemon.orchestrator.halt import Machine
from beemon.storage import space
from beemon.system import processes

HOUR, DAY = 3600.0, 86400.0
CONFIG = """
[hive]
name = "{name}"
latitude = {latitude}
longitude = {longitude}

[archive]
path = "{archive}"

[retention]
min_free = "{min_free}MB"
min_free_inodes = 500
"""
FREE_SHARE = 1 / 16
"""The share of the disk that the config wants to stay free."""


@dataclass
class Seen:
    """What was looked at: how many of each event, the least that was free, memory by the run."""

    events: Counter[str] = field(default_factory=Counter)
    least_free: int = 2**63
    memory: list[int] = field(default_factory=list)


class Life:
    """Plays ``days`` days from ``first_us`` on; what happens in them is a subclass's."""

    zone = ZoneInfo("Europe/Oslo")
    name, latitude, longitude = "tromso", 69.65, 18.96
    keep_seconds = KEEP_SECONDS

    def __init__(
        self, disk: Path, first_us: int, days: float, seed: int, megabytes: int
    ) -> None:
        self.archive = disk / "archive"
        self.archive.mkdir()
        self.seen = Seen()
        self.clock = Clockwork(first_us)
        self._filler = disk / "filler"
        self._megabytes = megabytes
        self._chance = random.Random(seed)
        self._end_us = self.clock.utc_us + round(days * DAY * 1e6)
        self._config = disk / "beemon.toml"
        self._run: Run | None = None

    def play(self) -> None:
        """Event after event until it is over."""
        self._start()
        while self._let_happen():
            pass
        self._running.stop()
        self._look_back()

    @property
    def devices(self) -> str:
        """The rest of the config: the devices, and how they are to be used."""
        raise NotImplementedError

    def make_machine(self) -> Machine:
        """What powers the machine off: nothing does."""
        raise NotImplementedError

    def _let_happen(self) -> bool:
        """Let time pass, and then something happen; False when it is over."""
        raise NotImplementedError

    @property
    def _running(self) -> Run:
        assert self._run is not None
        return self._run

    def _settings(self) -> config.Settings:
        self._config.write_text(self.devices + CONFIG.format(
            name=self.name, latitude=self.latitude, longitude=self.longitude,
            archive=self.archive, min_free=self._megabytes * FREE_SHARE,
        ))
        return config.load(self._config)

    def _start(self) -> None:
        self._look_back()
        self._world = World(self.clock, self._chance, self.seen.events)
        self._run = Run(
            self.archive, self._settings(), self.zone, self._world, self.keep_seconds,
            self.make_machine,
        )

    def _be_away(self, seconds: float, wrong_by: float = 0.0) -> None:
        self.clock.go_on(seconds)
        self.clock.boot(wrong_by)
        self._start()

    def _go_on(self, seconds: float) -> bool:
        """Let the service work for so long; False where the life ends first."""
        until_us = min(self.clock.utc_us + round(seconds * 1e6), self._end_us)
        while self.clock.utc_us < until_us:
            wait = self._running.step()
            self._look()
            self._pass(min(wait, (until_us - self.clock.utc_us) / 1e6 + 0.001))
        return self.clock.utc_us < self._end_us

    def _pass(self, seconds: float) -> None:
        self.clock.go_on(seconds)

    def _look(self) -> None:
        found = space.measure_space(self.archive)
        if not self._filler.exists():
            self.seen.least_free = min(self.seen.least_free, found.free_bytes)

    def _look_back(self) -> None:
        """See what a run holds that has ended; then let go of it, as the end of a process does.

        Its ledger is closed by now. Until then SQLite keeps up to 2 MB of pages for each of four
        connections: that takes days to fill, and begins again with each run.
        """
        if self._run is not None:
            gc.collect()
            self.seen.memory.append(_held_bytes())
            self._run = None


def _held_bytes() -> int:
    """What the process holds, less what its allocator only keeps for later."""
    processes.give_rest_back()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
