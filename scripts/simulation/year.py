"""The year: what befalls the simulated hive, and what is looked at on the way."""

from __future__ import annotations

from pathlib import Path

from life import DAY, HOUR, Life

from beemon.storage import space

HOLIDAY_DAYS = 21.0
DEVICES = """
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


class Year(Life):
    """Plays ``days`` days from the first of January on."""

    def __init__(self, disk: Path, days: float, seed: int, megabytes: int) -> None:
        super().__init__(disk, 1_798_761_600_000_000, days, seed, megabytes)  # 2027-01-01
        self._sound = "5m"
        self._had_holiday = False

    @property
    def devices(self) -> str:
        """With the present schedule of the microphone."""
        return DEVICES.format(sound=self._sound)

    def _let_happen(self) -> bool:
        """Let some days pass, and then let one thing happen."""
        goes_on = self._go_on(self._chance.expovariate(1 / (2 * DAY)))
        if goes_on:
            happening = self._chance.choice(HAPPENINGS)
            self.seen.events[happening.__name__.replace("_", " ")] += 1
            happening(self)
        return goes_on

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


HAPPENINGS = (
    Year.power_cut, Year.power_cut, Year.power_cut_and_a_wrong_clock, Year.restart,
    Year.absence, Year.reload, Year.pause, Year.inspection, Year.inspection,
    Year.foreign_file_fills_the_disk,
)
