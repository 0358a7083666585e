"""The power profile in the running service: a battery that runs empty and is charged again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.hive import STAGES, Hive, until
from tests.service.test_slots import SURE_CLOCK

DEVICES = """
[sensor.battery]
driver = "simulated"
quantities = ["bridge"]
load_file = "{load}"
calibration.bridge = {{ quantity = "voltage", unit = "V", zero = -213400, factor = 2.380952e-8 }}
schedule = {{ interval = "1s" }}
[sensor.a]
driver = "simulated"
schedule = {{ interval = "1s" }}
[camera.entrance]
driver = "simulated"
width = 160
height = 120
schedule = {{ interval = "1s" }}
[microphone.brood]
driver = "simulated"
speed = 20
schedule = {{ interval = "1s", duration = "0.5s" }}
"""
POWER = """
[power]
sensor = "sensor.battery"
quantity = "voltage"
hold = "1s"
""" + STAGES


class Battery:
    """A hive with a battery whose voltage the test sets, on a machine with the right time."""

    def __init__(self, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(SURE_CLOCK)
        path = f"{folder}:{os.environ.get('PYTHONPATH', '')}"
        self._load = folder / "load"
        self.devices = DEVICES.format(load=self._load)
        self.hive = Hive(folder, self.devices + POWER, PYTHONPATH=path)

    def charge(self, volts: float) -> None:
        """Set the voltage; the load is in µV, so that a scale's noise does not matter."""
        fresh = self._load.with_name("fresh")
        fresh.write_text(str(volts * 1e6))
        fresh.rename(self._load)

    @property
    def power(self) -> dict[str, Any]:
        return self.hive.ask("status").get("power", {})  # type: ignore[no-any-return]

    def reaches(self, stage: str) -> None:
        until(lambda: self.power.get("stage") == stage)

    def slots(self, device: str) -> dict[str, Any]:
        return self.hive.ask("completeness")["devices"].get(device, {})  # type: ignore[no-any-return]

    def left_out(self, device: str) -> int:
        """The number of slots that were skipped to save power."""
        skipped = self.slots(device).get("reasons", {}).get("skipped", {})
        return skipped.get("power", 0)  # type: ignore[no-any-return]

    def events(self) -> list[dict[str, Any]]:
        return self.hive.ask("events 1h power")["events"]  # type: ignore[no-any-return]


@pytest.fixture
def battery(tmp_path: Path) -> Battery:
    """A full one; the service is not started yet."""
    battery = Battery(tmp_path)
    battery.charge(13.0)
    return battery


def test_a_battery_that_runs_empty_and_is_charged_again(battery: Battery) -> None:
    with battery.hive as hive:
        until(lambda: battery.power.get("value") == pytest.approx(13.0, abs=0.01))
        assert battery.power["stage"] == "full"

        battery.charge(11.5)
        battery.reaches("sensors-only")
        until(lambda: battery.left_out("camera.entrance") >= 2)
        until(lambda: battery.left_out("microphone.brood") >= 2)
        assert battery.power["until"] == 12.2
        devices = hive.ask("status")["devices"]
        assert devices["camera.entrance"]["held_back"] == "power"
        assert "held_back" not in devices["sensor.a"]
        done = battery.slots("sensor.a")["done"]
        until(lambda: battery.slots("sensor.a")["done"] > done)
        assert hive.do("snapshot camera.entrance")["outcome"] == "done"

        battery.charge(12.3)
        battery.reaches("no-video")
        battery.charge(12.45)
        battery.reaches("saving")
        before = battery.slots("camera.entrance")["done"]
        until(lambda: battery.slots("camera.entrance")["done"] > before)
        battery.charge(13.0)
        battery.reaches("full")

        told = hive.ask("completeness")
        assert told["adds_up"], told
        assert battery.left_out("sensor.a") >= 2
        assert battery.left_out("sensor.battery") == 0
        stages = [event["facts"]["stage"] for event in battery.events()]
        assert stages[-4:] == ["sensors-only", "no-video", "saving", "full"]
        last = battery.events()[-1]
        assert last["device"] == "sensor.battery"
        assert last["facts"]["threshold"] == 12.5
        assert last["facts"]["unit"] == "V"


def test_a_reload_changes_the_thresholds(battery: Battery) -> None:
    with battery.hive as hive:
        battery.reaches("full")
        hive.write(battery.devices + POWER.replace("12.2\nuntil = 12.5", "13.5\nuntil = 14"))
        assert hive.do("reload")["outcome"] == "done"
        battery.reaches("saving")
        hive.write(battery.devices)
        assert hive.do("reload")["outcome"] == "done"
        until(lambda: not battery.power)
        assert [event["facts"]["stage"] for event in battery.events()] == ["saving", "full"]


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_start_does_not_begin_at_full_power(battery: Battery, is_killed: bool) -> None:
    battery.charge(11.5)
    with battery.hive as hive:
        battery.reaches("sensors-only")
        until(lambda: battery.left_out("camera.entrance") >= 1)
        until(lambda: not battery.slots("camera.entrance")["open"])
        done = battery.slots("camera.entrance")["done"]
        left_out = battery.left_out("camera.entrance")
        if is_killed:
            assert hive.process is not None
            hive.process.kill()
            hive.process.wait()
        else:
            hive.stop()
        hive.start()
        until(lambda: battery.left_out("camera.entrance") >= left_out + 2)
        assert battery.slots("camera.entrance")["done"] == done
        assert battery.power["stage"] == "sensors-only"
        assert len(battery.events()) == 1
