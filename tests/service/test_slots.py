"""Slots in the running service: each has its outcome, also through kills and inspections."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from beemon.cli import main as cli
from tests.hive import Hive, until

SURE_CLOCK = """
import ctypes
class Library(ctypes.PyDLL):
    def adjtimex(self, timex):
        timex[3] = 1000  # maxerror, in microseconds
        return 0
ctypes.PyDLL = Library
"""
DEVICES = """
[sensor.one]
driver = "simulated"
schedule = { interval = "1s" }
[sensor.two]
driver = "simulated"
fault = "error"
schedule = { interval = "2s" }
[microphone.brood]
driver = "simulated"
speed = 20
schedule = { interval = "1s", duration = "0.5s" }
"""


@pytest.fixture
def hive(tmp_path: Path) -> Hive:
    """Not started yet; on a machine whose clock the kernel knows to be right."""
    (tmp_path / "sitecustomize.py").write_text(SURE_CLOCK)
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    return Hive(tmp_path, DEVICES, PYTHONPATH=path)


def slots_of(hive: Hive, device: str) -> dict[str, int]:
    return hive.ask("completeness")["devices"].get(device, {})  # type: ignore[no-any-return]


def test_every_slot_has_an_outcome_and_they_add_up(hive: Hive) -> None:
    with hive:
        until(lambda: slots_of(hive, "sensor.one").get("done", 0) >= 3)
        until(lambda: slots_of(hive, "sensor.two").get("failed", 0) >= 1)
        told = hive.ask("completeness 1h")
    assert told["adds_up"], told
    assert set(told["devices"]) == {"sensor.one", "sensor.two", "microphone.brood"}
    assert "device-error" in told["devices"]["sensor.two"]["reasons"]["failed"]


def test_after_a_kill_the_slots_of_the_time_between_are_skipped_as_down(hive: Hive) -> None:
    with hive:
        until(lambda: slots_of(hive, "sensor.one").get("done", 0) >= 1)
        assert hive.process is not None
        hive.process.kill()
        hive.process.wait()
    time.sleep(3)  # the time that is missed
    with hive:
        until(lambda: slots_of(hive, "sensor.one").get("done", 0) >= 3)
        told = hive.ask("completeness")
    assert told["adds_up"], told
    assert told["devices"]["sensor.one"]["reasons"]["skipped"]["down"] >= 2
    rows = sqlite3.connect(hive.archive / "ledger.db").execute(
        "SELECT device, count(*) FROM skips WHERE reason = 'down' GROUP BY device"
    )
    assert {count for _, count in rows} == {1}


def test_what_is_stopped_is_skipped_as_paused(hive: Hive) -> None:
    with hive:
        hive.do("stop sensor.one")
        until(lambda: "paused" in slots_of(hive, "sensor.one").get("reasons", {})
              .get("skipped", {}), 30)  # type: ignore[attr-defined]
        device = hive.ask("status")["devices"]["sensor.one"]
        assert (device["scheduled"], device["held_back"]) == (False, "paused")
        assert "sensor.one is paused: resume it" in hive.troubles()["stopped"]
        hive.do("start all")
        until(lambda: "stopped" not in hive.troubles())
        assert hive.ask("completeness")["adds_up"]


def test_while_the_hive_is_open_recorders_rest_and_what_is_measured_is_marked(hive: Hive) -> None:
    with hive:
        assert hive.do("inspection begin the queen is marked blue")["inspection"] is True
        told = hive.ask("status")["inspection"]
        assert told["note"] == "the queen is marked blue"
        assert 0 < told["ends_in_seconds"] <= 7200
        until(lambda: "inspection" in slots_of(hive, "microphone.brood").get("reasons", {})
              .get("skipped", {}), 30)  # type: ignore[attr-defined]
        read = hive.do("read sensor.one")
        assert read["outcome"] == "done"
        [kept] = [r for r in hive.ask("readings sensor.one")["readings"]
                  if r["quantity"] == "temperature"]
        assert kept["quality"] == "inspection"
        recorded = hive.do("record microphone.brood 0.5")
        assert recorded["inspection"] is True
    with hive:  # it outlasts a restart
        until(lambda: "inspection" in hive.ask("status"))
        assert hive.do("inspection end")["inspection"] is False
        until(lambda: "inspection" not in hive.ask("status"))
        until(lambda: hive.ask("readings sensor.one")["readings"][0]["quality"] == "good")
        assert hive.ask("completeness")["adds_up"]
        assert "inspection" not in hive.do("record microphone.brood 0.5")


def test_the_beekeeper_reads_a_table(
    hive: Hive, capsys: pytest.CaptureFixture[str]
) -> None:
    with hive:
        until(lambda: slots_of(hive, "sensor.one").get("done", 0) >= 1)
        assert cli.main(["completeness", "--since", "1h", "--config", str(hive.config)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Of ")
    assert "scheduled jobs since 20" in out
    assert "It adds up" in out
