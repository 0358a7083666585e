"""Findings about the colony, made and entered by the real service."""

from __future__ import annotations

import contextlib
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.finding import FIRST, Finding
from beemon.base.moments import iso, to_microseconds
from beemon.base.readings import Reading
from beemon.insights.day import RULES
from beemon.ledger import finding_days, readings
from beemon.ledger.finding_days import Looked
from beemon.ledger.ledger import Ledger
from tests.hive import Hive, until
from tests.service.test_looks import assert_it_records, defects

DEVICES = """
nest = "sensor.brood"
[microphone.brood]
driver = "simulated"
speed = 20
[sensor.brood]
driver = "simulated"
"""
PLANT = """
from beemon.insights import day
def planted(_):
    raise TypeError("planted")
day.RULES = dict.fromkeys(day.RULES, planted)
"""

PATIENCE_SECONDS = 500.0
"""Longer than elsewhere, because other tests keep the processor from work of idle priority."""

pytestmark = pytest.mark.timeout(1200)


class InsightHive(Hive):
    """A service that has measured the nest, each half-hour of the three days before today."""

    def __init__(self, folder: Path, **environment: str) -> None:
        runtime = folder / "runtime"
        runtime.mkdir()
        (runtime / "clock-is-synchronised").touch()
        super().__init__(folder, DEVICES, RUNTIME_DIRECTORY=str(runtime), **environment)
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.days = [today - timedelta(days=n) for n in (3, 2, 1)]

    def write(self, devices: str, port: int | None = None) -> None:
        super().write("", port)
        text = self.config.read_text()
        options, _, tables = devices.partition("[microphone")
        self.config.write_text(
            text.replace('"test-hive"\n', f'"test-hive"\n{options}') + f"[microphone{tables}"
        )

    def measure(self) -> None:
        """Enter the readings of the past, if they are not there yet."""
        begin = to_microseconds(self.days[0])
        found = [
            Reading("sensor.brood", "temperature", "°C", 35.0, None,
                    Stamp(begin + n * 1_800_000_000, 1.0, Quality.SYNCHRONISED))
            for n in range(len(self.days) * 48)
        ]
        ledger = Ledger(self.archive)
        with ledger.transaction():
            ledger.begin_run()
            readings.keep(ledger, 1, found)
        ledger.close()

    def sums(self) -> dict[str, Any]:
        """The sums that were entered, by their days."""
        found = self.ask("events 60d finding")["events"]
        return {each["facts"]["date"]: each for each in found if each["facts"]["kind"] == "day"}


@pytest.fixture
def past(tmp_path: Path) -> InsightHive:
    """A service that was stopped, with readings of the days before."""
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    hive = InsightHive(tmp_path, PYTHONPATH=path)
    hive.start()
    assert hive.stop() == 0
    hive.measure()
    return hive


def is_over(day: datetime) -> bool:
    """Whether the night after a day is over."""
    return datetime.now(UTC) > day + timedelta(hours=30, minutes=6)


def test_days_that_were_missed_get_their_findings_once(past: InsightHive) -> None:
    days = [day.date().isoformat() for day in past.days if is_over(day)]
    with past:
        until(lambda: set(days) <= past.sums().keys(), PATIENCE_SECONDS)
        first = past.sums()
        assert "35.0" in first[days[0]]["message"]
        assert_it_records(past)
        assert past.stop() == 0
    with past:
        assert_it_records(past)
        assert past.sums() == first


def test_a_kill_in_the_middle_loses_no_day_and_enters_none_twice(past: InsightHive) -> None:
    past.days = [past.days[0] - timedelta(days=n) for n in range(6, 0, -1)] + past.days
    past.measure()
    days = {day.date().isoformat() for day in past.days if is_over(day)}
    with past:
        until(lambda: len(past.sums()) >= 3, PATIENCE_SECONDS)
        for pid in (*past.children().values(), past.process.pid):  # type: ignore[union-attr]
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert len(days) > 3
    with past:
        until(lambda: days == past.sums().keys(), PATIENCE_SECONDS)
        found = past.ask("events 60d finding")["events"]
        assert all("revises" not in each["facts"] for each in found)


def test_a_defect_in_every_rule_costs_the_rules_alone(past: InsightHive) -> None:
    (past.folder / "sitecustomize.py").write_text(PLANT)
    with past:
        until(
            lambda: past.sums().keys() and len(past.troubles()) == len(RULES), PATIENCE_SECONDS
        )
        assert set(past.troubles()) == {f"insights.{rule}" for rule in RULES}
        assert_it_records(past)
        found = defects(past)
        assert {each["facts"]["look"] for each in found} == set(past.troubles())
        assert all("TypeError: planted" in each["facts"]["traceback"] for each in found)
        assert past.do("reload")["outcome"] == "done"
        until(lambda: not past.troubles(), PATIENCE_SECONDS)


def test_the_beekeeper_has_a_word_on_a_swarm(past: InsightHive) -> None:
    at = iso(to_microseconds(datetime.now(UTC)) - 3_600_000_000)
    swarm = Finding("swarm", FIRST, "test-hive", at, at, at, "1.3 kg left.", "swarm", 1)
    ledger = Ledger(past.archive)
    with ledger.transaction():
        ledger.begin_run()
        looked = Looked(at[:10], at, "", is_whole=True, findings=(swarm,))
        [kept] = finding_days.enter(ledger, looked)
    ledger.close()
    with past:
        assert past.do(f"swarm {kept.number} yes")["outcome"] == "done"
        assert past.do("swarm 4711 yes")["reason"] == "no-such-finding"
        [label] = past.ask("events 1d label")["events"]
        assert label["facts"] == {"finding": kept.number, "word": "yes"}
