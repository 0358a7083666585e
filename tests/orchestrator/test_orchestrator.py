"""The whole service at work: commands become outcomes, and devices that fail hurt nobody else."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from beemon.repair import check
from tests.hive import Hive, until

pytestmark = pytest.mark.process

FAULTY = """
[microphone.good]
driver = "simulated"
speed = 20
[microphone.dying]
driver = "simulated"
speed = 20
fault = "die"
[sensor.good]
driver = "simulated"
[sensor.hanging]
driver = "simulated"
timeout = "0.3s"
fault = "hang"
[sensor.failing]
driver = "simulated"
fault = "error"
[sensor.system]
driver = "system"
quantities = ["load"]
"""


LONG_FILMS = """
[camera.entrance]
driver = "simulated"
width = 160
height = 120
frame_rate = 5
[camera.entrance.schedule]
interval = "12s"
duration = "12s"
"""


DIES_AFTER_THE_RENAME = """
import os, signal
from beemon.storage import files
keep = files.keep_file
def keep_and_die(where):
    keep(where)
    os.kill(os.getpid(), signal.SIGKILL)
files.keep_file = keep_and_die
"""


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    with Hive(tmp_path) as hive:
        yield hive


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Hive]:
    with Hive(tmp_path, FAULTY) as hive:
        yield hive


class TestWork:
    def test_record_becomes_a_kept_recording(self, hive: Hive) -> None:
        job = hive.do("record microphone.brood 2")
        assert job["outcome"] == "done"
        kept = hive.archive / job["recording"]
        assert kept.read_bytes()[:4] == b"fLaC"
        assert kept.name.startswith("test-hive@20")
        assert kept.name.endswith("Z.microphone.brood.flac")
        assert job["samples"] == 2 * job["rate"]

    def test_a_recording_is_entered_with_its_size_and_hash(self, hive: Hive) -> None:
        job = hive.do("record microphone.brood 1")
        rows = sqlite3.connect(hive.archive / "ledger.db").execute(
            "SELECT job, device, path, size FROM recordings"
        )
        size = (hive.archive / job["recording"]).stat().st_size
        assert rows.fetchall() == [(job["job"], "microphone.brood", job["recording"], size)]

    def test_a_recording_is_marked_as_uploaded_with_its_own_hash_alone(self, hive: Hive) -> None:
        path = hive.do("record microphone.brood 1")["recording"]
        digest = hashlib.sha256((hive.archive / path).read_bytes()).hexdigest()
        since = "SELECT uploaded_us FROM recordings"
        db = sqlite3.connect(hive.archive / "ledger.db")
        assert hive.do(f"uploaded {path} {'0' * 64} hash")["reason"] == "wrong-hash"
        assert db.execute(since).fetchall() == [(None,)]
        assert hive.do(f"uploaded {path} {digest} hash")["uploaded"] == path
        assert db.execute(since).fetchall() != [(None,)]
        assert hive.do("forgotten 4711")["reason"] == "no-such-recording"
        assert hive.do(f"forgotten {path}")["forgotten"] == path
        assert db.execute(since).fetchall() == [(None,)]
        db.close()

    def test_what_became_of_an_alert_is_an_event_of_the_program_that_sent_it(
        self, hive: Hive
    ) -> None:
        with hive.client() as client:
            assert client.request("as alerts").payload == {"name": "alerts"}
            job = client.wait(client.request("alerted weight opened unknown").payload["job"])
        assert job.payload["origin"].startswith("alerts (")
        (event,) = hive.ask("events 1h alert")["events"]
        assert event["facts"] == {"rule": "weight", "step": "opened", "delivery": "unknown"}

    def test_a_snapshot_is_taken_while_the_camera_records(self, hive: Hive) -> None:
        video = hive.ask("record camera.entrance 60")
        until(lambda: hive.ask("status")["devices"]["camera.entrance"]["state"] == "running")
        picture = hive.do("snapshot camera.entrance")
        assert picture["outcome"] == "done"
        assert (hive.archive / picture["recording"]).read_bytes()[:2] == b"\xff\xd8"
        assert "outcome" not in hive.ask(f"job {video['job']}")
        assert hive.do(f"cancel {video['job']}")["outcome"] == "done"

    def test_what_waits_for_its_turn_is_not_said_to_run(self, hive: Hive) -> None:
        first, *_ = [hive.ask("record microphone.brood 600")["job"] for _ in range(3)]
        until(lambda: hive.ask("status")["waiting"] == 2)
        assert list(hive.ask("status")["running"]) == [str(first)]

    def test_read_enters_a_reading_of_each_quantity(self, hive: Hive) -> None:
        job = hive.do("read")
        readings = hive.ask("readings")["readings"]
        assert job["outcome"] == "done"
        assert {f"{r['sensor']} {r['quantity']}" for r in readings} == set(job["readings"])
        assert all(r["unit"] and "value" in r for r in readings)

    def test_a_cancelled_recording_keeps_what_it_has(self, hive: Hive) -> None:
        job = hive.ask("record camera.entrance 60")["job"]
        until(lambda: hive.ask("status")["devices"]["camera.entrance"]["state"] == "running")
        time.sleep(0.5)  # something to keep: half a second of video
        hive.do(f"cancel {job}")
        ended = hive.wait(job)
        assert (ended["outcome"], ended["reason"]) == ("interrupted", "cancelled")
        assert (hive.archive / ended["recording"]).stat().st_size == ended["size"] > 0

    def test_all_that_clients_asked_of_a_device_can_be_cancelled_at_once(self, hive: Hive) -> None:
        jobs = [hive.ask("record microphone.brood 600")["job"] for _ in range(3)]
        other = hive.ask("record camera.entrance 600")["job"]
        assert hive.do("cancel microphone.brood")["cancelled"] == jobs
        ended = [hive.wait(job) for job in jobs]
        assert {(end["outcome"], end["reason"]) for end in ended} == {("interrupted", "cancelled")}
        assert "outcome" not in hive.ask(f"job {other}")
        assert hive.do("cancel all")["cancelled"] == [other]
        assert hive.wait(other)["reason"] == "cancelled"
        assert hive.do("cancel all")["cancelled"] == []

    def test_cancelling_what_is_not_open_fails(self, hive: Hive) -> None:
        assert hive.do("cancel 4711")["reason"] == "no-such-job"

    def test_recordings_of_one_microphone_follow_each_other_without_a_gap(
        self, hive: Hive
    ) -> None:
        jobs = [hive.ask("record microphone.brood 10")["job"] for _ in range(3)]
        ended = [hive.wait(job) for job in jobs]
        starts = [job["first_sample"] for job in ended]
        assert starts[1:] == [job["first_sample"] + job["samples"] for job in ended[:-1]]

    def test_wait_answers_at_once_for_a_job_that_has_ended(self, hive: Hive) -> None:
        job = hive.do("read")
        assert hive.wait(job["job"]) == job

    def test_watch_streams_the_outcomes(self, hive: Hive) -> None:
        with hive.client() as client:
            reports = client.watch()
            assert next(reports).payload == {"watching": True}
            job = hive.do("read")
            seen = until(lambda: next(reports).payload.get("outcome"))
        assert (job["outcome"], seen) == ("done", "done")


class TestSchedule:
    def test_due_slots_become_jobs_like_those_of_clients(self, tmp_path: Path) -> None:
        devices = """
[sensor.system]
driver = "system"
[sensor.system.schedule]
interval = "1s"
[microphone.brood]
driver = "simulated"
speed = 20
[microphone.brood.schedule]
interval = "1s"
duration = "1s"
"""
        with Hive(tmp_path, devices) as hive:
            done = until(lambda: {
                job["command"] for job in hive.ask("jobs")["jobs"]
                if job["origin"] == "schedule" and job.get("outcome") == "done"
            } >= {"read sensor.system", "record microphone.brood 1"})
            assert done
            hive.do("stop all")
            assert not any(d["scheduled"] for d in until(
                lambda: _unscheduled(hive)
            ).values())
            newest = hive.ask("jobs 1")["jobs"][0]["job"]
            time.sleep(1.5)  # longer than the interval: a slot would show
            assert hive.ask("jobs 1")["jobs"][0]["job"] == newest
            hive.do("start sensor.system")
            until(lambda: hive.ask("jobs 1")["jobs"][0]["origin"] == "schedule")


    def test_slots_that_the_ledger_could_not_take_are_skipped_and_not_run_late(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "sitecustomize.py").write_text(
            "from beemon.orchestrator import slots\nslots.LATE_SECONDS = 0.5\n"
        )
        path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
        with Hive(tmp_path, EVERY_SECOND, PYTHONPATH=path) as hive:
            until(lambda: hive.ask("jobs 1")["jobs"])
            other = sqlite3.connect(hive.archive / "ledger.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            time.sleep(2.5)
            other.execute("ROLLBACK")
            other.close()
            late = until(lambda: [j for j in hive.ask("jobs")["jobs"] if j.get("reason") == "late"])
        assert {job["outcome"] for job in late} == {"skipped"}
        assert len({job["accepted"] for job in late}) == len(late)

    def test_a_clock_that_is_set_back_does_not_hold_the_slots_back(self, tmp_path: Path) -> None:
        (tmp_path / "sitecustomize.py").write_text(CLOCK_AHEAD)
        path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
        with Hive(tmp_path, EVERY_SECOND, PYTHONPATH=path, AHEAD=str(tmp_path / "ahead")) as hive:
            first = until(lambda: hive.ask("jobs 1")["jobs"])[0]["job"]
            (tmp_path / "ahead").touch()
            time.sleep(0.5)  # the last slot by the wrong time may still be on its way
            until(lambda: hive.ask("jobs 1")["jobs"][0]["job"] > first + 1)
            newest, earlier = hive.ask("jobs 1")["jobs"][0], hive.ask(f"job {first}")
            assert newest["accepted"] < earlier["accepted"]

    def test_a_slow_sensor_does_not_pile_up_its_slots(self, tmp_path: Path) -> None:
        hanging = EVERY_SECOND.replace('"simulated"', '"simulated"\nfault = "hang"\ntimeout = "4s"')
        with Hive(tmp_path, hanging) as hive:
            busy = until(lambda: [j for j in hive.ask("jobs")["jobs"] if j.get("reason") == "busy"])
        assert busy[0]["outcome"] == "skipped"

    def test_a_client_s_film_does_not_wait_for_the_schedule_s(self, tmp_path: Path) -> None:
        with Hive(tmp_path, LONG_FILMS) as hive:
            [scheduled] = until(lambda: hive.ask("status")["running"])
            assert hive.do("record camera.entrance 0.3")["outcome"] == "done"
            assert "outcome" not in hive.ask(f"job {scheduled}")


CLOCK_AHEAD = """
import os, time
right = time.time_ns
def ahead():
    return right() + (0 if os.path.exists(os.environ["AHEAD"]) else 3 * 86400 * 10**9)
time.time_ns = ahead
"""

EVERY_SECOND = """
[sensor.s]
driver = "simulated"
[sensor.s.schedule]
interval = "1s"
"""


def _unscheduled(hive: Hive) -> dict[str, dict[str, bool]] | None:
    devices: dict[str, dict[str, bool]] = hive.ask("status")["devices"]
    return None if any(d["scheduled"] for d in devices.values()) else devices


class TestFaults:
    def test_a_hanging_sensor_fails_alone_with_its_reason(self, faulty: Hive) -> None:
        job = faulty.do("read")
        assert (job["outcome"], job["reason"]) == ("failed", "partly")
        assert "sensor.hanging: timeout" in job["message"]
        assert "sensor.failing: device-error" in job["message"]
        assert "sensor.good temperature" in job["readings"]
        assert "sensor.system load" in job["readings"]

    def test_a_reading_that_failed_is_a_reason_not_a_number(self, faulty: Hive) -> None:
        faulty.do("read sensor.hanging")
        (reading,) = faulty.ask("readings sensor.hanging")["readings"]
        assert reading["reason"] == "timeout"
        assert "value" not in reading

    def test_a_device_that_cost_a_worker_is_left_alone_for_a_while(self, faulty: Hive) -> None:
        assert faulty.do("read sensor.hanging")["reason"] == "timeout"
        assert faulty.do("read sensor.hanging")["reason"] == "back-off"
        status = faulty.ask("status")
        assert status["state"] == "degraded"
        assert status["devices"]["sensor.hanging"]["state"] == "backing-off"

    def test_a_worker_that_dies_fails_its_job_and_leaves_what_it_wrote(self, faulty: Hive) -> None:
        job = faulty.do("record microphone.dying 2")
        assert (job["outcome"], job["reason"]) == ("failed", "worker-died")
        assert "SIGKILL" in job["message"]
        assert faulty.do("record microphone.good 1")["outcome"] == "done"
        until(lambda: "leftover" not in faulty.ask(f"job {job['job']}"))

    def test_a_quantity_that_cannot_be_true_does_not_take_the_others_along(
        self, tmp_path: Path
    ) -> None:
        chip = tmp_path / "sys/class/hwmon/hwmon0"
        chip.mkdir(parents=True)
        for name, text in (("name", "sht3x"), ("temp1_input", "34500"),
                           ("humidity1_input", "250000")):
            (chip / name).write_text(f"{text}\n")
        device = (
            '[sensor.air]\ndriver = "kernel"\nsubsystem = "hwmon"\ndevice = "sht3x"\n'
            f'sysfs = "{tmp_path / "sys"}"\n'
        )
        with Hive(tmp_path, device) as hive:
            job = hive.do("read")
            readings = {r["quantity"]: r for r in hive.ask("readings")["readings"]}
            trouble = until(lambda: hive.ask("status")["devices"]["sensor.air"].get("trouble"))
        assert (job["outcome"], job["reason"]) == ("failed", "partly")
        assert job["readings"] == {"sensor.air temperature": 34.5}
        assert readings["humidity"]["reason"] == "out-of-range"
        assert "value" not in readings["humidity"]
        assert "humidity: out-of-range" in trouble

    def test_a_recording_that_was_whole_when_its_worker_died_is_kept(self, tmp_path: Path) -> None:
        (tmp_path / "sitecustomize.py").write_text(DIES_AFTER_THE_RENAME)
        with Hive(tmp_path, PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}") as hive:
            number = hive.do("record microphone.brood 1")["job"]
            job = until(lambda: with_recording(hive, number))
            rows = sqlite3.connect(hive.archive / "ledger.db").execute(
                "SELECT job, path FROM recordings"
            ).fetchall()
        assert (job["outcome"], job["reason"]) == ("failed", "worker-died")
        assert job["message"].endswith("; the recording was complete; 1.0 s were salvaged")
        assert job["recovered"] is True
        assert rows == [(job["job"], job["recording"])]
        assert (hive.archive / job["recording"]).is_file()

    def test_trouble_is_logged_once_and_so_is_its_end(self, tmp_path: Path) -> None:
        thermometer = tmp_path / "sys/class/hwmon/hwmon0"
        device = (
            '[sensor.air]\ndriver = "kernel"\nsubsystem = "hwmon"\ndevice = "sht3x"\n'
            f'sysfs = "{tmp_path / "sys"}"\n'
        )
        with Hive(tmp_path, device) as hive:
            for _ in range(3):
                assert hive.do("read")["reason"] == "missing-device"
            thermometer.mkdir(parents=True)
            (thermometer / "name").write_text("sht3x\n")
            (thermometer / "temp1_input").write_text("34500\n")
            (thermometer / "humidity1_input").write_text("61000\n")
            assert hive.do("read")["outcome"] == "done"
            said = hive.said()
        assert said.count("sensor.air: problem") == 1
        assert said.count("sensor.air: works again") == 1

    def test_a_driver_with_a_defect_is_left_alone_like_one_that_dies(self, tmp_path: Path) -> None:
        (tmp_path / "sitecustomize.py").write_text(
            "from beemon.devices.sensors import system\nsystem.Driver.read = lambda self: 1 / 0\n"
        )
        path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
        devices = '[sensor.bad]\ndriver = "system"\n[sensor.good]\ndriver = "simulated"\n'
        with Hive(tmp_path, devices, PYTHONPATH=path) as hive:
            jobs = [hive.do("read")]
            assert jobs[0]["message"].startswith("sensor.bad: driver-error: ")
            # Each time it is left alone for longer, at last for longer than a reading takes.
            until(lambda: jobs.append(hive.do("read"))
                  or jobs[-1]["message"].startswith("sensor.bad: back-off: "))
        assert all("sensor.good weight" in job["readings"] for job in jobs)

    def test_an_unused_worker_may_be_killed_and_is_started_anew(self, hive: Hive) -> None:
        hive.do("read")
        os.kill(hive.children()["beemon-sensors"], signal.SIGKILL)
        until(lambda: "the worker ended unexpectedly (SIGKILL)" in hive.said())
        assert hive.do("read")["outcome"] == "done"


class TestSalvage:
    def test_what_a_killed_worker_left_becomes_a_recording(self, hive: Hive) -> None:
        job = begun(hive, "record microphone.brood 300")
        os.kill(hive.children()["beemon-micropho"], signal.SIGKILL)
        ended = until(lambda: with_recording(hive, job))
        assert (ended["outcome"], ended["reason"]) == ("failed", "worker-died")
        assert ended["message"].endswith(" s were salvaged")
        assert ended["seconds"] > 1
        assert check.check(hive.archive, full=True).findings == []
        until(lambda: "beemon-archive" not in hive.children())

    def test_what_a_crash_of_the_service_left_becomes_recordings_at_the_next_start(
        self, hive: Hive
    ) -> None:
        jobs = [begun(hive, f"record {d} 300") for d in ("microphone.brood", "camera.entrance")]
        assert hive.process is not None
        hive.process.kill()
        hive.process.wait()
        hive.start()
        for job in jobs:
            ended = until(partial(with_recording, hive, job))
            assert (ended["outcome"], ended["reason"]) == ("interrupted", "crash")
            assert ended["salvaged"] is True
        assert check.check(hive.archive, full=True).findings == []

    def test_a_stop_does_not_wait_for_what_is_being_salvaged(self, hive: Hive) -> None:
        begun(hive, "record microphone.brood 300")
        os.kill(hive.children()["beemon-micropho"], signal.SIGKILL)
        began = time.monotonic()
        assert hive.stop() == 0
        assert time.monotonic() - began < 5


def begun(hive: Hive, command: str) -> int:
    """A job that has written something that can be salvaged."""
    job: int = hive.ask(command)["job"]
    part = f"*.{command.split()[1]}.*.part"
    until(lambda: any(f.stat().st_size > 50_000 for f in hive.archive.rglob(part)))
    return job


def with_recording(hive: Hive, job: int) -> dict[str, Any] | None:
    found = hive.ask(f"job {job}")
    return found if "recording" in found else None


class TestEnds:
    def test_a_stop_finishes_what_is_recorded_and_says_so(self, hive: Hive) -> None:
        job = hive.ask("record camera.entrance 600")["job"]
        until(lambda: hive.ask("status")["devices"]["camera.entrance"]["state"] == "running")
        time.sleep(1)  # something to keep: some video
        assert hive.stop() == 0
        row = sqlite3.connect(hive.archive / "ledger.db").execute(
            "SELECT outcome, reason FROM jobs WHERE job = ?", (job,)
        )
        assert row.fetchone() == ("interrupted", "stopping")
        (video,) = hive.archive.glob("recordings/*/*.mp4")
        assert video.stat().st_size > 0

    def test_a_stop_while_the_ledger_is_locked_ends_by_itself_and_says_so(
        self, tmp_path: Path
    ) -> None:
        with Hive(tmp_path, EVERY_SECOND) as hive:
            other = sqlite3.connect(hive.archive / "ledger.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            until(lambda: "cannot be written: database is locked" in hive.said())
            assert hive.stop() == 0
            other.close()
            said = hive.folder.joinpath("log").read_text()
        assert "the database could not be completed" in said
        assert "is killed" not in said

    def test_when_the_orchestrator_dies_the_service_ends_with_an_error(self, hive: Hive) -> None:
        os.kill(hive.children()["beemon-orchestr"], signal.SIGKILL)
        assert hive.process is not None
        assert hive.process.wait(10) == 1
        assert "the Orchestrator ended unexpectedly" in hive.said()

    def test_no_process_outlives_the_server(self, hive: Hive) -> None:
        hive.do("read")
        hive.ask("record microphone.brood 600")
        children = until(lambda: len(hive.children()) >= 4 and hive.children())
        assert hive.process is not None
        hive.process.kill()
        until(lambda: not any(Path(f"/proc/{pid}/fd").exists() and _runs(pid)
                              for pid in children.values()))

    def test_what_was_open_at_a_crash_is_interrupted_at_the_next_start(self, hive: Hive) -> None:
        job = hive.ask("record camera.entrance 60")["job"]
        until(lambda: hive.ask(f"job {job}").get("started"))
        assert hive.process is not None
        hive.process.kill()
        hive.process.wait()
        with hive:
            ended = hive.ask(f"job {job}")
        assert (ended["outcome"], ended["reason"]) == ("interrupted", "crash")
        assert not list(hive.archive.glob("recordings/*/[!.]*.mp4"))


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
    except OSError:
        return False


class TestReload:
    def test_a_good_config_is_taken_over_by_both_sides(self, hive: Hive) -> None:
        hive.write('[sensor.other]\ndriver = "simulated"\n')
        assert hive.do("reload")["outcome"] == "done"
        assert list(hive.ask("devices")["devices"]) == ["sensor.other"]
        assert hive.do("read")["outcome"] == "done"

    def test_a_config_with_a_mistake_changes_nothing(self, hive: Hive) -> None:
        hive.write('[sensor.other]\ndrivr = "simulated"\n')
        with hive.client() as client:
            reply = client.request("reload")
        assert reply.payload["code"] == "bad-config"
        assert 'did you mean "driver"' in reply.payload["message"] or "driver" in (
            reply.payload["message"]
        )
        assert "sensor.brood" in hive.ask("devices")["devices"]

    def test_an_option_that_a_driver_refuses_changes_nothing(self, hive: Hive) -> None:
        hive.write('[sensor.other]\ndriver = "simulated"\nsped = 2\n')
        job = hive.do("reload")
        assert (job["outcome"], job["reason"]) == ("failed", "bad-config")
        assert f'{hive.config}:9: unknown option "sped"; did you mean "speed"?' in job["message"]
        assert "sensor.brood" in hive.ask("devices")["devices"]

    def test_sighup_does_the_same(self, hive: Hive) -> None:
        hive.write('[sensor.other]\ndriver = "simulated"\n')
        assert hive.process is not None
        hive.process.send_signal(signal.SIGHUP)
        until(lambda: list(hive.ask("devices")["devices"]) == ["sensor.other"])

    def test_a_sighup_that_the_ledger_cannot_take_is_told_in_a_line(self, hive: Hive) -> None:
        for file in hive.archive.glob("ledger.db*"):
            file.unlink()
        assert hive.process is not None
        hive.process.send_signal(signal.SIGHUP)
        until(lambda: "the config was not reloaded: " in hive.said())
        assert "Traceback" not in hive.said()

    def test_another_port_is_told_to_need_a_restart(self, hive: Hive) -> None:
        hive.write("", port=hive.port + 1)
        hive.do("reload")
        assert "[server] changes take effect when the service is restarted" in hive.said()

    def test_an_unchanged_device_keeps_its_worker(self, hive: Hive) -> None:
        hive.do("read")
        before = hive.children()["beemon-sensors"]
        hive.write('[sensor.brood]\ndriver = "simulated"\n')
        hive.do("reload")
        hive.do("read")
        assert hive.children()["beemon-sensors"] == before

    def test_a_device_in_trouble_does_not_work_again_because_its_config_changed(
        self, hive: Hive
    ) -> None:
        hive.write('[sensor.x]\ndriver = "simulated"\nfault = "error"\n')
        hive.do("reload")
        hive.do("read")
        hive.write('[sensor.x]\ndriver = "simulated"\nfault = "error"\nseed = 2\n')
        hive.do("reload")
        hive.do("read")
        assert "works again" not in hive.said()
        assert hive.said().count("sensor.x: problem") == 2
