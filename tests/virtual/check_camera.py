"""The driver picamera2 with libcamera's virtual camera, which replays pictures of a hive."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "devices"))

from contracts import CameraContract

from beemon.checks.examine import examine
from beemon.devices import load
from beemon.devices._base import DeviceLostError

HIVE = Path("/hive")
OPTIONS = {
    "driver": "picamera2", "encoder": "software", "width": 640, "height": 480,
    "frame_rate": 15, "bitrate": 2_000_000, "timeout": "2s", "warm_up": "0s",
}


def camera(**options):
    return load("camera", "camera.entrance", {**OPTIONS, **options})


@pytest.fixture
def opened():
    device = camera()
    device.open()
    yield device
    device.close()


def record(device, path, seconds, *, follows=False):
    return device.record(path, seconds, threading.Event(), follows=follows)


def pictures(path):
    """Their brightness, as it is stored."""
    with av.open(str(path)) as container:
        return [brightness(frame) for frame in container.decode(video=0)]


def brightness(frame):
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].astype(float)


def psnr(one, other):
    """Peak signal to noise ratio in dB."""
    return 10 * np.log10(255**2 / max(np.square(one - other).mean(), 1e-9))


def ssim(one, other, size=8):
    """Structural similarity over blocks: Wang et al., IEEE Trans. Image Processing 13 (2004)."""

    def blocks(image):
        rows, columns = (length // size for length in image.shape)
        parts = image[: rows * size, : columns * size].reshape(rows, size, columns, size)
        return parts.transpose(0, 2, 1, 3).reshape(rows * columns, -1)

    x, y = blocks(one), blocks(other)
    mean_x, mean_y = x.mean(1), y.mean(1)
    both = ((x - mean_x[:, None]) * (y - mean_y[:, None])).mean(1)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    return (alike / ((mean_x**2 + mean_y**2 + c1) * (x.var(1) + y.var(1) + c2))).mean()


@pytest.fixture(scope="module")
def hive():
    """What the camera is shown, as brightness."""
    return [pictures(path)[0] for path in sorted(HIVE.glob("*.jpg"))]


def best(seen, hive):
    """How like the most similar of the pictures it is: dB, and structure up to 1."""
    shown = max(hive, key=lambda picture: psnr(seen, picture))
    return psnr(seen, shown), ssim(seen, shown)


def test_a_snapshot_shows_the_hive(opened, hive, tmp_path):
    """The virtual camera gives full range where a Pi's gives limited: it is stretched too far."""
    opened.snapshot(tmp_path / "a")
    seen = pictures(tmp_path / "a")[0]
    noise, structure = best(16 + seen * 219 / 255, hive)
    print(f"snapshot: {noise:.1f} dB, SSIM {structure:.3f}")
    assert noise > 30
    assert structure > 0.9


def test_a_recording_shows_the_hive(opened, hive, tmp_path):
    record(opened, tmp_path / "a", 3)
    found = [best(picture, hive) for picture in pictures(tmp_path / "a")[::5]]
    print(f"recording: {min(found)[0]:.1f} dB, SSIM {min(s for _, s in found):.3f} at the least")
    assert min(noise for noise, _ in found) > 28
    assert min(structure for _, structure in found) > 0.85


def test_recordings_overlap_and_snapshots_disturb_neither(opened, tmp_path):
    facts = {}

    def film(name, seconds):
        facts[name] = record(opened, tmp_path / name, seconds)

    films = [threading.Thread(target=film, args=args) for args in (("a", 3), ("b", 2))]
    for thread in films:
        thread.start()
    taken = 0
    while any(thread.is_alive() for thread in films):
        opened.snapshot(tmp_path / "c")
        taken += 1
        time.sleep(0.1)
    assert taken > 3
    assert [examine(tmp_path / name, facts[name]).findings for name in "ab"] == [[], []]
    assert [facts[name].lost_frames for name in "ab"] == [0, 0]


def test_between_recordings_nothing_is_encoded_and_the_next_one_begins_at_once(opened, tmp_path):
    for name in "ab":
        deadline = time.monotonic() + 20
        while not opened._encoding.is_resting:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        before = opened._encoding.ring.end
        opened.snapshot(tmp_path / "c")
        time.sleep(3)
        assert opened._encoding.ring.take(before, 0) == []
        begin = time.monotonic()
        facts = record(opened, tmp_path / name, 1)
        print(f"after {facts.first_frame - before} pictures: {facts.start_monotonic - begin:.3f} s")
        assert begin - 0.5 < facts.start_monotonic < time.monotonic() - 1 + 0.5
        assert facts.lost_frames == 0
        assert examine(tmp_path / name, facts, asked=1.0).findings == []


def test_ten_restarts(tmp_path):
    device = camera()
    descriptors = []
    for _ in range(10):
        device.open()
        device.snapshot(tmp_path / "a")
        assert record(device, tmp_path / "b", 0.3).frames
        device.close()
        descriptors.append(len(list(Path("/proc/self/fd").iterdir())))
    print(f"descriptors after each of ten restarts: {descriptors}")
    assert max(descriptors[1:]) <= descriptors[0] + 2


IN_A_PROCESS = f"""
import sys, threading
from pathlib import Path
from beemon.devices import load
device = load("camera", "camera.entrance", {OPTIONS!r})
device.open()
print("open", flush=True)
print(device.record(Path(sys.argv[1]), 600, threading.Event(), follows=False), flush=True)
"""


@pytest.fixture
def recording(tmp_path):
    """A process that records, from when the first of it is on the disk."""
    environment = {**os.environ, "PI_CAMERA": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_PROCESS, str(tmp_path / "a")], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == "open\n"
    deadline = time.monotonic() + 20
    while not (tmp_path / "a").exists() or not (tmp_path / "a").stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("attempt", range(3))
def test_killed_at_any_moment_it_plays_but_for_a_group_and_a_second(recording, tmp_path, attempt):
    begin = time.monotonic()
    time.sleep(random.uniform(2, 5))
    os.kill(recording.pid, signal.SIGKILL)
    recording.wait()
    recorded = time.monotonic() - begin
    with av.open(str(tmp_path / "a")) as video:
        plays = max(float(frame.time) for frame in video.decode(video=0))
    print(f"killed after {recorded:.2f} s: {plays:.2f} s play")
    assert plays >= recorded - 2


def test_a_stream_that_stalls_is_told_in_time(recording, tmp_path):
    time.sleep(1.5)
    (tmp_path / "stall").touch()
    begin = time.monotonic()
    _, errors = recording.communicate(timeout=30)
    assert DeviceLostError.__name__ in errors
    assert "no frame came for 2.2 s" in errors
    assert time.monotonic() - begin < 10
    assert len(pictures(tmp_path / "a")) > 10


def test_what_kept_libcamera_s_allocator_from_encoding(tmp_path):
    """picamera2 maps its buffers for each use; x264 still holds the last one when it unmaps it."""
    environment = {**os.environ, "PI_CAMERA_ALLOCATOR": "LibcameraAllocator"}
    ended = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, str(tmp_path / "a")], env=environment,
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert "BufferError: cannot close exported pointers exist" in ended.stderr
    assert "DeviceLostError: no frame came within" in ended.stderr


class TestContract(CameraContract):
    @pytest.fixture
    def device(self):
        return camera()
