"""A Raspberry Pi's camera: the real picamera2 and its encoders over a stand-in for libcamera."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from beemon.checks.examine import examine
from beemon.devices import load
from beemon.devices._base import DeviceError, DeviceLostError, DeviceMissingError
from tests.devices.contracts import CameraContract
from tests.hive import Hive, until

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")

on_the_ground = pytest.mark.ground("picamera2")

FIVE_HOURS_US = 5 * 3600 * 1_000_000
SMALL = {"width": 320, "height": 240, "frame_rate": 15, "bitrate": 300_000}
SOFTWARE = {**SMALL, "encoder": "software", "warm_up": "0s"}
MODULES = Path(__file__).parents[1] / "grounds/pi_modules"
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def below():
    """The camera that libcamera would find."""
    from tests.grounds.pi_camera import install

    return install()


@pytest.fixture
def camera(below):
    opened = []

    def opener(**options):
        device = load("camera", "camera.entrance", {"driver": "picamera2", **SOFTWARE, **options})
        opened.append(device)
        device.open()
        return device

    yield opener
    below.stop_hangs = False
    for device in opened:
        device.close()


def record(device, path, seconds, *, cancelled=None, follows=False):
    return device.record(path, seconds, cancelled or threading.Event(), follows=follows)


def rest(device):
    until(lambda: device._encoding.is_resting, 20)


def times(path):
    with av.open(str(path)) as video:
        return [float(frame.time) for frame in video.decode(video=0)]


def picture(path):
    with av.open(str(path)) as image:
        return next(image.decode(video=0)).to_ndarray(format="rgb24").astype(int)


@on_the_ground
class TestRecordings:
    def test_two_may_overlap(self, camera, tmp_path):
        device = camera()
        facts = {}

        def film(name, seconds):
            facts[name] = record(device, tmp_path / name, seconds)

        threads = [threading.Thread(target=film, args=args) for args in (("a", 2.0), ("b", 1.0))]
        for thread in threads:
            thread.start()
            time.sleep(0.3)
        for thread in threads:
            thread.join()
        assert [examine(tmp_path / name, facts[name]).findings for name in "ab"] == [[], []]
        assert facts["b"].first_frame < facts["a"].first_frame + facts["a"].frames

    def test_one_that_follows_leaves_no_frame_out(self, camera, tmp_path):
        device = camera()
        first = record(device, tmp_path / "a", 0.7)
        time.sleep(0.4)
        second = record(device, tmp_path / "b", 0.7, follows=True)
        assert second.first_frame <= first.first_frame + first.frames
        assert (first.lost_frames, second.lost_frames) == (0, 0)

    @pytest.mark.parametrize("codec", ["h264", "mjpeg"])
    def test_between_two_of_them_nothing_is_encoded(self, camera, tmp_path, codec):
        device = camera(codec=codec)
        for name in "ab":
            rest(device)
            before = device._encoding.ring.end
            device.snapshot(tmp_path / "picture")
            time.sleep(0.5)
            assert device._encoding.ring.take(before, 0) == []
            begin = time.monotonic()
            facts = record(device, tmp_path / name, 1)
            assert facts.first_frame > before + 3
            assert facts.lost_frames == 0
            assert begin - 0.3 < facts.start_monotonic < time.monotonic() - 1 + 0.3
            assert examine(tmp_path / name, facts, asked=1.0).findings == []

    def test_what_was_before_is_in_it(self, camera, tmp_path):
        device = camera(pre_roll="2s")
        time.sleep(3)
        facts = record(device, tmp_path / "a", 1)
        assert 1.9 < facts.pre_roll < 3.2
        assert facts.seconds == pytest.approx(1 + facts.pre_roll, abs=0.2)
        assert examine(tmp_path / "a", facts).findings == []

    def test_it_begins_at_zero_after_five_hours(self, camera, below, tmp_path):
        device = camera()
        below.ahead_us = FIVE_HOURS_US
        time.sleep(0.2)
        record(device, tmp_path / "a", 0.5)
        assert times(tmp_path / "a")[0] == 0.0

    def test_its_frames_are_of_when_the_sensor_saw_them(self, camera, tmp_path):
        device = camera()
        before = time.time()
        facts = record(device, tmp_path / "a", 0.5)
        assert before - 0.2 < facts.start_utc_us / 1e6 < before + 2

    def test_it_is_not_used_before_it_has_run_for_a_while(self, camera):
        begin = time.monotonic()
        camera(warm_up="1.5s")
        assert time.monotonic() - begin > 1.5

    def test_a_light_is_on_for_it_and_off_otherwise(self, camera, tmp_path):
        gpiozero = pytest.importorskip("gpiozero")
        from gpiozero.pins.mock import MockFactory

        before, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, MockFactory()
        device = camera(light_pin=17, light_lead="0.1s")
        pin = gpiozero.Device.pin_factory.pin(17)
        seen = [pin.state]
        threading.Timer(0.5, lambda: seen.append(pin.state)).start()
        record(device, tmp_path / "a", 1)
        assert [*seen, pin.state] == [0, 1, 0]
        device.close()
        gpiozero.Device.pin_factory = before

    def test_it_may_be_mjpeg(self, camera, tmp_path):
        facts = record(camera(codec="mjpeg"), tmp_path / "a", 1)
        assert examine(tmp_path / "a", facts).findings == []
        with av.open(str(tmp_path / "a")) as video:
            assert video.streams.video[0].codec_context.name == "mjpeg"

    def test_killed_at_any_moment_it_plays_but_for_a_group_and_a_second(self, tmp_path):
        seconds = random.uniform(2.5, 4.5)
        worker = subprocess.Popen([sys.executable, "-c", RECORD_FOR_EVER, str(tmp_path / "a")],
                                  cwd=PROJECT, stdout=subprocess.PIPE,
                                  env={**os.environ, "PYTHONPATH": f"{MODULES}:{PROJECT}"})
        worker.stdout.readline()
        until(lambda: (tmp_path / "a").exists() and (tmp_path / "a").stat().st_size, 20)
        begin = time.monotonic()
        time.sleep(seconds)
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate()
        assert times(tmp_path / "a")[-1] >= time.monotonic() - begin - 2 - 0.3


RECORD_FOR_EVER = """
import sys, threading
from pathlib import Path
from beemon.devices import load
options = {"width": 320, "height": 240, "frame_rate": 15, "encoder": "software"}
camera = load("camera", "camera.entrance", {"driver": "picamera2", **options})
camera.open()
print(flush=True)
camera.record(Path(sys.argv[1]), 600, threading.Event(), follows=False)
"""


@on_the_ground
class TestSnapshots:
    def test_they_cost_a_recording_nothing(self, camera, tmp_path):
        device, made = camera(), []
        film = threading.Thread(target=lambda: made.append(record(device, tmp_path / "a", 2)))
        film.start()
        taken = 0
        while film.is_alive():
            device.snapshot(tmp_path / "b")
            taken += 1
            time.sleep(0.05)
        assert taken > 3
        assert examine(tmp_path / "a", *made).findings == []

    def test_they_show_the_hive_s_entrance(self, camera, tmp_path):
        from beemon.devices.cameras.simulated.entrance import Entrance

        camera().snapshot(tmp_path / "a")
        there = Entrance(320, 240, 1).picture(0.5).astype(int)
        noise = np.square(picture(tmp_path / "a") - there).mean()
        assert 10 * np.log10(255**2 / noise) > 24  # dB; bees move, the hive does not

    def test_they_may_be_larger_than_the_video(self, camera, tmp_path):
        device = camera(picture_width=640, picture_height=480)
        facts = device.snapshot(tmp_path / "a")
        assert (facts.width, facts.height) == (640, 480)
        assert picture(tmp_path / "a").shape == (480, 640, 3)
        facts = record(device, tmp_path / "b", 0.5)
        assert (facts.width, facts.height) == (320, 240)
        assert examine(tmp_path / "b", facts).findings == []

    def test_rows_need_not_be_a_multiple_of_64_bytes(self, camera, tmp_path):
        device = camera(width=336)
        facts = device.snapshot(tmp_path / "a")
        assert picture(tmp_path / "a").shape == (240, 336, 3)
        facts = record(device, tmp_path / "b", 0.5)
        assert examine(tmp_path / "b", facts).findings == []


@on_the_ground
class TestFaults:
    def test_ten_restarts_leave_nothing_behind(self, camera, tmp_path):
        device = camera()
        device.close()
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(10):
            device.open()
            assert record(device, tmp_path / "a", 0.2).frames
            device.close()
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2

    def test_a_recording_whose_frames_stop_is_over_and_the_device_lost(
        self, camera, below, tmp_path
    ):
        device = camera(timeout="1s")
        threading.Timer(2.5, below.stall).start()
        with pytest.raises(DeviceLostError, match=r"no frame came for 1\.2 s"):
            record(device, tmp_path / "a", 60)
        assert times(tmp_path / "a")  # what there was until then can be played

    def test_frames_that_stop_while_nobody_wants_them_are_told(self, camera, below):
        device = camera(timeout="1s")
        told = []
        device.on_lost = told.append
        below.stall()
        until(lambda: told, 20)
        assert told[0].reason == "stalled"

    def test_pictures_that_stop_while_the_encoder_rests_are_told(self, camera, below):
        device = camera(timeout="1s")
        told = []
        device.on_lost = told.append
        rest(device)
        time.sleep(1.5)
        assert told == []
        below.stall()
        until(lambda: told, 20)
        assert told[0].reason == "stalled"

    def test_a_camera_that_gives_nothing_from_the_start_is_lost(self, camera, below, monkeypatch):
        monkeypatch.setattr(below, "_complete", lambda *_: None)
        with pytest.raises(DeviceLostError, match="no frame came within"):
            camera(timeout="1s")

    def test_a_camera_that_does_not_stop_is_lost(self, camera, below):
        device = camera()
        told = []
        device.on_lost = told.append
        below.stop_hangs = True
        device.close()
        assert "did not stop" in str(told[0])

    def test_a_lack_of_contiguous_memory_ends_the_worker(self, camera, below):
        below.out_of_memory = True
        with pytest.raises(DeviceLostError, match="Cannot allocate memory") as told:
            camera()
        assert told.value.reason == "no-memory"

    def test_a_camera_in_use_is_told_and_can_be_opened_later(self, camera, below):
        below.busy = True
        with pytest.raises(DeviceError, match="Device or resource busy"):
            camera()
        below.busy = False
        camera()

    def test_a_camera_that_is_not_there_is_missing(self, camera):
        with pytest.raises(DeviceMissingError, match="no camera 1; libcamera sees: imx708"):
            camera(camera=1)

    def test_what_a_camera_cannot_do_is_told(self, camera, below):
        below.controls = {c: i for c, i in below.controls.items() if c.name != "AfMode"}
        with pytest.raises(DeviceError, match="AfMode is not advertised"):
            camera(focus="continuous")

    def test_the_hardware_s_encoder_is_tried_where_there_should_be_one(self, camera, tmp_path):
        """This machine has no /dev/video11; what opens it there is picamera2's own encoder."""
        with pytest.raises(DeviceError, match="/dev/video11"):
            camera(encoder="hardware")
        record(camera(), tmp_path / "a", 0.2)


@on_the_ground
class TestSettings:
    def test_they_reach_the_camera(self, camera, below):
        device = camera(
            horizontal_flip=True, vertical_flip=True, region=[0.25, 0.5, 0.5, 0.5],
            exposure_us=2000, gain=4.0, focus=0.25,
        )
        wanted = {"ExposureTime": 2000, "AnalogueGain": 4.0, "LensPosition": 4.0, "AfMode": 0,
                  "ExposureTimeMode": 1, "FrameDurationLimits": (66667, 66667)}
        assert wanted.items() <= below.applied.items()
        crop = until(lambda: below.applied.get("ScalerCrop"))
        assert crop.to_tuple() == (1152, 1296, 2304, 1296)
        assert below.orientation.name == "Rotate180"
        device.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bitrate": 90_000}, "between 150000"),
        ({"width": 641}, "even number"),
        ({"region": [0.5, 0, 0.6, 1]}, r"within \[0, 0, 1, 1\]"),
        ({"region": "all"}, r"\[left, top, width, height\]"),
        ({"focus": 0}, "metres"),
        ({"focus": True}, "metres"),
        ({"picture_width": 640}, "belong together"),
        ({"picture_width": 640, "picture_height": 480}, "smaller than the video"),
        ({"exposure_us": 50_000}, "fit into a frame"),
        ({"exposure_us": 500, "gain": 2.0, "brighter": 1.0}, "no effect"),
        ({"pre_roll": "31s"}, "at most 30s"),
        ({"warm_up": "11s"}, "at most 10s"),
        ({"pre_roll": "2s", "light_pin": 4}, "dark"),
        ({"codec": "h265"}, '"h264", "mjpeg"'),
    ],
)
def test_settings_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        load("camera", "camera.entrance", {"driver": "picamera2", **options})


@on_the_ground
def test_in_the_service_a_stalled_camera_fails_its_job_and_the_next_one_is_done(tmp_path):
    table = "".join(f"{key} = {value}\n" for key, value in SMALL.items())
    devices = (
        '[camera.entrance]\ndriver = "picamera2"\nencoder = "software"\ntimeout = "1s"\n'
        f'warm_up = "0s"\n{table}'
    )
    path = f"{MODULES}:{PROJECT}"
    with Hive(tmp_path, devices, PYTHONPATH=path, PI_CAMERA=str(tmp_path)) as hive:
        assert hive.do("record camera.entrance 1")["outcome"] == "done", hive.said()
        before = hive.children()
        (tmp_path / "stall").touch()
        stalled = hive.do("record camera.entrance 30")
        assert (stalled["outcome"], stalled["reason"]) == ("failed", "stalled")
        (tmp_path / "stall").unlink()
        until(lambda: hive.do("record camera.entrance 1")["outcome"] == "done", 30)
        assert hive.children() != before


@on_the_ground
class TestContract(CameraContract):
    @pytest.fixture
    def device(self, below):
        return load("camera", "camera.entrance", {"driver": "picamera2", **SOFTWARE})
