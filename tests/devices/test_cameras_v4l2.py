"""USB cameras. The picture comes from libavfilter's own, in real time, in place of the kernel's."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import threading
import time
from dataclasses import dataclass
from fractions import Fraction

import pytest

from beemon.base.options import BadOptionError
from beemon.base.recording import RecordingFacts
from beemon.checks.examine import examine
from beemon.devices import load
from beemon.devices._base import DeviceError, DeviceLostError, DeviceMissingError
from beemon.devices.cameras._jpeg import jpeg
from beemon.devices.cameras.v4l2 import Driver, Settings
from beemon.media.measure import measure
from tests.devices.contracts import CameraContract
from tests.grounds import jpeg_camera
from tests.hive import until
from tests.samples import View

pytestmark = pytest.mark.process

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


class Packets(jpeg_camera.Driver):
    """Over a pipe of NUT, which keeps each packet and its time as they are, bad ones too."""

    format = "nut"


@dataclass(frozen=True, kw_only=True)
class PacketSettings(jpeg_camera.Settings):
    @property
    def wanted(self):
        return {"fflags": "nobuffer", "probesize": "32768", "analyzeduration": "0"}


@pytest.fixture
def sends(tmp_path):
    """Opens a camera that sends pictures of this size at this rate, some of them spoilt."""
    with contextlib.ExitStack() as devices:
        def sends(rate, size, spoil=lambda _number, data: data, **options):
            fifo = tmp_path / "packets"
            os.mkfifo(fifo)
            threading.Thread(target=send, args=(fifo, rate, size, spoil), daemon=True).start()
            settings = PacketSettings(name="camera.c", device=str(fifo), warm_up=0.0, **options)
            device = Packets(settings)
            device.open()
            devices.callback(device.close)
            return device

        yield sends


def send(fifo, rate, size, spoil):
    pictures = [
        jpeg(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        for picture in View(*size).pictures(4 * rate, rate)
    ]
    with contextlib.suppress(BrokenPipeError, OSError), av.open(
        str(fifo), "w", format="nut", options={"flush_packets": "1"}
    ) as out:
        stream = out.add_stream("mjpeg", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuvj420p"
        for number in range(60 * rate):
            packet = av.Packet(spoil(number, pictures[number % len(pictures)]))
            packet.stream, packet.time_base = stream, Fraction(1, 1_000_000)
            packet.pts = packet.dts = round(number / rate * 1e6)
            packet.is_keyframe = True
            out.mux(packet)
            time.sleep(1 / rate)


SPOILT = (
    lambda data: bytes(len(data)),
    lambda data: np.random.default_rng(1).bytes(len(data)),
    lambda data: data[: len(data) // 2],
    lambda data: data[:20],
)


def camera(graph="testsrc2=size=320x240:rate=15,realtime", **options):
    sizes = {"width": 320, "height": 240, "frame_rate": 15, "bitrate": 300_000, "warm_up": 0.0}
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


def rest(device):
    until(lambda: device._encoding.is_resting, 20)


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_between_recordings_nothing_is_encoded_and_the_next_one_begins_at_once(
    sends, tmp_path, codec
):
    device = sends(15, (96, 64), width=96, height=64, frame_rate=15, codec=codec)
    rest(device)
    resting = device._encoding.ring.end
    until(lambda: device._encoding.ring.end > resting + 1)  # one picture may be in the encoder
    before = device._encoding.ring.end
    device.snapshot(tmp_path / "picture")
    time.sleep(1)
    assert device._encoding.ring.take(before, 0) == []
    begin, asked = time.monotonic(), device._encoding.ring.end
    facts = record(device, tmp_path / "a", 1.0)
    assert asked >= before + 5
    assert facts.first_frame == pytest.approx(asked, abs=5)
    assert facts.lost_frames == 0
    assert begin - 0.3 < facts.start_monotonic < time.monotonic() - 1 + 0.3
    assert facts.seconds == pytest.approx(1.0, abs=0.01)
    assert keys(tmp_path / "a")[0]
    assert examine(tmp_path / "a", facts, asked=1.0).findings == []


def test_a_camera_that_sends_torn_pictures_while_nobody_records_is_lost(sends):
    spoilt = threading.Event()
    device = sends(15, (96, 64), lambda _, data: data[:20] if spoilt.is_set() else data,
                   timeout=1.0)
    told = queue.SimpleQueue()
    device.on_lost = told.put
    rest(device)
    time.sleep(2)
    assert told.empty()
    spoilt.set()
    assert "pictures that cannot be decoded" in str(told.get(timeout=20))


def test_what_a_camera_sends_as_jpeg_is_kept_as_it_comes(jpegs, tmp_path):
    fifo, sent = jpegs
    sizes = {"width": 64, "height": 48, "frame_rate": 15, "warm_up": 0.0}
    device = jpeg_camera.Driver(
        jpeg_camera.Settings(name="camera.c", device=str(fifo), codec="mjpeg", **sizes)
    )
    device.open()
    facts = record(device, tmp_path / "a", 1.0)
    device.snapshot(tmp_path / "b")
    device.close()
    assert examine(tmp_path / "a", facts).findings == []
    assert examine(tmp_path / "b", RecordingFacts()).findings == []
    with av.open(str(tmp_path / "a")) as video:
        assert {bytes(packet) for packet in video.demux(video=0) if packet.size} <= set(sent)


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_bad_pictures_among_good_ones_are_left_out_and_counted(sends, tmp_path, codec):
    def spoil(number, data):
        return SPOILT[number // 3 % len(SPOILT)](data) if number % 3 == 2 else data

    device = sends(15, (96, 64), spoil, width=96, height=64, frame_rate=15, codec=codec)
    facts = record(device, tmp_path / "a", 1.0)
    assert facts.bad_pictures in (4, 5)
    assert facts.frames == pytest.approx(15 - facts.bad_pictures, abs=1)
    found = examine(tmp_path / "a", facts, asked=1.0)
    assert [(f.word, f.fails) for f in found.findings] == [("broken", False)]


def test_a_camera_of_which_every_picture_is_torn_is_lost_for_that_reason(sends):
    with pytest.raises(DeviceLostError, match=r"but \d+ pictures that cannot be decoded"):
        sends(15, (96, 64), lambda _, data: data[:20], timeout=2.0)


def test_a_camera_that_never_writes_a_pictures_end_is_recorded(sends, tmp_path):
    device = sends(15, (96, 64), lambda _, data: data[:-2], width=96, height=64, frame_rate=15)
    assert record(device, tmp_path / "a", 1.0).bad_pictures is None


def test_a_camera_that_is_slower_than_asked_is_recorded_at_its_own_rate(sends, tmp_path):
    device = sends(10, (96, 64), width=96, height=64, frame_rate=30)
    facts = record(device, tmp_path / "a", 1.0)
    assert facts.frame_rate == pytest.approx(10, abs=0.1)
    assert (facts.frames, facts.seconds) == (10, pytest.approx(1.0))
    assert "sends 10 pictures a second, not the 30" in facts.informed
    assert "set frame_rate = 10" in facts.informed
    assert examine(tmp_path / "a", facts, asked=1.0).findings == []


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_a_camera_of_another_size_is_recorded_at_its_own_size(sends, tmp_path, codec):
    device = sends(15, (160, 120), width=1280, height=720, frame_rate=15, codec=codec)
    facts = record(device, tmp_path / "a", 1.0)
    picture = device.snapshot(tmp_path / "b")
    for found in (facts, picture):
        assert (found.width, found.height) == (160, 120)
    for found in (measure(tmp_path / "a"), measure(tmp_path / "b")):
        assert (found.width, found.height) == (160, 120)
    assert "set width = 160 and height = 120" in facts.informed
    assert picture.informed is not None


def test_a_picture_of_another_size_than_the_others_is_left_out(sends, tmp_path):
    def grow(number, data):
        at = data.index(b"\xff\xc0") + 5
        return data[:at] + b"\x01" + data[at + 1 :] if number % 8 == 7 else data

    facts = record(sends(15, (96, 64), grow, frame_rate=15), tmp_path / "a", 1.0)
    assert (facts.height, facts.bad_pictures) in ((64, 1), (64, 2))


def test_a_camera_that_sends_no_jpeg_is_not_kept_as_it_comes():
    device = camera(codec="mjpeg")
    with pytest.raises(DeviceError, match=r'sends .*, not MJPEG: set codec = "h264"'):
        device.open()


def test_a_camera_that_ends_is_told_with_its_name(tmp_path):
    device = camera("testsrc2=size=320x240:rate=15:duration=1,realtime")
    device.open()
    with pytest.raises(DeviceError, match=r"testsrc2.* stopped sending pictures"):
        record(device, tmp_path / "a", 600)
    device.close()


def test_one_that_ends_while_it_is_idle_is_lost_for_that_reason():
    device = camera("testsrc2=size=320x240:rate=15:duration=1,realtime", timeout=0.5)
    told = queue.SimpleQueue()
    device.on_lost = told.put
    device.open()
    assert "stopped sending pictures" in str(told.get(timeout=20))
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
