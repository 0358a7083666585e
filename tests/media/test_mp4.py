"""Fragmented MP4 files that nobody finished, cut at every kind of place, against FFmpeg."""

from __future__ import annotations

import random
from pathlib import Path
from threading import Event

import pytest

from beemon import devices
from beemon.media import mp4

av = pytest.importorskip("av")

CAMERA = {"driver": "simulated", "width": 96, "height": 64, "frame_rate": 15, "speed": 50.0}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Four seconds of video: four fragments, each of a second."""
    path = tmp_path_factory.mktemp("video") / "whole.mp4"
    camera = devices.load("camera", "camera.a", CAMERA)
    camera.open()
    camera.record(path, 4, Event(), follows=False)
    camera.close()
    return path.read_bytes()


def torn(folder: Path, content: bytes) -> Path:
    path = folder / "torn.mp4"
    path.write_bytes(content)
    return path


def times(path: Path) -> list[float]:
    """When each frame is shown, each decoded without a fault."""
    with av.open(str(path)) as video:
        frames = list(video.decode(video=0))
    assert not any(frame.is_corrupt for frame in frames)
    return [frame.time for frame in frames]


def test_a_whole_file_is_left_as_it_is(tmp_path: Path, whole: bytes) -> None:
    file = torn(tmp_path, whole)
    assert mp4.mend(file) == 4
    assert file.read_bytes() == whole


def test_whole_fragments_before_a_cut_are_kept_frame_for_frame(
    tmp_path: Path, whole: bytes
) -> None:
    expected = [frame / 15 for frame in range(60)]
    head = whole.index(b"moof")
    for cut in random.Random(3).sample(range(head, len(whole)), 25):
        file = torn(tmp_path, whole[:cut])
        if fragments := mp4.mend(file):
            assert times(file) == pytest.approx(expected[: fragments * 15], abs=1e-4)


def test_the_index_is_cut_off_where_it_is_torn(tmp_path: Path, whole: bytes) -> None:
    file = torn(tmp_path, whole[:-1])
    assert mp4.mend(file) == 4
    assert file.stat().st_size < len(whole) - 1
    assert len(times(file)) == 60


def test_mending_twice_changes_nothing_more(tmp_path: Path, whole: bytes) -> None:
    file = torn(tmp_path, whole[: len(whole) * 2 // 3])
    fragments, once = mp4.mend(file), file.read_bytes()
    assert mp4.mend(file) == fragments
    assert file.read_bytes() == once


def test_a_hole_behind_a_fragment_ends_what_is_whole(tmp_path: Path, whole: bytes) -> None:
    third = whole.index(b"moof", whole.index(b"moof", whole.index(b"moof") + 4) + 4)
    file = torn(tmp_path, whole[: third - 4] + bytes(5_000))
    assert mp4.mend(file) == 2
    assert len(times(file)) == 30


@pytest.mark.parametrize("length", [0, 7, 8, 100])
def test_a_torn_head_is_told(tmp_path: Path, whole: bytes, length: int) -> None:
    with pytest.raises(ValueError, match=r"header is torn|not an MP4 file"):
        mp4.mend(torn(tmp_path, whole[:length]))
