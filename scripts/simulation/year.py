"""The year: what befalls the simulated hive, and what is looked at on the way."""

from __future__ import annotations

import ctypes
import gc
import random
import resource
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from clockwork import Clockwork
from run import Run
from workers import World

from beemon.config import settings as config
from beemon.storage import space

ZONE = ZoneInfo("Europe/Oslo")
HOUR, DAY = 3600.0, 86400.0
HOLIDAY_DAYS = 21.0
FREE_SHARE = 1 / 16
"""The share of the disk that the config wants to stay free."""
CONFIG = """
[hive]
name = "tromso"
latitude = 69.65
longitude = 18.96

[archive]
path = "{archive}"

[retention]
min_free = "{min_free}MB"
min_free_inodes = 500

[microphone.brood]
driver = "simulated"
[microphone.brood.schedule]
interval = "{sound}"
duration = "60s"

[camera.entrance]
driver = "simulated"
[camera.entrance.schedule]
window = ["sunrise-30m", "sunset+30m"]
interval = "10m"
duration = "30s"

[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "5m"

[sensor.outside]
driver = "simulated"
[sensor.outside.schedule]
window = ["03:00", "02:30"]
interval = "15m"
"""


@dataclass
class Seen:
    """What was looked at: how many of each event, the least that was free, memory by the run."""

    events: Counter[str] = field(default_factory=Counter)
    least_free: int = 2**63
    memory: list[int] = field(default_factory=list)


class Year:
    """Plays ``days`` days from the first of January on."""

    def __init__(self, disk: Path, days: float, seed: int, megabytes: int) -> None:
        self.archive = disk / "archive"
        self.archive.mkdir()
        self.seen = Seen()
        self.clock = Clockwork(1_798_761_600_000_000)  # 2027-01-01
        self._filler = disk / "filler"
        self._megabytes = megabytes
        self._chance = random.Random(seed)
        self._end_us = self.clock.utc_us + round(days * DAY * 1e6)
        self._config = disk / "beemon.toml"
        self._sound = "5m"
        self._run: Run | None = None
        self._had_holiday = False

    def play(self) -> None:
        """Event after event until the year is over."""
        self._start()
        while self._go_on(self._chance.expovariate(1 / (2 * DAY))):
            happening = self._chance.choice(HAPPENINGS)
            self.seen.events[happening.__name__.replace("_", " ")] += 1
            happening(self)
        self._running.stop()
        self._look_back()

    # What happens

    def power_cut(self) -> None:
        """It comes while a recording has begun."""
        self._running.take("record microphone.brood 60")
        self._go_on(self._chance.uniform(1, 30))
        self._running.lose_power()
        self._be_away(self._chance.uniform(10, HOUR))

    def power_cut_and_a_wrong_clock(self) -> None:
        """No battery clock: the machine wakes up in the past, and learns the time later."""
        self._running.lose_power()
        wrong_by = self._chance.choice((HOUR, 57 * 365 * DAY))
        self._be_away(self._chance.uniform(10, DAY), wrong_by)
        self._go_on(self._chance.uniform(30, 6 * HOUR))
        self.clock.synchronise()

    def restart(self) -> None:
        """In order, as an upgrade does it."""
        self._running.stop()
        self._start()

    def absence(self) -> None:
        """Switched off for days; once for weeks."""
        self._running.stop()
        days = 3.0 if self._had_holiday else HOLIDAY_DAYS
        self._had_holiday = True
        self._be_away(self._chance.uniform(0.5, 1) * days * DAY)

    def reload(self) -> None:
        """With another schedule."""
        self._sound = "10m" if self._sound == "5m" else "5m"
        self._running.reload(self._settings())

    def pause(self) -> None:
        """Somebody says `stop camera.entrance`, and `start` later."""
        self._running.take("stop camera.entrance")
        self._go_on(self._chance.uniform(60, DAY))
        self._running.take("start camera.entrance")

    def inspection(self) -> None:
        """The beekeeper is at the hive."""
        self._running.take("inspection begin")
        self._go_on(self._chance.uniform(60, 2 * HOUR))
        self._running.take("inspection end")

    def foreign_file_fills_the_disk(self) -> None:
        """Somebody's copy: all that retention may give up is not enough."""
        free = space.measure_space(self.archive).free_bytes
        with self._filler.open("wb") as file:
            file.write(b"\0" * int(free * 0.9))
        for _ in range(24):
            grown = self._filler.stat().st_size
            self._go_on(HOUR)
            more = max(0, space.measure_space(self.archive).free_bytes - 4_000_000)
            with self._filler.open("ab") as file:
                file.write(b"\0" * more)
            if self._filler.stat().st_size == grown:
                break
        self._go_on(6 * HOUR)
        self._filler.unlink()

    # The way

    @property
    def _running(self) -> Run:
        assert self._run is not None
        return self._run

    def _settings(self) -> config.Settings:
        free = self._megabytes * FREE_SHARE
        self._config.write_text(
            CONFIG.format(archive=self.archive, sound=self._sound, min_free=free)
        )
        return config.load(self._config)

    def _start(self) -> None:
        self._look_back()
        self._world = World(self.clock, self._chance, self.seen.events)
        self._run = Run(self.archive, self._settings(), ZONE, self._world)

    def _be_away(self, seconds: float, wrong_by: float = 0.0) -> None:
        self.clock.go_on(seconds)
        self.clock.boot(wrong_by)
        self._start()

    def _go_on(self, seconds: float) -> bool:
        """Let the service work for so long; False where the year ends first."""
        until_us = min(self.clock.utc_us + round(seconds * 1e6), self._end_us)
        while self.clock.utc_us < until_us:
            wait = self._running.step()
            self._look()
            self.clock.go_on(min(wait, (until_us - self.clock.utc_us) / 1e6 + 0.001))
        return self.clock.utc_us < self._end_us

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


HAPPENINGS = (
    Year.power_cut, Year.power_cut, Year.power_cut_and_a_wrong_clock, Year.restart,
    Year.absence, Year.reload, Year.pause, Year.inspection, Year.inspection,
    Year.foreign_file_fills_the_disk,
)


def _held_bytes() -> int:
    """What the process holds, less what its allocator only keeps for later (malloc_trim(3))."""
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
