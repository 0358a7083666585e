"""A ledger with an account of slots, in a time that the test tells."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from beemon.base import schedule
from beemon.base.clock import Moment, Quality, Stamp
from beemon.base.schedule import Schedule
from beemon.ledger import events, slots
from beemon.ledger.ledger import Ledger
from beemon.ledger.slots import Begin, Due, Series, Skip, Tick

NOON = round(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp() * 1e6)
SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
HOURLY = schedule.describe(Schedule(interval=3600.0), "Europe/Berlin")
MINUTELY = schedule.describe(Schedule(interval=60.0), "Europe/Berlin")


class FakeClock:
    """Noon of 1 June 2026, until the test sets it."""

    def __init__(self) -> None:
        self.utc_us = NOON
        self.quality = Quality.SYNCHRONISED
        self.boot = "a boot"

    def now(self) -> Moment:
        return Moment(self.utc_us, self.utc_us / 1e6 - 1e9)

    def stamp(self) -> Stamp:
        return Stamp(*self.now(), self.quality)

    def boot_id(self) -> str:
        return self.boot


class Book:
    """A ledger, and a clock to write in it by."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.ledger = Ledger(folder, clock=self.clock)
        self.ledger.prepare()

    def start(self, at_us: int, since_us: int | None = None, **definitions: str) -> None:
        """A run that begins its account."""
        self.start_without_account(at_us if since_us is None else since_us)
        self.clock.utc_us = at_us
        devices = {f"sensor.{name}": definition for name, definition in definitions.items()}
        self.enter(Begin(at_us if since_us is None else since_us, at_us, devices))

    def start_without_account(self, at_us: int, quality: Quality = Quality.SYNCHRONISED) -> None:
        self.clock.utc_us, self.clock.quality = at_us, quality
        with self.ledger.transaction():
            self.ledger.begin_run()
        self.clock.quality = Quality.SYNCHRONISED

    def enter(
        self, *changes: slots.Change, due: list[Due] | None = None, accounted_us: int | None = None
    ) -> list[int]:
        tick = Tick(self.clock.stamp(), due or [], list(changes), accounted_us or self.clock.utc_us)
        with self.ledger.transaction():
            return slots.enter(self.ledger, tick)

    def rows(self, what: str) -> list[tuple]:
        return [tuple(row) for row in self.ledger.db.execute(what)]

    @property
    def skips(self) -> list[tuple]:
        return self.rows("SELECT device, reason, first_us, last_us, slots FROM skips")

    @property
    def spans(self) -> list[tuple]:
        return self.rows("SELECT device, from_us, until_us FROM schedules ORDER BY schedule")

    @property
    def unaccounted(self) -> list[tuple]:
        found = events.recent(self.ledger, 9, slots.UNACCOUNTED)
        return [(e.facts["from_us"], e.facts["until_us"], e.facts["why"]) for e in found]


def skip(reason: str, minute: int, count: int = 1) -> Skip:
    """Slots of a minutely sensor that are not run, from so many minutes after noon."""
    first_us = NOON + minute * MINUTE
    return Skip("sensor.a", reason, Series(first_us, first_us + (count - 1) * MINUTE, count))
