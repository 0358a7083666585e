"""Power: the stages that readings bring about, what they hold back, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from beemon.base.readings import Reading
from beemon.base.status import PowerStage, PowerStatus
from beemon.config import settings as config
from beemon.config.settings import Settings
from beemon.ledger import events, readings
from beemon.ledger.looks import Looks
from beemon.ledger.power import KIND
from beemon.orchestrator.inbox import Inbox, Pulse
from beemon.orchestrator.power import Power
from beemon.orchestrator.timetable import Timetable
from tests.book import HOUR, MINUTE, NOON, Book
from tests.hive import STAGES

FULL, SAVING, NO_VIDEO, SENSORS_ONLY = PowerStage
DEVICES = """
[sensor.battery]
driver = "simulated"
schedule = { interval = "1m" }
[sensor.a]
driver = "simulated"
schedule = { interval = "1m" }
[microphone.m]
driver = "simulated"
schedule = { interval = "5m", duration = "60s" }
[camera.c]
driver = "simulated"
schedule = { interval = "10m" }
[camera.idle]
driver = "simulated"
"""
POWER = """
[power]
sensor = "sensor.battery"
quantity = "voltage"
""" + STAGES


class Bench:
    """The power of a hive, over a real ledger, in a time that the test tells."""

    def __init__(self, folder: Path, settings: Settings, book: Book) -> None:
        self.folder, self.book, self.inbox, self.pulse = folder, book, Inbox(), Pulse()
        self.timetable = Timetable(settings.devices, UTC)
        self.power = Power(
            settings, self.timetable, self.write, Looks(self.write), self.inbox, self.pulse,
            book.clock,
        )
        self.timetable.advance(book.clock.stamp())

    def write(self, change: Any, written: Any) -> None:
        with self.book.ledger.transaction():
            written(change(self.book.ledger))

    def take(self, *values: float | None, quantity: str = "voltage") -> PowerStage:
        """Values of the battery, one a minute, as the ledger and then the power get them."""
        for value in values:
            self.book.clock.utc_us += MINUTE
            reason = "timeout" if value is None else None
            at = self.book.clock.stamp()
            reading = Reading("sensor.battery", quantity, "V", value, reason, at)
            with self.book.ledger.transaction():
                job = self.book.ledger.accept("read", "schedule", at)
                readings.keep(self.book.ledger, job, [reading])
            self.power.take([reading])
        return self.power.stage

    def resume(self) -> PowerStage:
        self.power.resume()
        assert self.power.is_resuming
        action = self.inbox.take(0)
        assert action is not None
        action()
        assert not self.power.is_resuming
        return self.power.stage

    def look(self, hours: float) -> None:
        self.book.clock.utc_us += round(hours * HOUR)
        self.power.look(self.book.clock.now().monotonic)

    @property
    def held_back(self) -> list[str]:
        names = ("camera.c", "microphone.m", "sensor.a", "sensor.battery")
        return [name for name in names if self.timetable.held_back(name) == "power"]

    @property
    def said(self) -> list[str]:
        """The events, the oldest first."""
        return [event.message for event in events.recent(self.book.ledger, 99, KIND)][::-1]

    @property
    def troubles(self) -> list[str]:
        return [str(trouble) for trouble in self.power.troubles]




def load(folder: Path, power: str = POWER) -> Settings:
    (folder / "beemon.toml").write_text(DEVICES + power)
    return config.load(folder / "beemon.toml")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    book = Book(tmp_path)
    book.start_without_account(NOON)
    bench = Bench(tmp_path, load(tmp_path), book)
    bench.take(13.0)
    yield bench
    book.ledger.close()


def test_a_full_battery_holds_nothing_back(bench):
    assert bench.take(12.9, 12.8) is FULL
    assert bench.held_back == []
    assert (bench.said, bench.troubles) == ([], [])
    assert bench.power.status() == PowerStatus(
        FULL, "sensor.battery", "voltage", value=12.8, unit="V"
    )


def test_without_the_table_there_is_no_profile(bench):
    bench.power.change(load(bench.folder, ""))
    assert bench.power.status() is None
    assert bench.take(3.0, 3.0, 3.0) is FULL
    bench.power.resume()
    assert not bench.power.is_resuming


def test_each_stage_holds_back_more(bench):
    assert bench.take(12.1, 12.1, 12.1) is SAVING
    assert bench.held_back == []
    assert bench.take(11.9, 11.9, 11.9) is NO_VIDEO
    assert bench.held_back == ["camera.c"]
    assert bench.take(11.7, 11.7, 11.7) is SENSORS_ONLY
    assert bench.held_back == ["camera.c", "microphone.m"]
    assert bench.take(12.6, 12.6, 12.6) is FULL
    assert bench.held_back == []


def test_saving_runs_one_job_of_three_of_all_devices_except_the_sensor_that_decides(bench):
    bench.take(12.1, 12.1, 12.1)
    ran = []
    for _ in range(6):
        bench.book.clock.utc_us += MINUTE
        tick = bench.timetable.advance(bench.book.clock.stamp())
        assert tick is not None
        ran += [word for due in tick.due for word in due.command.split() if "sensor" in word]
    assert (ran.count("sensor.battery"), ran.count("sensor.a")) == (6, 2)


def test_each_change_is_an_event_with_the_value_and_the_threshold(bench):
    bench.take(11.7, 11.7, 11.71, 12.6, 12.6, 12.6)
    assert bench.said == [
        "the power profile is now sensors-only, because sensor.battery voltage is 11.71 V, below "
        "11.8 V",
        "the power profile is now full, because sensor.battery voltage is 12.6 V, above 12.5 V",
    ]
    event = events.recent(bench.book.ledger, 2, KIND)[1]
    assert event.device == "sensor.battery"
    assert event.facts == {
        "stage": "sensors-only", "before": "full", "quantity": "voltage", "value": 11.71,
        "unit": "V", "threshold": 11.8,
    }


def test_status_tells_the_stage_with_its_limits(bench):
    bench.take(11.9, 11.9, 11.9)
    assert bench.power.status() == PowerStatus(
        NO_VIDEO, "sensor.battery", "voltage", value=11.9, unit="V", below=12.0, until=12.4,
        every=3, since="2026-06-01T12:04:00.000Z",
    )
    assert bench.pulse.next_at == 0.0


def test_a_stage_outlasts_a_restart_until_a_value_ends_it(bench):
    bench.take(11.7, 11.7, 11.7)
    again = Bench(bench.folder, load(bench.folder), bench.book)
    assert again.resume() is SENSORS_ONLY
    assert again.held_back == ["camera.c", "microphone.m"]
    assert again.said == bench.said
    assert again.take(12.6, 12.6) is SENSORS_ONLY
    assert again.take(12.6) is FULL


def test_a_battery_that_was_empty_at_the_last_moment_is_not_used_at_full_power(bench):
    bench.take(11.5)
    assert bench.power.stage is FULL
    again = Bench(bench.folder, load(bench.folder), bench.book)
    assert again.resume() is SENSORS_ONLY
    assert len(again.said) == 1


def test_the_first_value_after_a_start_begins_a_stage_at_once(bench):
    again = Bench(bench.folder, load(bench.folder), bench.book)
    assert again.resume() is FULL
    assert again.take(11.5) is SENSORS_ONLY


def test_a_sensor_without_a_value_keeps_the_stage_for_a_time_and_then_no_more(bench):
    bench.take(11.7, 11.7, 11.7, None, None)
    bench.look(5.9)
    assert bench.power.stage is SENSORS_ONLY
    assert bench.troubles == []
    bench.look(0.2)
    assert bench.power.stage is FULL
    assert bench.held_back == []
    assert bench.troubles == [
        "sensor.battery has had no voltage for 6 h, so no power is saved; see what it measures: "
        "beemon readings sensor.battery"
    ]
    assert bench.said[-1] == (
        "the power profile is now full, because sensor.battery has had no voltage for 6 h"
    )
    bench.look(10)
    assert len(bench.said) == 2


def test_a_value_ends_the_silence_and_begins_a_stage_at_once(bench):
    bench.look(7)
    assert bench.troubles != []
    assert bench.said == []
    assert bench.take(11.5) is SENSORS_ONLY
    assert bench.troubles == []


def test_a_silence_is_not_undone_by_a_restart(bench):
    bench.take(11.7, 11.7, 11.7, None)
    bench.look(7)
    again = Bench(bench.folder, load(bench.folder), bench.book)
    assert again.resume() is FULL


def test_a_quantity_that_the_sensor_has_not_is_a_trouble_at_once(bench):
    bench.take(20.0, quantity="temperature")
    assert bench.troubles == [
        "sensor.battery measures no voltage, so the power profile is unknown; see what it "
        "measures: beemon readings sensor.battery; then correct [power] in the config"
    ]
    bench.take(None)
    assert bench.troubles != []
    bench.take(13.0)
    assert bench.troubles == []


def test_other_sensors_decide_nothing(bench):
    at = bench.book.clock.stamp()
    for _ in range(9):
        bench.power.take([Reading("sensor.a", "voltage", "V", 3.0, None, at)])
    assert bench.power.stage is FULL


def test_new_thresholds_count_from_the_next_value(bench):
    assert bench.take(12.3, 12.3, 12.3) is FULL
    higher = POWER.replace("12.2\nuntil = 12.5", "12.4\nuntil = 12.7")
    bench.power.change(load(bench.folder, higher))
    assert bench.power.stage is FULL
    assert bench.take(12.3) is SAVING
    bench.power.change(load(bench.folder))
    assert bench.take(12.55, 12.55) is SAVING
    assert bench.take(12.55) is FULL


def test_a_stage_without_its_table_becomes_the_next_milder_one(bench):
    bench.take(11.7, 11.7, 11.7)
    bench.power.change(load(bench.folder, POWER.partition("[power.no-video]")[0]))
    assert bench.power.stage is SAVING
    assert bench.held_back == []
    assert bench.said[-1] == "the power profile is now saving, because the config changed"


def test_a_config_without_the_table_ends_the_stage(bench):
    bench.take(11.7, 11.7, 11.7)
    bench.power.change(load(bench.folder, ""))
    assert bench.held_back == []
    assert bench.said[-1] == "the power profile is now full, because the config changed"


def test_new_devices_are_held_back_too(bench):
    bench.take(11.7, 11.7, 11.7)
    settings = load(bench.folder, POWER + '[camera.new]\ndriver = "simulated"\n')
    bench.power.change(settings)
    assert bench.timetable.held_back("camera.new") == "power"
    assert len(bench.said) == 1
