"""Live pictures of a camera in a whole service: beside recordings, ended cleanly, without a trace.
"""

from __future__ import annotations

import os
import signal
import time

import pytest

from beemon.media import jpeg
from tests.hive import PATIENCE_SECONDS, STAGES, Hive, until
from tests.service.test_slots import SURE_CLOCK

CAMERA = """
[camera.a]
driver = "simulated"
width = 1280
height = 720
"""
BATTERY = """
[sensor.battery]
driver = "simulated"
quantities = ["bridge"]
load_file = "{load}"
calibration.bridge = {{ quantity = "voltage", unit = "V", zero = -213400, factor = 2.380952e-8 }}
schedule = {{ interval = "1s" }}
[power]
sensor = "sensor.battery"
quantity = "voltage"
hold = "1s"
"""
SMALL_DISK = """
import os
from pathlib import Path
IS_FULL = Path(__file__).with_name("is-full")
measured = os.statvfs
def statvfs(folder):
    found = measured(folder)
    free = 1000 if IS_FULL.exists() else found.f_blocks
    return os.statvfs_result((*found[:3], free, free, found.f_files, found.f_files, found.f_files,
                              *found[8:]))
os.statvfs = statvfs
"""
"""A disk with much space, or with 4 MB as soon as there is the file."""
SLOTS = """schedule = { interval = "2s", duration = "1s" }
"""


@pytest.fixture
def hive(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SURE_CLOCK + SMALL_DISK)
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    with Hive(tmp_path, CAMERA, PYTHONPATH=path) as hive:
        yield hive


def picture(hive: Hive):
    return hive.archive / "live" / "camera.a.jpg"


def begin(hive: Hive, text: str = "live camera.a") -> int:
    job = hive.ask(text)["job"]
    until(picture(hive).exists)
    return job


def leftovers(hive: Hive) -> list[str]:
    return sorted(os.listdir(hive.archive / "live"))  # noqa: PTH208


def test_pictures_come_twice_a_second_are_small_and_gone_afterwards(hive):
    job = begin(hive, "live camera.a 2")
    width, height = jpeg.size(picture(hive).read_bytes())
    assert (width, height) == (960, 540)
    ended = hive.wait(job)
    assert ended["outcome"] == "done"
    assert 3 <= ended["pictures"] <= 5
    assert leftovers(hive) == []


def test_every_picture_that_is_read_is_whole(hive):
    job = begin(hive, "live camera.a 2")
    seen = set()
    while True:
        try:
            data = picture(hive).read_bytes()
        except FileNotFoundError:
            break
        assert jpeg.size(data)
        assert data.endswith(jpeg.END)
        seen.add(data)
    assert hive.wait(job)["pictures"] == len(seen)


def test_slots_add_up_while_it_runs(hive):
    hive.write(CAMERA + SLOTS)
    assert hive.do("reload")["outcome"] == "done"
    job = begin(hive, "live camera.a 9")
    snapshot = hive.do("snapshot camera.a")
    assert snapshot["outcome"] == "done"
    ended = hive.wait(job)
    assert ended["outcome"] == "done"
    assert ended["pictures"] >= 12
    hive.do("stop all")
    until(lambda: not hive.ask("status")["running"])
    told = hive.ask("completeness")
    counted = told["devices"]["camera.a"]
    assert told["adds_up"]
    assert counted["done"] >= 4
    assert counted["failed"] == counted["interrupted"] == 0


def test_another_one_takes_over_and_the_picture_never_goes(hive):
    first = begin(hive, "live camera.a 60")
    second = hive.ask("live camera.a 3")["job"]
    seen = []
    while hive.ask(f"job {second}").get("outcome") is None:
        seen.append(picture(hive).exists())
        time.sleep(0.05)
    # The picture goes a moment before the outcome is there, and does not come back.
    assert seen == sorted(seen, reverse=True)
    assert hive.wait(first)["outcome"] == "done"
    assert hive.wait(second)["pictures"] >= 5
    assert leftovers(hive) == []


def test_an_inspection_ends_it_and_allows_no_other(hive):
    job = begin(hive)
    hive.do("inspection begin")
    ended = hive.wait(job)
    assert (ended["outcome"], ended["reason"]) == ("interrupted", "inspection")
    assert ended["pictures"] >= 1
    assert leftovers(hive) == []
    refused = hive.do("live camera.a")
    assert (refused["outcome"], refused["reason"]) == ("failed", "inspection")


def test_it_can_be_cancelled(hive):
    job = begin(hive)
    hive.do(f"cancel {job}")
    assert hive.wait(job)["reason"] == "cancelled"
    assert leftovers(hive) == []


def test_a_stop_of_the_service_ends_it(hive):
    job = begin(hive)
    hive.stop()
    assert leftovers(hive) == []
    hive.start()
    ended = hive.ask(f"job {job}")
    assert (ended["outcome"], ended["reason"]) == ("interrupted", "stopping")


def test_a_killed_worker_leaves_no_picture(hive):
    job = begin(hive)
    os.kill(hive.children()["beemon-camera.a"], signal.SIGKILL)
    assert hive.wait(job)["outcome"] == "failed"
    assert leftovers(hive) == []


def test_a_start_after_a_crash_removes_the_picture(hive):
    job = begin(hive)
    hive.process.kill()
    hive.process.wait(PATIENCE_SECONDS)
    assert leftovers(hive) != []
    hive.start()
    until(lambda: leftovers(hive) == [])
    assert hive.ask(f"job {job}")["outcome"] == "interrupted"


def test_the_camera_rests_afterwards(hive):
    assert hive.wait(begin(hive, "live camera.a 1"))["outcome"] == "done"
    until(lambda: "beemon-camera.a" not in hive.children(), 60)


def test_a_low_battery_ends_it_and_allows_no_other(hive, tmp_path):
    load = tmp_path / "load"
    load.write_text(str(13.0e6))
    hive.write(CAMERA + BATTERY.format(load=load) + STAGES)
    assert hive.do("reload")["outcome"] == "done"
    until(lambda: hive.ask("status").get("power", {}).get("stage") == "full")
    job = begin(hive)
    fresh = tmp_path / "fresh"
    fresh.write_text(str(11.5e6))
    fresh.rename(load)
    ended = hive.wait(job)
    assert (ended["outcome"], ended["reason"]) == ("interrupted", "power")
    assert leftovers(hive) == []
    refused = hive.do("live camera.a")
    assert (refused["outcome"], refused["reason"]) == ("failed", "power")


def test_a_low_disk_ends_it_and_allows_no_other(hive, tmp_path):
    job = begin(hive)
    (tmp_path / "is-full").touch()
    ended = hive.wait(job)
    assert (ended["outcome"], ended["reason"]) == ("interrupted", "low-disk")
    assert leftovers(hive) == []
    refused = hive.do("live camera.a")
    assert (refused["outcome"], refused["reason"]) == ("failed", "low-disk")
