"""What a worker makes of what a driver does, raises, and is told."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
from multiprocessing import Pipe
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from beemon.config import settings as config
from beemon.devices._base import Device, DeviceError, began
from beemon.media import tags
from beemon.media.tags import Tags
from beemon.storage import files as recordings
from beemon.storage.files import Place
from beemon.worker.messages import Work
from beemon.worker.worker import (
    CheckFailedError,
    Worker,
    check_devices,
    find_absent,
    find_conflicts,
    message_of,
    reason_of,
)
from tests.samples import hive_sound, write_sound

FILM = Work(1, "camera.c", "record", 60.0)
PICTURE = Work(2, "camera.c", "snapshot")
FULL = OSError(errno.ENOSPC, "No space left on device", "/a/.x.mp4.part")


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/a/recordings/d/.x.flac.part"),
         "disk-full", "No space left on device: /a/recordings/d"),
        (OSError(errno.EACCES, "Permission denied", "/a/recordings/d"),
         "archive-error", "Permission denied: /a/recordings/d"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "device-error",
         "[Errno 5] Input/output error"),
        (DeviceError("no sound"), "device-error", "no sound"),
        (DeviceError(), "device-error", "DeviceError"),
    ],
)
def test_a_trouble_that_lasts_has_the_same_words_each_time(
    error: OSError, reason: str, message: str
) -> None:
    assert (reason_of(error), message_of(error)) == (reason, message)


@pytest.mark.parametrize(
    ("running", "error", "open_after"),
    [
        ([PICTURE], DeviceError("no picture"), False),
        ([FILM, PICTURE], DeviceError("no picture"), True),
        ([PICTURE], FULL, True),
    ],
    ids=["alone", "while it records", "the disk's fault"],
)
def test_a_device_is_closed_after_an_error_of_its_own_that_hurts_no_other_work(
    running: list[Work], error: OSError, open_after: bool
) -> None:
    worker = Worker("camera.c", {}, Pipe()[0])
    worker._devices = {"camera.c": Device(None)}
    worker._running = {work.number: (work, Event()) for work in running}
    worker._release(PICTURE, error)
    assert ("camera.c" in worker._devices) == open_after


@pytest.fixture
def keeping(tmp_path: Path) -> tuple[Worker, Work]:
    """A worker, and its work: a sound that is whole and waits under its temporary name."""
    place = Place(tmp_path / ".a.flac.part", tmp_path / "a.flac")
    worker = Worker("microphone.m", {}, Pipe()[0])
    worker._devices, worker._running = {}, {}
    said = Tags("apiary-7", "microphone.m", 17)
    return worker, Work(3, "microphone.m", "record", 2.0, place, tags=said)


def facts_of(work: Work, samples: Any) -> dict[str, Any]:
    assert work.place is not None
    return {**write_sound(work.place.temporary, samples), **began(1000.0)}


def test_a_good_recording_is_kept_with_its_tags_and_features(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    facts = facts_of(work, hive_sound(2))
    done = worker._keep(work, facts, is_cut=False)
    assert done.failure is None
    assert not {"verdict", "findings"} & set(done.facts)
    assert (done.facts["size"], done.facts["sha256"]) == recordings.digest(done.path)
    assert tags.read(done.path).facts == facts
    assert len(done.readings) == 14
    assert {(r.sensor, r.at.utc_us) for r in done.readings} == {
        ("microphone.m", facts["start_utc_us"])
    }


def test_what_fails_its_check_is_kept_with_the_verdict(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    done = worker._keep(work, facts_of(work, np.zeros(32000)), is_cut=False)
    assert done.failure is not None
    assert done.failure.startswith("silent: ")
    assert done.facts["verdict"] == tags.read(done.path).verdict == "failed"
    assert done.facts["findings"] == [done.failure]
    assert {(r.value, r.reason) for r in done.readings} == {(None, "check-failed")}


def test_what_is_only_told_of_fails_nothing(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    done = worker._keep(work, {**facts_of(work, hive_sound(2)), "lost_samples": 5}, is_cut=False)
    assert done.failure is None
    assert done.facts["findings"] == ["lost: 5 samples (0.00 s) were lost on the way"]
    assert tags.read(done.path).findings == tuple(done.facts["findings"])


def test_too_short_is_what_was_not_cut(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    facts = facts_of(work, hive_sound(1))
    assert worker._keep(work, facts, is_cut=True).failure is None
    again = dataclasses.replace(work, place=Place(work.place.final, work.place.temporary))
    assert worker._keep(again, facts, is_cut=False).failure.startswith("short: ")


def test_of_what_cannot_be_read_no_evidence_is_kept(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    work.place.temporary.write_bytes(b"fLaC and no more")
    with pytest.raises(CheckFailedError, match="unreadable"):
        worker._keep(work, {"samples": 1, "rate": 1, "seconds": 1.0}, is_cut=False)
    assert work.place.temporary.exists()
    assert not work.place.final.exists()


# What is absent

@pytest.mark.parametrize(("kind", "options", "said"), [
    ("sensor", 'driver = "kernel"\ndevice = "28-0316a2794dff"', "28-0316a2794dff"),
    ("microphone", 'driver = "alsa"\ncard = "CARD=Device"', "no sound card Device; there are"),
    ("camera", 'driver = "v4l2"\ndevice = "/dev/v4l/by-path/none"', "no camera /dev/v4l"),
])
def test_hardware_that_is_not_there_is_found_with_its_place(tmp_path, kind, options, said):
    sysfs = tmp_path / "sys"
    sysfs.mkdir()
    file = tmp_path / "beemon.toml"
    file.write_text(f'# first\n[{kind}.a]\n{options}\nsysfs = "{sysfs}"\n')
    [problem] = find_absent(config.load(file).devices)
    assert str(problem).startswith(f"{file}:2: warning: {kind}.a: ")
    assert said in str(problem)


def test_what_is_there_is_not_absent(tmp_path):
    file = tmp_path / "beemon.toml"
    file.write_text('[sensor.a]\ndriver = "simulated"\n[sensor.b]\ndriver = "system"\n')
    assert find_absent(config.load(file).devices) == []


# What two devices want

@pytest.mark.parametrize(("first", "second", "resource"), [
    ('sensor.a]\ndriver = "gpio"\nkind = "contact"\npin = 17',
     'output.b]\ndriver = "gpio"\npin = 17', "GPIO 17"),
    ('sensor.a]\ndriver = "beams"\nouter = 5\ninner = 6',
     'sensor.b]\ndriver = "hx711"\nclock = 6\ndata = 7', "GPIO 6"),
    ('sensor.a]\ndriver = "mcp3008"\nchannel = 0',
     'sensor.b]\ndriver = "rain"\nmm_per_tip = 1\npin = 11', "GPIO 11"),
    ('sensor.a]\ndriver = "mcp3008"\nchannel = 0',
     'sensor.b]\ndriver = "mcp3008"\nchannel = 0', "input CH0 of the converter at CE0"),
    ('sensor.a]\ndriver = "kernel"\ndevice = "sht3x@1-0044"',
     'sensor.b]\ndriver = "kernel"\ndevice = "sht4x@1-0044"', "I2C address 1-0044"),
    ('sensor.a]\ndriver = "kernel"\ndevice = "28-0316a2794dff"',
     'sensor.b]\ndriver = "kernel"\ndevice = "28-0316a2794dff"', "28-0316a2794dff"),
    ('microphone.a]\ndriver = "alsa"\ncard = "CARD=Device"',
     'microphone.b]\ndriver = "alsa"\npcm = "plughw:CARD=Device,DEV=0"', "sound card Device"),
    ('camera.a]\ndriver = "v4l2"\ndevice = "/dev/v4l/by-id/one"',
     'camera.b]\ndriver = "v4l2"\ndevice = "/dev/v4l/by-id/one"', "camera /dev/v4l/by-id/one"),
    ('camera.a]\ndriver = "picamera2"', 'camera.b]\ndriver = "picamera2"', "camera 0"),
])
def test_what_two_devices_want_is_a_problem_with_both_places(tmp_path, first, second, resource):
    file = tmp_path / "beemon.toml"
    file.write_text(f"[{first}\n[{second}\n")
    devices = config.load(file).devices
    assert check_devices(devices) == []
    told = "\n".join(map(str, find_conflicts(devices)))
    names = re.findall(r"\[?(\w+\.[ab])\]", f"[{first}\n[{second}")
    assert resource in told
    assert all(name in told for name in names)
    assert told.count(f"{file}:") == 2 * len(told.splitlines())


@pytest.mark.parametrize(("first", "second"), [
    ('sensor.a]\ndriver = "mcp3008"\nchannel = 0', 'sensor.b]\ndriver = "mcp3008"\nchannel = 1'),
    ('sensor.a]\ndriver = "kernel"\ndevice = "sht3x@1-0044"\nchannels = "temp1"',
     'sensor.b]\ndriver = "kernel"\ndevice = "sht3x@1-0044"\nchannels = "humidity1"'),
    ('microphone.a]\ndriver = "alsa"\npcm = "dsnoop:CARD=Device"',
     'microphone.b]\ndriver = "alsa"\npcm = "dsnoop:CARD=Device"'),
    ('sensor.a]\ndriver = "simulated"', 'sensor.b]\ndriver = "simulated"'),
])
def test_what_can_be_shared_is_no_problem(tmp_path, first, second):
    file = tmp_path / "beemon.toml"
    file.write_text(f"[{first}\n[{second}\n")
    assert find_conflicts(config.load(file).devices) == []
