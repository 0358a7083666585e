"""A winter on a small solar supply: how many days of it the hive is alive."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import solar
from life import DAY, Life
from solar import Supply
from workers import BATTERY

from beemon.base.moments import US_PER_DAY
from beemon.ledger import completeness
from beemon.ledger.ledger import LedgerReader
from beemon.orchestrator.halt import Machine, Told
from beemon.repair import check

FIRST_US = 1_793_491_200_000_000
"""The first of November 2026."""
DARK_SECONDS = 600.0
"""How long is waited at a time while the machine has no power."""
DEVICES = f"""
[microphone.brood]
driver = "simulated"
[microphone.brood.schedule]
interval = "30m"
duration = "60s"

[camera.entrance]
driver = "simulated"
[camera.entrance.schedule]
window = ["sunrise", "sunset"]
interval = "20m"
duration = "60s"

[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "15m"

[{BATTERY}]
driver = "simulated"
[{BATTERY}.schedule]
interval = "15m"
"""

POWER = f"""
[power]
sensor = "{BATTERY}"
quantity = "voltage"
hold = "30m"
[power.saving]
below = 12.3
until = 12.5
every = 2
[power.no-video]
below = 12.2
until = 12.4
[power.sensors-only]
below = 12.1
until = 12.3
"""
HALT = """
[power.halt]
below = 11.9
rest = "6h"
"""
PROFILES = {"without [power]": "", "with [power]": POWER, "with [power.halt]": POWER + HALT}
"""What the config says of power."""


class Winter(Life):
    """Plays ``days`` days from the first of November on, with ``power`` in the config."""

    zone = ZoneInfo("Europe/Berlin")
    name, latitude, longitude = "solar", solar.LATITUDE, solar.LONGITUDE
    keep_seconds = 600.0

    def __init__(
        self, disk: Path, days: float, seed: int, megabytes: int, supply: Supply, power: str
    ) -> None:
        super().__init__(disk, FIRST_US, days, seed, megabytes)
        self.seconds_on = 0.0
        self.supply, self._power = supply, power
        self._wake_us: int | None = None
        self._is_ordered = False

    @property
    def devices(self) -> str:
        """With its rules about power."""
        return DEVICES + self._power

    def make_machine(self) -> Machine:
        """It is this winter's own."""
        return self

    # What powers the machine off, in the place of systemd-logind

    def may_power_off(self, told: Told) -> None:
        """Allow it."""
        told(None)

    def power_off(self, wake_us: int | None, told: Told) -> None:
        """Take the order; it is carried out when the service has done what is due."""
        told(None)
        self._wake_us, self._is_ordered = wake_us, True

    # The way

    def _let_happen(self) -> bool:
        return self._go_on(DAY)

    def _start(self) -> None:
        super()._start()
        self._world.measure_battery = lambda: self.supply.volts(self._chance)
        self._feed(solar.START_SECONDS, solar.START_WATTS)

    def _pass(self, seconds: float) -> None:
        """Let time pass at what the machine takes, and cut its power when the battery is low."""
        recording = sum(solar.RECORDING_WATTS[kind] for kind in self._world.recording)
        self._feed(seconds, solar.IDLE_WATTS + recording)
        self.seconds_on += seconds
        self.clock.go_on(seconds)
        if self.supply.is_low:
            self.seen.events["brown-out"] += 1
            self._running.lose_power()
            self._wait_for_power()
        elif self._is_ordered:
            self.seen.events["halt"] += 1
            self._running.stop()
            self._sleep()

    def _sleep(self) -> None:
        """Wait for the alarm, or for an empty battery to recover."""
        self._is_ordered = False
        until_us = min(self._wake_us or self._end_us, self._end_us)
        while not self.supply.is_low and self.clock.utc_us < until_us:
            seconds = min(DARK_SECONDS, (until_us - self.clock.utc_us) / 1e6)
            self._feed(seconds, solar.ASLEEP_WATTS)
            self.clock.go_on(seconds)
        if self.supply.is_low:
            self.seen.events["battery empty while asleep"] += 1
            self._wait_for_power()
        else:
            self.clock.boot()
            self._start()

    def _wait_for_power(self) -> None:
        while not self.supply.is_recovered and self.clock.utc_us < self._end_us:
            self._feed(DARK_SECONDS, 0.0)
            self.clock.go_on(DARK_SECONDS)
        self.clock.boot()  # right: the HAT that watches the battery has a clock, too
        self._start()

    def _feed(self, seconds: float, watts: float) -> None:
        self.supply.pass_time(self.clock.utc_us, seconds, watts)


class Outcome:
    """What became of a winter: looked up in the archive that it left."""

    def __init__(self, winter: Winter) -> None:
        reader = LedgerReader(winter.archive)
        moments = _moments_done(reader)
        self.completeness = completeness.of(reader)
        reader.close()
        self.findings = check.check(winter.archive).findings
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        self.rows = {
            "days alive (with a slot done)": str(len({us // US_PER_DAY for us in moments})),
            "days switched on": f"{winter.seconds_on / DAY:.1f}",
            "longest silence, in days": f"{max(gaps) / US_PER_DAY:.2f}",
            "brown-outs": str(winter.seen.events["brown-out"]),
            "clean halts": str(winter.seen.events["halt"]),
            "watt-hours used": f"{winter.supply.given:.0f}",
            "watt-hours from the sun": f"{winter.supply.gained:.0f}",
        }
        for name, counts in self.completeness.devices.items():
            self.rows[f"slots done, {name}"] = f"{counts.done} of {counts.due}"


def _moments_done(reader: LedgerReader) -> list[int]:
    """The moments, in microseconds, of the slots that were done, in their order."""
    rows = reader.db.execute(
        "SELECT slot_us FROM jobs WHERE outcome = 'done' AND slot_us IS NOT NULL ORDER BY slot_us"
    )
    return [slot_us for (slot_us,) in rows]
