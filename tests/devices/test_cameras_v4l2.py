"""USB cameras. The picture comes from libavfilter's own, in real time, in place of the kernel's."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import threading
import time
from dataclasses import dataclass

import pytest
from contracts import CameraContract

from beemon.analysis.checks import examine
from beemon.devices import load
from beemon.devices._base import DeviceError, DeviceMissingError
from beemon.devices.cameras._jpeg import jpeg
from beemon.devices.cameras.v4l2 import Driver, Settings
from beemon.options import BadOptionError
from tests.grounds import jpeg_camera

av = pytest.importorskip("av")
pytest.importorskip("mutagen")
np = pytest.importorskip("numpy")

PATH = "/dev/v4l/by-id/usb-046d_HD_Webcam_C525-video-index0"


@dataclass(frozen=True, kw_only=True)
class Pattern(Settings):
    @property
    def wanted(self):
        return {}


class Camera(Driver):
    format = "lavfi"


@pytest.fixture
def jpegs(tmp_path):
    """A FIFO through which pictures come, fifteen a second, and those pictures."""
    stripes = np.full((48, 64, 3), 40, np.uint8)
    stripes[:, :16] = 200
    pictures = [
        jpeg(av.VideoFrame.from_ndarray(np.roll(stripes, shift, axis=1), format="rgb24"))
        for shift in range(25)
    ]
    fifo = tmp_path / "jpegs"
    os.mkfifo(fifo)

    def send():
        with contextlib.suppress(BrokenPipeError), fifo.open("wb", buffering=0) as pipe:
            for picture in itertools.islice(itertools.cycle(pictures), 600):
                pipe.write(picture)
                time.sleep(1 / 15)

    threading.Thread(target=send, daemon=True).start()
    return fifo, pictures


def camera(graph="testsrc2=size=320x240:rate=15,realtime", **options):
    sizes = {"width": 320, "height": 240, "frame_rate": 15, "bitrate": 300_000}
    return Camera(Pattern(name="camera.entrance", device=graph, **sizes, **options))


def record(device, path, seconds, **more):
    return device.record(path, seconds, threading.Event(), follows=False, **more)


def keys(path):
    with av.open(str(path)) as video:
        return [p.is_keyframe for p in video.demux(video=0) if p.size]


@pytest.fixture
def opened():
    device = camera()
    device.open()
    yield device
    device.close()


def test_a_recording_begins_with_a_key_frame_that_was_asked_for(opened, tmp_path):
    for name in "ab":
        begin = time.monotonic()
        record(opened, tmp_path / name, 0.4)
        assert time.monotonic() - begin < 0.4 + 0.6 or keys(tmp_path / name)[1:].count(True)
        assert keys(tmp_path / name)[0]


def test_what_a_camera_sends_as_jpeg_is_kept_as_it_comes(jpegs, tmp_path):
    fifo, sent = jpegs
    sizes = {"width": 64, "height": 48, "frame_rate": 15}
    device = jpeg_camera.Driver(
        jpeg_camera.Settings(name="camera.c", device=str(fifo), codec="mjpeg", **sizes)
    )
    device.open()
    facts = record(device, tmp_path / "a", 1.0)
    device.snapshot(tmp_path / "b")
    device.close()
    assert examine(tmp_path / "a", facts).findings == []
    assert examine(tmp_path / "b", {}).findings == []
    with av.open(str(tmp_path / "a")) as video:
        assert {bytes(packet) for packet in video.demux(video=0) if packet.size} <= set(sent)


def test_a_camera_that_ends_is_told_with_its_name(tmp_path):
    device = camera("testsrc2=size=320x240:rate=15:duration=1,realtime")
    device.open()
    with pytest.raises(DeviceError, match=r"testsrc2.* sends nothing any more"):
        record(device, tmp_path / "a", 600)
    device.close()


def test_one_that_ends_while_it_is_idle_is_lost_for_that_reason():
    device = camera("testsrc2=size=320x240:rate=15:duration=1,realtime", timeout=0.5)
    told = queue.SimpleQueue()
    device.on_lost = told.put
    device.open()
    assert "sends nothing any more" in str(told.get(timeout=20))
    device.close()


def test_a_camera_that_is_not_there_is_missing():
    table = {"driver": "v4l2", "device": "/dev/v4l/by-id/usb-absent"}
    with pytest.raises(DeviceMissingError, match="no camera /dev/v4l/by-id/usb-absent"):
        load("camera", "camera.entrance", table).open()


@pytest.mark.parametrize("device", ["/dev/video0", "/dev/v4l/by-id/../../video0", 3])
def test_a_path_that_changes_with_the_next_boot_is_refused(device):
    with pytest.raises(ValueError, match="/dev/v4l/by-id/"):
        load("camera", "camera.entrance", {"driver": "v4l2", "device": device})


def test_what_is_kept_as_it_comes_must_come_as_jpeg():
    with pytest.raises(BadOptionError, match="mjpeg"):
        Settings(name="camera.c", device=PATH, codec="mjpeg", input="yuyv422")


def test_the_camera_is_asked_for_what_the_config_says():
    wanted = Settings(name="camera.c", device=PATH, width=640, height=480, frame_rate=10).wanted
    assert wanted == {"video_size": "640x480", "framerate": "10"}
    as_jpeg = Settings(name="camera.c", device=PATH, codec="mjpeg").wanted
    assert as_jpeg["input_format"] == "mjpeg"


class TestContract(CameraContract):
    @pytest.fixture
    def device(self):
        return camera()
