"""A USB camera's driver over the kernel's own Video4Linux: vivid sends a test picture."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "devices"))

from contracts import CameraContract

from beemon.base.recording import RecordingFacts
from beemon.devices import load
from beemon.devices._base import DeviceMissingError

LINK = Path("/dev/v4l/by-id/usb-vivid-video-index0")  # as udev makes it; none runs here
OPTIONS = {"driver": "v4l2", "device": str(LINK), "width": 320, "height": 180, "frame_rate": 5}


def find() -> None:
    """Let the link lead to the camera, by the number that it has this time."""
    LINK.parent.mkdir(parents=True, exist_ok=True)
    LINK.unlink(missing_ok=True)
    for name in sorted(Path("/sys/class/video4linux").glob("video*/name")):
        if "vid-cap" in name.read_text():
            LINK.symlink_to(f"/dev/{name.parent.name}")


def camera(**options: Any) -> Any:
    return load("camera", "camera.entrance", {**OPTIONS, **options})


@pytest.fixture(autouse=True)
def there() -> None:
    find()


def record(device: Any, path: Path, seconds: float) -> RecordingFacts:
    return device.record(path, seconds, threading.Event(), follows=False)


def test_frames_have_the_kernel_s_times(tmp_path: Path) -> None:
    device = camera()
    device.open()
    before = time.time()
    facts = record(device, tmp_path / "a", 3)
    device.close()
    with av.open(str(tmp_path / "a")) as video:
        times = [float(frame.time) for frame in video.decode(video=0)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    print(f"{facts.frames} frames, {min(gaps):.3f} to {max(gaps):.3f} s apart")
    assert times[0] == 0.0
    # An emulated machine takes frames out of the kernel's queue seconds late; that is no matter.
    assert before - 5 < facts.start_utc_us / 1e6 < before + 5


def test_unplugged_and_plugged_in_again_it_records(tmp_path: Path) -> None:
    device = camera()
    device.open()
    unplug = ["v4l2-ctl", "-d", str(LINK.resolve()), "-c", "disconnect=1"]
    threading.Timer(2, subprocess.run, (unplug,)).start()
    with pytest.raises(DeviceMissingError, match="No such device"):
        record(device, tmp_path / "a", 60)
    device.close()
    subprocess.run(["modprobe", "-r", "vivid"], check=True)
    LINK.unlink()
    with pytest.raises(DeviceMissingError, match="no camera /dev/v4l/by-id/"):
        device.open()
    subprocess.run(["modprobe", "vivid", "n_devs=1"], check=True)
    find()
    device.open()
    assert record(device, tmp_path / "b", 1).frames
    device.close()


class TestContract(CameraContract):
    @pytest.fixture
    def device(self) -> Any:
        return camera()
