"""The task that makes findings: it answers with a day's findings, and contains each defect."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.facts import from_json
from beemon.base.moments import from_iso
from beemon.base.readings import Reading
from beemon.config.settings import Hive
from beemon.insights.hive_day import Found
from beemon.ledger import finding_days, hours, readings
from beemon.ledger.finding_days import Looked
from beemon.worker import insight
from beemon.worker.messages import Asked

DAY = date(2026, 6, 1)
NOW_US = from_iso("2026-06-02T07:00:00.000Z")


def asked(day: date | None = DAY) -> Asked:
    return Asked(date(2026, 6, 2), NOW_US, Hive(name="apiary-7"), {}, day)


def speak(_):
    return Found(sentences=("All went well.",))


def fail(_):
    raise TypeError("planted")


@pytest.fixture(autouse=True)
def measured(ledger, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    at = Stamp(from_iso("2026-06-01T12:00:00.000Z"), 1.0, Quality.SYNCHRONISED)
    with ledger.transaction():
        readings.keep(ledger, 1, [Reading("sensor.a", "temperature", "°C", 35.0, None, at)])
        hours.reckon(ledger, NOW_US)


def test_the_days_that_are_due_are_told(tmp_path):
    assert insight.look(3, tmp_path, asked(None)).facts == {"days": ["2026-06-01"]}


def test_a_thorough_check_goes_back_a_year(tmp_path):
    late = replace(asked(None), today=date(2026, 12, 1))
    assert insight.look(3, tmp_path, late).facts == {"days": []}
    assert insight.look(3, tmp_path, replace(late, thorough=True)).facts == {"days": ["2026-06-01"]}


def test_the_findings_of_a_day_are_told_with_the_state_of_its_readings(tmp_path, ledger):
    done = insight.look(3, tmp_path, asked(), {"well": speak})
    looked = from_json(Looked, done.facts)
    [of_day] = looked.findings
    assert (done.number, looked.day, of_day.says) == (3, "2026-06-01", "All went well.")
    assert looked.readings == finding_days.states(ledger, DAY, DAY, UTC)[DAY].readings
    assert (looked.is_whole, done.defects) == (True, {})


def test_a_rule_runs_in_idle_time_and_what_follows_does_not(tmp_path):
    def tell(_):
        return Found(sentences=(f"{os.sched_getscheduler(0) == os.SCHED_IDLE}",))

    done = insight.look(3, tmp_path, asked(), {"tells": tell})
    [of_day] = from_json(Looked, done.facts).findings
    assert of_day.says == "True"
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_defect_of_a_rule_costs_its_part_alone(tmp_path):
    done = insight.look(3, tmp_path, asked(), {"bad": fail, "well": speak})
    looked = from_json(Looked, done.facts)
    assert [one.says for one in looked.findings] == ["All went well."]
    assert (looked.is_whole, list(done.defects)) == (False, ["insights.bad"])
    assert "TypeError: planted" in done.defects["insights.bad"]


def test_another_defect_is_one_of_the_look(tmp_path):
    done = insight.look(3, tmp_path, asked(date.max), {"well": speak})
    assert (done.facts, list(done.defects)) == ({}, ["insights"])


def test_a_ledger_that_cannot_be_read_is_the_disks(tmp_path):
    with pytest.raises(OSError, match="the database cannot be read"):
        insight.look(3, tmp_path / "none", asked())
