"""The simulated camera."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from beemon.devices import load
from beemon.devices._base import LibraryMissingError
from tests.devices.contracts import CameraContract

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")

from beemon.devices.cameras.simulated.entrance import Entrance  # noqa: E402

DIE_HALF_WAY = """
import sys, threading
from pathlib import Path
from beemon.devices import load
options = {"driver": "simulated", "width": 320, "height": 240, "speed": 20.0, "fault": "die"}
camera = load("camera", "camera.entrance", options)
camera.open()
camera.record(Path(sys.argv[1]), 10, threading.Event(), follows=False)
"""


@pytest.fixture
def camera():
    opened = []

    def opener(**options):
        table = {"driver": "simulated", "width": 320, "height": 240, **options}
        device = load("camera", "camera.entrance", table)
        device.open()
        opened.append(device)
        return device

    yield opener
    for device in opened:
        device.close()


def record(device, path, seconds, *, follows=False, cancelled=None):
    return device.record(path, seconds, cancelled or threading.Event(), follows=follows)


def frames(path):
    with av.open(str(path)) as container:
        return [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def times(path):
    return [time for time, _ in frames(path)]


def difference(one, other):
    """The mean absolute difference of two pictures, out of 255."""
    return np.abs(one.astype(int) - other.astype(int)).mean()


def test_a_film_has_the_frames_it_states_at_the_times_they_were_due(camera, tmp_path):
    facts = record(camera(speed=20.0), tmp_path / "a.mp4", 2)
    assert times(tmp_path / "a.mp4") == pytest.approx([n / 15 for n in range(30)], abs=1e-4)
    assert (facts.frames, facts.seconds) == (30, 2.0)
    assert (facts.width, facts.height, facts.frame_rate) == (320, 240, 15)


def test_it_is_h264_with_a_key_frame_a_second(camera, tmp_path):
    record(camera(speed=20.0), tmp_path / "a.mp4", 3)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        keys = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.is_keyframe]
    assert keys == pytest.approx([0.0, 1.0, 2.0], abs=1e-4)


def test_the_bees_move_and_the_hive_does_not(camera, tmp_path):
    record(camera(speed=20.0), tmp_path / "a.mp4", 2)
    pictures = [picture for _, picture in frames(tmp_path / "a.mp4")]
    moved = np.abs(pictures[0].astype(int) - pictures[-1].astype(int)).max(axis=2) > 40
    assert 0.002 < moved.mean() < 0.2
    assert not moved[200:].any()  # the grass


def test_the_same_seed_gives_the_same_picture():
    one, same, other = (Entrance(320, 240, seed).picture(12.5) for seed in (1, 1, 2))
    assert (one == same).all()
    assert difference(one, other) > 1


def test_recordings_back_to_back_have_no_gap(camera, tmp_path):
    device = camera(speed=20.0)
    first = record(device, tmp_path / "a.mp4", 1)
    time.sleep(0.05)
    second = record(device, tmp_path / "b.mp4", 1, follows=True)
    third = record(device, tmp_path / "c.mp4", 1)
    assert second.first_frame == first.first_frame + first.frames
    assert third.first_frame > second.first_frame
    assert times(tmp_path / "b.mp4")[0] == 0.0


def test_it_takes_as_long_as_it_should(camera, tmp_path):
    begin = time.monotonic()
    record(camera(speed=2.0), tmp_path / "a.mp4", 1)
    assert 0.4 <= time.monotonic() - begin < 5


def test_it_states_when_it_began(camera, tmp_path):
    device = camera(speed=10.0)
    before = time.time_ns() // 1000
    facts = record(device, tmp_path / "a.mp4", 1)
    assert before - 1000 <= facts.start_utc_us <= time.time_ns() // 1000


def test_cancelled_it_keeps_what_it_has(camera, tmp_path):
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    facts = record(camera(), tmp_path / "a.mp4", 60, cancelled=cancelled)
    assert 1 <= facts.frames < 60 * 15
    assert len(frames(tmp_path / "a.mp4")) == facts.frames


def test_a_recording_is_never_empty(camera, tmp_path):
    cancelled = threading.Event()
    cancelled.set()
    assert record(camera(), tmp_path / "a.mp4", 60, cancelled=cancelled).frames == 1
    assert len(frames(tmp_path / "a.mp4")) == 1


def test_a_snapshot_can_be_taken_while_it_records(camera, tmp_path):
    device = camera(speed=1.0)
    cancelled = threading.Event()
    film = threading.Thread(
        target=record, args=(device, tmp_path / "a.mp4", 60), kwargs={"cancelled": cancelled}
    )
    film.start()
    facts = device.snapshot(tmp_path / "a.jpg")
    cancelled.set()
    film.join()
    ((_, picture),) = frames(tmp_path / "a.jpg")
    assert picture.shape == (facts.height, facts.width, 3) == (240, 320, 3)
    assert difference(picture, Entrance(320, 240, device.settings.seed).picture(0.1)) < 8


@pytest.mark.process
def test_killed_half_way_the_film_plays_up_to_its_last_whole_second(tmp_path):
    subprocess.run([sys.executable, "-c", DIE_HALF_WAY, str(tmp_path / "a.mp4")], check=False)
    assert len(frames(tmp_path / "a.mp4")) >= 4 * 15


@pytest.mark.parametrize("option", [{"width": 641}, {"height": 0}, {"frame_rate": 0}])
def test_sizes_and_rates_that_cannot_be_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        load("camera", "camera.entrance", {"driver": "simulated", **option})


def test_without_pyav_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(LibraryMissingError, match="apt install python3-av"):
        load("camera", "camera.entrance", {"driver": "simulated"}).open()


class TestContract(CameraContract):
    @pytest.fixture
    def device(self):
        options = {"driver": "simulated", "width": 320, "height": 240, "speed": 10.0}
        return load("camera", "camera.entrance", options)
