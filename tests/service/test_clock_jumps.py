"""Clocks that jump: the real timetable and the real account, in a time that the test tells.

Each example is a hive's life of a hundred jumps: the clock is set to 1970 or half a century ahead,
back by a year, by an hour (as a clock in local time is when summer begins or ends), to a leap day,
to the end of 32-bit time; the service is restarted and the machine is; and in between slots come.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beemon.base.clock import Moment, Quality, Stamp
from beemon.config import settings as config
from beemon.ledger import completeness, counts, slots
from beemon.ledger.ledger import Ledger
from beemon.orchestrator.timetable import LATE_SECONDS, Timetable

LIVES, JUMPS = 100, 100  # 10,000 jumps
DEVICES = """
[sensor.minutes]
driver = "simulated"
schedule = { interval = "1m" }
[sensor.days]
driver = "simulated"
schedule = { interval = "5m", window = ["05:00", "22:00"] }
[microphone.nights]
driver = "simulated"
schedule = { interval = "1h", duration = "60s", window = ["21:00", "04:00"] }
[camera.daily]
driver = "simulated"
schedule = { interval = "1d", window = ["02:30", "03:30"] }
"""
DEVICES_BY_THE_SUN = """
[hive]
latitude = 69.65  # the sun does not set in June, and does not rise in December
longitude = 18.96
[sensor.minutes]
driver = "simulated"
schedule = { interval = "1m" }
[sensor.days]
driver = "simulated"
schedule = { interval = "5m", window = ["sunrise-30m", "sunset+30m"] }
[microphone.nights]
driver = "simulated"
schedule = { interval = "1h", duration = "60s", window = ["sunset", "04:00"] }
"""
YEAR = 365 * 86400.0
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
PLACES_IN_TIME = [
    datetime.fromisoformat(text).timestamp()
    for text in (
        "1970-01-01T00:00:00Z", "2000-01-01T00:00:00Z",
        "2026-03-29T00:58:30Z", "2026-10-25T00:58:30Z",  # DST begins and ends at 01:00 UTC
        "2028-02-28T22:58:30Z", "2028-02-29T22:58:30Z", "2027-12-31T22:58:30Z",
        "2038-01-19T03:13:00Z", "2106-02-07T06:27:00Z",
    )
]
SPANS = [50 * YEAR, -YEAR, YEAR, 3600.0, -3600.0, 86400.0, -86400.0, 59.0, -59.0, 60.0, -60.0,
         5.0, -5.0, 0.7, -0.7]
JUMP = (
    st.tuples(st.just("to"), st.sampled_from(PLACES_IN_TIME))
    | st.tuples(st.just("by"), st.sampled_from(SPANS) | st.floats(-4000, 4000))
    | st.tuples(st.just("restart"), st.sampled_from([1.0, 90.0, 86400.0, YEAR]))
    | st.tuples(st.just("boot"), st.sampled_from([20.0, 7200.0]))
    | st.tuples(st.just("right"), st.sampled_from([0.0, 100.0, YEAR]))
)
STEPS = st.lists(
    st.tuples(JUMP, st.floats(1, 150)), min_size=JUMPS, max_size=JUMPS
)


class Life:
    """A hive that lives by a clock which jumps. The machine's own time goes on evenly."""

    def __init__(self, folder: Path, devices: str) -> None:
        (folder / "beemon.toml").write_text(devices)
        self.devices = config.load(folder / "beemon.toml").devices
        self.ledger = Ledger(folder, clock=self)
        self.ledger.prepare()
        self.ledger.db.execute("PRAGMA synchronous=OFF")  # no power cut here
        self.wall, self.uptime, self.boots = NOON, 100.0, 1
        self.age = 0.0
        self.quality = Quality.SYNCHRONISED
        self.jumps = 0
        self.ran: list[Ran] = []
        self.minute_at = 0.0
        self.start()

    # The clock that the ledger looks at

    def now(self) -> Moment:
        return Moment(round(self.wall * 1e6), self.uptime)

    def stamp(self) -> Stamp:
        return Stamp(*self.now(), self.quality)

    def boot_id(self) -> str:
        return f"boot {self.boots}"

    # What happens

    def start(self) -> None:
        with self.ledger.transaction():
            self.ledger.begin_run()
        self.timetable = Timetable(self.devices, ZoneInfo("Europe/Berlin"))

    def jump(self, how: str, amount: float) -> None:
        self.jumps += 1
        if how == "to":
            self.wall = amount
        else:
            self.wall = max(0.0, self.wall + amount)
        if how == "right":
            self.quality = Quality.SYNCHRONISED
        if how in ("restart", "boot"):
            self.age, self.uptime = self.age + amount, self.uptime + amount
            if how == "boot":
                self.boots, self.uptime, self.quality = self.boots + 1, 10.0, Quality.UNSURE
            self.start()
        self.minute_at = self.age
        self.look()

    def live(self, seconds: float) -> None:
        """Let time pass, as the Orchestrator does: until the next slot, or the end."""
        while seconds > 0:
            step = min(seconds, self.timetable.seconds_to_next(self.now()) or 0.001)
            seconds -= step
            self.wall, self.uptime, self.age = self.wall + step, self.uptime + step, self.age + step
            self.look()

    def look(self) -> None:
        tick = self.timetable.advance(self.stamp())
        if tick is not None:
            with self.ledger.transaction():
                slots.enter(self.ledger, tick)
            self.check(tick)
        assert self.age - self.minute_at <= 2 * 60 + 1, "off by more than an interval"

    def check(self, tick: slots.Tick) -> None:
        for change in tick.changes:
            if isinstance(change, slots.Skip):
                first_us, last_us, count = change.series
                assert count > 0
                assert first_us <= last_us <= tick.at.utc_us
                self.dealt_with([change.device])
        for due in tick.due:
            self.dealt_with(counts.devices_of(due.command))
            if due.slot_us is not None:
                late_us = tick.at.utc_us - due.slot_us
                assert 0 <= late_us <= LATE_SECONDS * 1e6
                self.ran.append(Ran(due.command, due.slot_us, self.age, self.jumps))

    def dealt_with(self, devices: list[str]) -> None:
        if "sensor.minutes" in devices:
            self.minute_at = self.age


class Ran(NamedTuple):
    """A slot that was run: at which age of the hive, and after how many jumps."""

    command: str
    slot_us: int
    age: float
    jumps: int


def check_that_none_came_twice(life: Life) -> None:
    """A clock that is set once makes no slot due again within the interval."""
    latest: dict[tuple[str, int], Ran] = {}
    for ran in life.ran:
        for device in counts.devices_of(ran.command):
            before = latest.get((device, ran.slot_us))
            if before and ran.jumps <= before.jumps + 1:
                interval = life.devices[device].schedule.interval
                assert ran.age - before.age >= interval - LATE_SECONDS
            latest[device, ran.slot_us] = ran


def check_the_spans(life: Life) -> None:
    """No span ends before it begins, and a device has one that is open, at the most."""
    rows = life.ledger.db.execute("SELECT * FROM schedules").fetchall()
    assert all(row["until_us"] is None or row["until_us"] >= row["from_us"] for row in rows)
    still_open = [row["device"] for row in rows if row["until_us"] is None]
    assert len(still_open) == len(set(still_open))


def check_life(devices: str, steps: list[tuple[tuple[str, float], float]]) -> None:
    """Live through these steps; all slots are recorded, each once."""
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder), devices)
        for (how, amount), seconds in steps:
            life.jump(how, amount)
            life.live(seconds)
        account = completeness.of(life.ledger)
        check_the_spans(life)
        life.ledger.close()
    check_that_none_came_twice(life)
    assert account.adds_up, account


@pytest.mark.timeout(600)  # of a machine that has much else to do; by itself it takes 15 s
@settings(max_examples=LIVES, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_every_slot_is_accounted_for_once_however_the_clock_jumps(steps):
    check_life(DEVICES, steps)


@settings(max_examples=LIVES // 20, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_windows_by_the_sun_bear_it_too(steps):
    check_life(DEVICES_BY_THE_SUN, steps)
