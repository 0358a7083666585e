"""A device is resolved once, when its config is loaded; what is asked of it then costs nothing."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest

from beemon.config import settings as config
from beemon.devices.ask import ResolvedDevice, find_absent, find_conflicts, resolve_devices
from beemon.worker.lanes import calibration_timeout_of, lane_of
from tests.hive import Hive, until
from tests.plugins import install


def resolved(file: Path) -> Collection[ResolvedDevice]:
    """The devices of a config whose drivers have no problem with it."""
    devices, problems = resolve_devices(config.load(file).devices)
    assert problems == []
    return devices.values()


def test_every_problem_is_found_at_once_and_the_other_devices_are_resolved(tmp_path):
    file = tmp_path / "beemon.toml"
    file.write_text(
        '[sensor.a]\ndriver = "simulatd"\n[sensor.b]\ndriver = "gpio"\nkind = "door"\n'
        '[sensor.c]\ndriver = "simulated"\n'
    )
    devices, problems = resolve_devices(config.load(file).devices)
    assert list(devices) == ["sensor.c"]
    assert [problem.where for problem in problems] == [f"{file}:{line}" for line in (2, 3, 5)]


EACH_KIND = """
[camera.a]
driver = "simulated"
[camera.a.schedule]
interval = "1h"
duration = "30s"
[microphone.b]
driver = "simulated"
[sensor.c]
driver = "simulated"
timeout = "2s"
samples = 4
[sensor.c.calibration.bridge]
quantity = "weight"
unit = "g"
[output.d]
driver = "simulated"
"""


@pytest.fixture
def each(tmp_path):
    (tmp_path / "beemon.toml").write_text(EACH_KIND)
    return list(resolved(tmp_path / "beemon.toml"))


def test_what_a_device_is_asked_without_being_opened(each):
    camera, microphone, sensor, output = each
    assert [device.group for device in each] == ["camera.a", "microphone.b", "sensors", "gpio"]
    assert [device.timeout for device in each] == [5, 5, 8, 5]
    assert [camera.suffix_of("record"), camera.suffix_of("snapshot")] == [".mp4", ".jpg"]
    assert microphone.suffix_of("record") == ".flac"
    assert [sensor.calibrates("bridge"), sensor.calibrates("temperature")] == [True, False]
    assert not output.calibrates("bridge")
    assert camera.bytes_a_slot == 30 * camera.settings.bytes_a_second


def test_what_waits_for_what_and_how_long(each):
    camera, microphone, sensor, _ = each
    assert lane_of(sensor, "read", "tcp") == lane_of(sensor, "calibrate", "tcp") == "sensors"
    assert lane_of(camera, "snapshot", "tcp") != lane_of(camera, "record", "tcp")
    assert lane_of(microphone, "record", "tcp") != lane_of(camera, "record", "tcp")
    assert calibration_timeout_of(sensor) == 2 + 30


def test_only_a_recorder_makes_a_file(each):
    with pytest.raises(TypeError, match="cannot record"):
        each[2].suffix_of("record")


NOTES = """
import os
from dataclasses import dataclass
from pathlib import Path
from beemon.devices._base import Measurement, Sensor, SensorSettings

def note(what):
    with Path({book!r}).open("a") as file:
        file.write(what + "\\n")

@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    def __post_init__(self):
        note("settings")

class Driver(Sensor):
    def read(self):
        note("read")
        return [Measurement("weight", 1.0, "g")]
"""


@pytest.mark.process
def test_a_scheduled_reading_builds_no_settings_and_a_reload_builds_them_once(
    tmp_path
):
    site, book = tmp_path / "site", tmp_path / "book"
    site.mkdir()
    install(site, "[beemon.sensors]\nnotes = hive_notes\n", hive_notes=NOTES.format(book=str(book)))
    device = '[sensor.a]\ndriver = "notes"\n[sensor.a.schedule]\ninterval = "1s"\n'

    def count() -> Counter[str]:
        return Counter(book.read_text().split())

    with Hive(tmp_path, device, PYTHONPATH=str(site)) as hive:
        until(lambda: count()["read"] >= 3, 20)
        assert count()["settings"] == 2  # by the Orchestrator, and by the worker that holds it
        assert hive.do("reload")["outcome"] == "done"
        before = count()["read"]
        until(lambda: count()["read"] >= before + 2, 20)
        assert count()["settings"] == 3


# What is absent

@pytest.mark.parametrize(("kind", "options", "said"), [
    ("sensor", 'driver = "kernel"\ndevice = "28-0316a2794dff"', "28-0316a2794dff"),
    ("microphone", 'driver = "alsa"\ncard = "CARD=Device"', "no sound card Device; there are"),
    ("camera", 'driver = "v4l2"\ndevice = "/dev/v4l/by-path/none"', "no camera /dev/v4l"),
])
def test_hardware_that_is_not_there_is_found_with_its_place(
    tmp_path, monkeypatch, kind, options, said
):
    sysfs = tmp_path / "sys"
    sysfs.mkdir()
    (tmp_path / "arecord").touch(0o755)  # which this machine may lack
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    file = tmp_path / "beemon.toml"
    file.write_text(f'# first\n[{kind}.a]\n{options}\nsysfs = "{sysfs}"\n')
    [problem] = find_absent(resolved(file))
    assert str(problem).startswith(f"{file}:2: warning: {kind}.a: ")
    assert said in str(problem)


def test_what_is_there_is_not_absent(tmp_path):
    file = tmp_path / "beemon.toml"
    file.write_text('[sensor.a]\ndriver = "simulated"\n[sensor.b]\ndriver = "system"\n')
    assert find_absent(resolved(file)) == []


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
    told = "\n".join(map(str, find_conflicts(resolved(file))))
    names = re.findall(r"\[?(\w+\.[ab])\]", f"[{first}\n[{second}")
    assert resource in told
    assert all(name in told for name in names)
    assert told.count(f"{file}:") == 2 * len(told.splitlines())


@pytest.mark.parametrize(("first", "second"), [
    ('sensor.a]\ndriver = "mcp3008"\nchannel = 0', 'sensor.b]\ndriver = "mcp3008"\nchannel = 1'),
    ('sensor.a]\ndriver = "kernel"\ndevice = "sht3x@1-0044"\nchannels = ["temp1"]',
     'sensor.b]\ndriver = "kernel"\ndevice = "sht3x@1-0044"\nchannels = ["humidity1"]'),
    ('microphone.a]\ndriver = "alsa"\npcm = "dsnoop:CARD=Device"',
     'microphone.b]\ndriver = "alsa"\npcm = "dsnoop:CARD=Device"'),
    ('sensor.a]\ndriver = "simulated"', 'sensor.b]\ndriver = "simulated"'),
])
def test_what_can_be_shared_is_no_problem(tmp_path, first, second):
    file = tmp_path / "beemon.toml"
    file.write_text(f"[{first}\n[{second}\n")
    assert find_conflicts(resolved(file)) == []
