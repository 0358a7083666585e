"""A running service calls nothing healthy for which it has no evidence."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from beemon.cli import main as cli
from tests.hive import SIMULATED, Hive, until

ABSENT = '[sensor.probe]\ndriver = "kernel"\ndevice = "28-0316a2794dff"\n'


def test_a_hive_is_starting_until_each_device_was_tried_and_healthy_then(tmp_path: Path) -> None:
    with Hive(tmp_path, SIMULATED) as hive:
        status = hive.ask("status")
        assert status["state"] == "starting"
        ages = [device["last_good_age_seconds"] for device in status["devices"].values()]
        assert None in ages
        until(lambda: hive.ask("status")["state"] == "healthy")
        assert hive.ask("jobs")["jobs"] == []  # nobody asked for anything
        assert hive.ask("readings")["readings"] == []


def test_a_device_that_is_absent_is_told_before_anybody_asks_it(tmp_path: Path) -> None:
    with Hive(tmp_path, ABSENT, ) as hive:
        until(lambda: hive.ask("status")["state"] == "degraded")
        assert "28-0316a2794dff" in hive.ask("status")["devices"]["sensor.probe"]["trouble"]


def test_a_device_that_a_reload_brings_is_tried_too(tmp_path: Path) -> None:
    with Hive(tmp_path, "") as hive:
        assert until(lambda: hive.ask("status")["state"]) == "healthy"
        hive.write(ABSENT)
        hive.do("reload")
        assert hive.ask("status")["state"] == "starting"
        until(lambda: hive.ask("status")["state"] == "degraded")


def test_a_restart_that_nobody_wanted_is_told_with_its_reason(tmp_path: Path) -> None:
    hive = Hive(tmp_path, "")
    with hive:
        assert hive.ask("status")["restarts_last_day"] == 0
    with hive:  # the first was killed, as every one is at the end of a with block
        assert "restarted once in the last 24 hours, most recently after a crash" in (
            hive.troubles()["restarts"]
        )
        assert hive.ask("status")["state"] == "degraded"
        assert [e["facts"]["why"] for e in hive.ask("events 1d start")["events"]] == [
            "first", "crash",
        ]


def test_a_stop_and_a_start_are_events_and_no_trouble(tmp_path: Path) -> None:
    hive = Hive(tmp_path, "").start()
    assert hive.stop() == 0
    with hive:
        assert hive.troubles() == {}
        assert hive.ask("status")["start"]["why"] == "stop"


def test_a_config_that_a_driver_refused_at_the_start_is_no_restart(tmp_path: Path) -> None:
    hive = Hive(tmp_path, "").start()
    assert hive.stop() == 0
    hive.write('[sensor.a]\ndriver = "simulated"\nsped = 2\n')
    with hive:
        assert set(hive.troubles()) == {"config"}


def test_an_orchestrator_that_died_is_why_the_next_run_began(tmp_path: Path) -> None:
    hive = Hive(tmp_path, "").start()
    os.kill(hive.children()["beemon-orchestr"], signal.SIGKILL)
    assert hive.process is not None
    assert hive.process.wait(15) == 1
    with hive:
        [_, event] = hive.ask("events 1d start")["events"]
        assert event["facts"]["why"] == "failure"
        assert "the Orchestrator ended" in event["message"]


def test_recording_goes_on_without_the_archives_disk_and_back_to_it_by_itself(
    tmp_path: Path,
) -> None:
    hive = Hive(tmp_path, "")
    with hive:
        until(hive.answers)
    mounted = tmp_path / "disk"
    hive.archive.rename(mounted)  # what a boot without the disk finds
    hive.archive.mkdir()
    hive.start()
    assert "does not hold the archive" in hive.troubles()["archive"]
    assert hive.do("read")["job"] > 1
    hive.archive.rename(tmp_path / "card")
    mounted.rename(hive.archive)
    assert hive.process is not None
    assert hive.process.wait(30) == 1  # systemd starts it anew
    with hive:
        assert "archive" not in hive.troubles()


def test_an_archive_whose_disk_went_and_came_again_is_recorded_in_again(tmp_path: Path) -> None:
    with Hive(tmp_path, '[sensor.a]\ndriver = "simulated"\n') as hive:
        before = hive.do("read")["job"]
        shutil.copytree(
            hive.archive, tmp_path / "again", ignore=shutil.ignore_patterns("*.sock")
        )
        hive.archive.rename(tmp_path / "gone")
        with hive.client() as client:
            assert client.request("read").payload["code"] == "no-ledger"
        until(lambda: "ledger" in hive.troubles())
        (tmp_path / "again").rename(hive.archive)
        assert hive.process is not None
        assert hive.process.wait(30) == 1  # systemd starts it anew
        with hive:
            assert hive.do("read")["job"] > before
            assert "ledger" not in hive.troubles()


def test_clock_and_zone_are_told_alike_by_status_and_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "clock-is-right").touch()  # what only the service sees
    monkeypatch.setenv("TZ", "UTC")
    with Hive(tmp_path, "", RUNTIME_DIRECTORY=str(runtime), TZ="Europe/Berlin") as hive:
        status = hive.ask("status")
        options = ["--config", str(hive.config), "--output", str(tmp_path / "out")]
        assert cli.main(["export", "2026-06-01", *options]) == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert status["zone"] == manifest["zone"] == "Europe/Berlin"
    assert status["clock"] == manifest["made_clock"]
    assert manifest["from"] == "2026-05-31T22:00:00.000Z"
