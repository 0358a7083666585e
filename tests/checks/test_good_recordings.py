"""Nothing that is good is flagged: 200 recordings of the simulated hive, and what others made."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("soundfile")

import av
import soundfile

from beemon.base.recording import RecordingFacts
from beemon.checks import video
from beemon.checks.examine import examine
from beemon.devices.cameras._jpeg import jpeg
from tests.grounds import MEDIA_FOLDERS
from tests.samples import View, hive_sound, write_sound, write_video

SOUNDS, VIDEOS, PICTURES = 110, 60, 30
SIZES = [(96, 64), (160, 120), (320, 240), (640, 480), (1280, 720)]
WEIGHTS = [10, 20, 10, 2, 1]


def some(number: int) -> random.Random:
    """What decides the settings of a recording."""
    return random.Random(number)


def said(found) -> list[str]:
    return list(map(str, found.findings))


@pytest.mark.parametrize("first", range(0, SOUNDS, 10))
def test_no_sound_of_the_simulated_hive_is_flagged(tmp_path, first):
    for number in range(first, first + 10):
        chance = some(number)
        rate, seconds = chance.choice([16000, 48000]), chance.uniform(0.5, 6)
        seed, at = chance.randrange(2**32), chance.uniform(0, 86400)
        samples = hive_sound(seconds, rate, seed, at)
        facts = write_sound(tmp_path / "a", samples, rate)
        found = examine(tmp_path / "a", replace(facts, lost_samples=0), asked=seconds)
        assert said(found) == [], f"recording {number}"
        assert len(found.features) == 15


@pytest.mark.parametrize("first", range(0, VIDEOS, 5))
def test_no_video_and_no_picture_of_the_simulated_hive_is_flagged(tmp_path, first):
    for number in range(first, first + 5):
        chance = some(number)
        view = View(*chance.choices(SIZES, WEIGHTS)[0], seed=chance.randrange(2**32))
        rate, seconds = chance.choice([5, 10, 15, 25, 30]), chance.uniform(1, 2)
        frames = round(seconds * rate)
        pictures = view.pictures(frames, rate, at=chance.uniform(0, 86400))
        bitrate = chance.choice([300_000, 1_000_000, 4_000_000])
        facts = write_video(tmp_path / "a", pictures, rate, bitrate=bitrate)
        found = examine(tmp_path / "a", replace(facts, frame_rate=rate), asked=seconds)
        assert said(found) == [], f"recording {number}"
        assert found.features[0].value > 0
        if number < PICTURES:  # a view is dear to make
            assert_picture_is_good(tmp_path / "a", view.picture(chance.uniform(0, 86400)))


def assert_picture_is_good(path, picture):
    path.write_bytes(jpeg(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    assert said(examine(path, RecordingFacts())) == []


def others(*suffixes: str) -> list[Path]:
    files = itertools.chain.from_iterable(folder.rglob("*") for folder in MEDIA_FOLDERS)
    return sorted(file for file in files if file.suffix in suffixes and file.stat().st_size)


@pytest.mark.ground("media")
def test_no_sound_that_comes_with_debian_is_flagged(tmp_path):
    files = others(".wav", ".ogg", ".oga")
    assert len(files) > 60
    for file in files:
        samples, rate = soundfile.read(str(file), always_2d=True)
        steps = np.clip(np.round(samples * 32767), -32768, 32767)
        facts = write_sound(tmp_path / "a", steps, rate)
        assert said(examine(tmp_path / "a", facts, asked=facts.seconds)) == [], file


@pytest.mark.ground("media")
def test_no_video_that_comes_with_debian_is_flagged():
    files = others(".avi", ".mov", ".mpg", ".webm")
    assert len(files) > 3
    for file in files:
        found = video.examine(file, RecordingFacts())
        assert said(found) == [], file
        assert found.features[0].value > 0, file
