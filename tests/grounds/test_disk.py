"""Full and failing disks: the service goes on answering, says so, and nothing is done in vain."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grounds.failing import PATHS
from tests.grounds.small import SmallDisk
from tests.hive import Hive, until

pytestmark = [pytest.mark.ground("small-disk"), pytest.mark.timeout(300)]

DEVICES = """
[retention]
min_free = "8MB"
min_free_inodes = 200
[microphone.brood]
driver = "simulated"
speed = 20
rate = 48000
[microphone.brood.schedule]
interval = "2s"
duration = "2s"
[camera.entrance]
driver = "simulated"
width = 320
height = 240
frame_rate = 10
bitrate = 4000000
speed = 20
[camera.entrance.schedule]
interval = "2s"
duration = "2s"
[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "1s"
"""
RESUMES_SECONDS = 60.0


class Witness:
    """Asks for the status five times a second, and notes how long the answers took."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.slowest = 0.0
        self.answers: list[dict] = []
        self.failures: list[str] = []

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ended.wait(0.2):
            began = time.monotonic()
            try:
                self.answers.append(self._hive.ask("status"))
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - began)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with SmallDisk(tmp_path) as disk:
        yield disk


def hive_on(disk: SmallDisk, tmp_path: Path) -> Hive:
    """A service whose archive, and whose copy of the config, are on that disk."""
    hive = Hive(tmp_path, DEVICES, STATE_DIRECTORY=str(disk.path / "state"))
    hive.archive = disk.path / "archive"
    hive.write(DEVICES)
    return hive


def test_filled_during_capture_it_says_so_and_goes_on_when_there_is_space(disk, tmp_path):
    goes_through(disk, tmp_path, disk.fill, "MB")


def test_without_inodes_it_says_so_and_goes_on_when_there_are_some(tmp_path):
    with SmallDisk(tmp_path, inodes=1500) as disk:
        goes_through(disk, tmp_path, disk.use_up_inodes, "inodes")


def goes_through(disk: SmallDisk, tmp_path: Path, use_up, what: str) -> None:
    """Record for a while, take all of the disk, give it back."""
    with hive_on(disk, tmp_path) as hive:
        with Witness(hive) as witness:
            pid = hive.process.pid
            until(lambda: outcomes(hive).get("done", 0) > 6, 60)
            until(lambda: use_up() or "disk" in hive.troubles(), 60)
            status = hive.ask("status")
            assert status["state"] == "degraded"
            assert what in hive.troubles()["disk"]
            assert status["devices"]["microphone.brood"]["held_back"] == "low-disk"
            assert why_not(hive, "record microphone.brood 1") in ("low-disk", "no-ledger", None)
            for _ in range(10):  # what beemon gives up for itself is taken as well
                use_up()
                time.sleep(0.5)
            disk.clear()
            resumed = resumes(hive)
            until(lambda: hive.ask("status")["state"] == "healthy", 30)
        assert (hive.process.pid, hive.process.poll()) == (pid, None)
        assert hive.stop() == 0
    print(f"slowest status {witness.slowest:.2f} s, capture resumed after {resumed:.1f} s")
    assert witness.failures == []
    assert_nothing_is_done_in_vain(hive)


def test_read_only_from_the_start_it_answers_and_begins_when_it_can_write(disk, tmp_path):
    with hive_on(disk, tmp_path) as hive:
        hive.do("record microphone.brood 1")
        hive.stop()
    disk.remount("ro")
    with hive_on(disk, tmp_path) as hive:
        assert "ead-only file system" in hive.troubles()["ledger"]
        assert why_not(hive, "read") == "no-ledger"
        disk.remount("rw")
        resumes(hive)
        assert hive.stop() == 0
    assert_nothing_is_done_in_vain(hive)


def test_full_at_the_start_it_begins_on_its_reserve_and_makes_room(disk, tmp_path):
    with hive_on(disk, tmp_path) as hive:
        until(lambda: outcomes(hive).get("done", 0) > 6, 60)
        until((hive.archive / "reserve/7").exists, 30)
        hive.stop()
    disk.fill()
    with hive_on(disk, tmp_path) as hive:
        until(lambda: "disk" in hive.troubles(), 30)
        assert hive.do("read")["outcome"] == "done"
        disk.clear()
        resumes(hive)
        until((hive.archive / "reserve/7").exists, 30)
        assert hive.stop() == 0
    assert_nothing_is_done_in_vain(hive)


def test_a_disk_that_the_kernel_makes_read_only_under_it(disk, tmp_path):
    with hive_on(disk, tmp_path) as hive:
        with Witness(hive) as witness:
            until(lambda: outcomes(hive).get("done", 0) > 3, 60)
            disk.fail()
            until(lambda: "ledger" in hive.troubles(), 30)
            assert why_not(hive, "record microphone.brood 1") == "no-ledger"
            time.sleep(3)
        assert witness.failures == []
        assert hive.process.poll() is None
        hive.stop()
    disk.unmount()
    disk.repair()
    disk.mount()
    with hive_on(disk, tmp_path) as hive:
        resumes(hive)
        assert hive.stop() == 0
    assert_nothing_is_done_in_vain(hive)


# Calls that fail

@pytest.mark.parametrize("path", PATHS)
def test_each_of_the_first_200_calls_may_fail(path):
    """Every fifth of them; ``BEEMON_EVERY_CALL=1`` has all of them, one by one."""
    step = 1 if "BEEMON_EVERY_CALL" in os.environ else 5
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        command = [sys.executable, "-m", "tests.grounds.failing", folder, "1", str(step), "200"]
        ended = subprocess.run(
            ["fiu-run", "-x", "-f", "", *command, path],
            capture_output=True, text=True, timeout=280, check=False,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    print(path, ended.stdout)


@pytest.mark.parametrize(
    "fault",
    ["name=posix/io/rw/pwrite,probability=0.1,failinfo=28",
     "name=posix/io/sync/*,probability=0.1,failinfo=5"],
    ids=["full", "failing"],
)
def test_a_service_on_a_disk_that_fails_now_and_then(tmp_path, fault):
    preloaded = {
        "LD_PRELOAD": "/usr/lib/fiu/fiu_run_preload.so /usr/lib/fiu/fiu_posix_preload.so",
        "FIU_ENABLE": "", "FIU_CTRL_FIFO": str(tmp_path / "fiu"),
    }
    with Hive(tmp_path, DEVICES, **preloaded) as hive:
        with Witness(hive) as witness:
            until(lambda: outcomes(hive).get("done", 0) > 3, 60)
            pids = [hive.process.pid, *hive.children().values()]
            control(tmp_path, pids, f"enable_random {fault}")
            time.sleep(10)
            control(tmp_path, pids, f"disable {fault.partition(',')[0]}")
            print(f"resumed after {resumes(hive):.1f} s")
        assert witness.failures == []
        assert hive.process.pid == pids[0]
        assert hive.stop() == 0
    assert_nothing_is_done_in_vain(hive)


def control(folder: Path, pids: list[int], command: str) -> None:
    """Say something to libfiu in these processes."""
    said = ["fiu-ctrl", "-f", folder / "fiu", "-c", command, *map(str, pids)]
    subprocess.run(said, check=True, timeout=60)


# What is asked of every disk

def why_not(hive: Hive, command: str) -> str | None:
    """The code or the reason for which a command is not done."""
    with hive.client() as client:
        reply = client.request(command).payload
    if "code" in reply:
        return reply["code"]
    with contextlib.suppress(AssertionError):
        return until(lambda: hive.ask(f"job {reply['job']}").get("reason"), 10)
    return None  # its outcome waits for the disk


def resumes(hive: Hive) -> float:
    """Wait for a recording that is done; how long that took."""
    began = time.monotonic()

    def records() -> bool:
        with contextlib.suppress(AssertionError):
            return hive.do("record microphone.brood 1")["outcome"] == "done"
        return False

    until(records, RESUMES_SECONDS)
    return time.monotonic() - began


def rows(hive: Hive, query: str) -> list[sqlite3.Row]:
    db = sqlite3.connect(hive.archive / "ledger.db", timeout=5)
    db.row_factory = sqlite3.Row
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def outcomes(hive: Hive) -> dict[str, int]:
    """How many recordings had which outcome."""
    query = (
        "SELECT outcome, count(*) FROM jobs WHERE command LIKE 'record%' AND outcome IS NOT NULL"
        " GROUP BY outcome"
    )
    return dict(map(tuple, rows(hive, query)))


def assert_nothing_is_done_in_vain(hive: Hive) -> None:
    """After the stop: one outcome each; what is done is kept whole or was deleted for space."""
    assert rows(hive, "SELECT 1 FROM jobs WHERE outcome IS NULL") == []
    assert [tuple(row) for row in rows(hive, "PRAGMA integrity_check")] == [("ok",)]
    kept = {row["path"]: row for row in rows(hive, "SELECT * FROM recordings")}
    done = rows(hive, "SELECT * FROM jobs WHERE outcome = 'done' AND command LIKE 'record%'")
    assert done
    for job in done:
        recording = kept[json.loads(job["facts"])["recording"]]
        if recording["deleting_us"] is None:
            content = (hive.archive / recording["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == recording["sha256"]
    files = {str(path.relative_to(hive.archive))
             for path in (hive.archive / "recordings").rglob("*") if path.is_file()}
    final = {name for name in files if not name.endswith(".part")}
    final -= {row["final"] for row in rows(hive, "SELECT * FROM jobs WHERE leftover NOT NULL")}
    assert final == {path for path, row in kept.items() if row["deleting_us"] is None}
