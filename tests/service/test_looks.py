"""A defect is planted in each look at the data in turn: the service records on, and says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from beemon.ledger.looks import LOOKS
from tests.hive import Hive, until

DEVICES = """
[microphone.brood]
driver = "simulated"
speed = 20
[camera.entrance]
driver = "simulated"
width = 160
height = 120
count_bees = true
[sensor.scale]
driver = "simulated"
quantities = ["temperature", "weight", "tilt"]
[sensor.scale.weighing]
temperature = "sensor.scale temperature"
[sensor.scale.schedule]
interval = "1h"
[power]
sensor = "sensor.scale"
quantity = "temperature"
[power.saving]
below = -100
until = -99
"""

DEFECTS = {
    "steps": "beemon.scale.watch:enter_steps",
    "drift": "beemon.scale.compensation:fitted",
    "hours": "beemon.ledger.hours:reckon",
    "redating": "beemon.ledger.redating:Redating.step",
    "compensation": "beemon.scale.compensation:Compensation.compensate",
    "calibrations": "beemon.scale.calibrations:Calibrations.last_made",
    "inspection": "beemon.ledger.inspections:resume",
    "features": "beemon.checks.sound:features",
    "check": "beemon.checks.examine:examine",
    "tags": "beemon.media.tags:write",
    "clock": "beemon.base.clock:ClockWatch.find_change",
    "retention": "beemon.retention.retention:half_done",
    "room": "beemon.retention.pausing:paused",
    "leftovers": "beemon.ledger.recovery:leftovers",
    "power": "beemon.ledger.power:resume",
    "insights": "beemon.ledger.finding_days:is_behind",
    "counting": "beemon.ledger.uncounted:give_up",
    "tilt": "beemon.orchestrator.tilts:Tilts._is_news",
    "plan": "beemon.orchestrator.estimate:bytes_a_day",
}
"""Where a defect is planted, by the look that it is in."""

PLANT = """
import importlib, operator
module, _, where = "{where}".partition(":")
holder, _, name = where.rpartition(".")
module = importlib.import_module(module)
def planted(*_, **__):
    raise TypeError("planted")
setattr(operator.attrgetter(holder)(module) if holder else module, name, planted)
"""


@pytest.mark.parametrize("look", LOOKS)
def test_a_defect_in_a_look_costs_that_look_alone(tmp_path: Path, look: str) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "clock-is-synchronised").touch()
    (tmp_path / "sitecustomize.py").write_text(PLANT.format(where=DEFECTS[look]))
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    with Hive(tmp_path, DEVICES, PYTHONPATH=path, RUNTIME_DIRECTORY=str(runtime)) as hive:
        orchestrator = hive.children()["beemon-orchestr"]
        assert_it_records(hive)
        fit = hive.do("calibrate sensor.scale temperature")
        assert fit["reason"] == ("defect" if look == "drift" else "no-fit")
        until(lambda: look in hive.troubles())
        assert set(hive.troubles()) == {look}
        assert hive.ask("status")["state"] != "healthy"
        [defect] = defects(hive)
        assert defect["facts"]["look"] == look
        assert "TypeError: planted" in defect["facts"]["traceback"]
        assert hive.do("reload")["outcome"] == "done"
        assert_it_records(hive)
        until(lambda: look not in hive.troubles() or len(defects(hive)) == 2)
        assert hive.children()["beemon-orchestr"] == orchestrator


def test_without_the_package_for_tags_it_records_without_tags(tmp_path: Path) -> None:
    (tmp_path / "mutagen.py").write_text("raise ImportError\n")
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    with Hive(tmp_path, DEVICES, PYTHONPATH=path) as hive:
        assert_it_records(hive)
        until(lambda: "tags" in hive.troubles())


def assert_it_records(hive: Hive) -> None:
    assert hive.do("read")["outcome"] == "done"
    recorded = hive.do("record microphone.brood 0.5")
    assert recorded["outcome"] == "done"
    assert (hive.archive / recorded["recording"]).is_file()


def defects(hive: Hive) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hive.ask("events 1d defect")["events"]
    return found
