"""Videos: what a camera cannot have seen is caught, and what a hive can look like is not."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("av")

import av

from beemon.base.recording import RecordingFacts
from beemon.checks.examine import examine
from beemon.devices.cameras._frames import Frame
from beemon.devices.cameras._jpeg import jpeg
from beemon.devices.cameras._mp4 import Mp4Writer
from tests.samples import View, blurred, noisy, write_video

VIEW = View()
SECONDS, RATE = 4, 15
FRAMES = SECONDS * RATE
EVEN = [number / RATE for number in range(FRAMES)]


@pytest.fixture
def look(tmp_path):
    def look(pictures, asked=None, times=None, bitrate=1_000_000, **facts):
        path = tmp_path / "a.part"
        written = write_video(path, pictures, RATE, times, bitrate)
        return examine(path, replace(written, **facts), asked)

    return look


def told(examination):
    return [(finding.word, finding.fails) for finding in examination.findings]


# Faults

@pytest.mark.parametrize(("brightness", "word"), [(0, "black"), (128, "blank")])
def test_a_video_of_one_brightness_is_caught(look, brightness, word):
    assert told(look([np.full(VIEW.size, brightness, np.uint8)] * FRAMES)) == [(word, True)]


@pytest.mark.parametrize("bitrate", [300_000, 1_000_000, 3_000_000])
def test_a_frozen_video_is_caught(look, bitrate):
    assert told(look([VIEW.picture()] * FRAMES, bitrate=bitrate)) == [("frozen", True)]


def test_a_frozen_picture_with_noise_in_it_is_caught(look):
    assert told(look([*noisy(VIEW.picture(), 2.0, 1)] * FRAMES)) == [("frozen", True)]


def test_a_video_that_freezes_on_the_way_is_caught(look):
    frozen = itertools.repeat(VIEW.picture(1.0), FRAMES)
    assert told(look([*VIEW.pictures(RATE), *frozen])) == [("frozen", True)]


def test_a_camera_that_repeats_its_pictures_is_caught_by_its_own_count(look):
    assert told(look(VIEW.pictures(FRAMES), repeated_frames=50)) == [("frozen", True)]


@pytest.mark.parametrize("share", [0.02, 0.03])
def test_a_video_out_of_focus_is_caught(look, share):
    pictures = (blurred(picture, share) for picture in View(160, 120).pictures(RATE))
    assert told(look(pictures)) == [("unfocused", True)]


def test_a_video_full_of_gaps_is_caught(look):
    lost = {number for start in range(8, FRAMES, 12) for number in range(start, start + 5)}
    times = [time for number, time in enumerate(EVEN) if number not in lost]
    assert told(look(VIEW.pictures(len(times)), times=times)) == [("gaps", True)]


def test_a_long_gap_is_caught(look):
    times = [time if time < 2 else time + 2.5 for time in EVEN]
    assert told(look(VIEW.pictures(FRAMES), times=times)) == [("gaps", True)]


def test_frames_at_one_moment_are_caught(look):
    times = [number // 2 * 2 / RATE for number in range(FRAMES)]
    assert told(look(VIEW.pictures(FRAMES), times=times)) == [("gaps", True)]


def test_a_camera_at_a_third_of_its_rate_is_caught(look):
    times = [3 * time for time in EVEN]
    assert told(look(VIEW.pictures(FRAMES), times=times, frame_rate=RATE)) == [("gaps", True)]


@pytest.mark.parametrize(("every", "fails"), [(20, False), (1, True)])
def test_pictures_that_cannot_be_decoded_are_counted_and_others_looked_at(tmp_path, every, fails):
    pictures = [jpeg(av.VideoFrame.from_ndarray(picture, format="rgb24"))
                for picture in VIEW.pictures(FRAMES)]
    with Mp4Writer(tmp_path / "a", "mjpeg") as video:
        for number, picture in enumerate(pictures):
            broken = number and number % every == 0
            data = picture[:300] if broken else picture
            video.add(Frame(data, is_key=True, time_us=round(number / RATE * 1e6)))
    found = told(examine(tmp_path / "a", RecordingFacts(frames=FRAMES)))
    assert found == ([("broken", True)] if fails else [("broken", False)])


@pytest.mark.parametrize(("bad", "fails"), [(3, False), (FRAMES, True)])
def test_pictures_that_a_camera_left_out_fail_a_video_from_half_of_them_on(look, bad, fails):
    found = look(VIEW.pictures(FRAMES), frame_rate=RATE * (1 + bad / FRAMES), bad_pictures=bad)
    assert told(found) == [("broken", fails)]


@pytest.mark.parametrize("seconds", [3.8, 4.2])
def test_a_wrong_duration_is_caught(look, seconds):
    assert told(look(VIEW.pictures(FRAMES), seconds=seconds)) == [("wrong-length", True)]


def test_a_short_video_is_caught(look):
    assert told(look(VIEW.pictures(FRAMES), asked=6.0)) == [("short", True)]


# Not faults

def test_the_entrance_is_good(look):
    assert told(look(VIEW.pictures(FRAMES), asked=4.0, frame_rate=RATE)) == []


@pytest.mark.parametrize("bitrate", [100_000, 1_000_000])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 4.0])
def test_a_winters_day_on_which_nothing_moves_is_good(look, sigma, bitrate):
    assert told(look(noisy(VIEW.picture(), sigma, FRAMES), bitrate=bitrate)) == []


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0])
def test_a_dark_night_with_a_sensors_noise_is_told_of_and_fails_nothing(look, sigma):
    night = noisy(np.full(VIEW.size, 3, np.uint8), sigma, FRAMES)
    assert told(look(night)) == [("dark", False)]


def test_a_still_view_of_a_camera_that_counts_its_pictures_fails_nothing(look):
    assert told(look([VIEW.picture()] * FRAMES, repeated_frames=0)) == [("still", False)]


def test_one_bee_is_life_enough(look):
    def with_bee(number):
        picture = VIEW.picture().copy()
        picture[150:158, 40 + 3 * number : 52 + 3 * number] = 30
        return picture

    assert told(look(map(with_bee, range(FRAMES)))) == []


def test_a_rate_that_changes_with_the_light_is_good(look):
    steps = np.linspace(1 / 30, 1 / 5, FRAMES)
    times = [0.0, *np.cumsum(steps)[:-1]]
    assert told(look(VIEW.pictures(FRAMES), times=times, seconds=times[-1] + 0.2)) == []


def test_a_few_lost_frames_are_told_of_and_fail_nothing(look):
    times = [number / RATE for number in range(4 * FRAMES) if not 20 <= number < 26]
    assert told(look(VIEW.pictures(len(times)), times=times)) == [("gaps", False)]


def test_a_single_frame_is_good(look):
    found = look(VIEW.pictures(1))
    assert told(found) == []
    assert found.features == []


# Features

def motion(examination):
    (feature,) = examination.features
    assert (feature.quantity, feature.unit) == ("motion", "%")
    return feature.value


def test_motion_is_the_share_of_the_picture_that_moves(look):
    def square(number):
        picture = np.full(VIEW.size, 100, np.uint8)
        left = 16 * number % 256
        picture[96:112, left : left + 16] = 220
        return picture

    share = 100 * 2 * 16 * 16 / (320 * 240)
    assert motion(look(map(square, range(FRAMES)))) == pytest.approx(share, rel=0.25)


def test_where_nothing_moves_there_is_no_motion(look):
    assert motion(look(noisy(VIEW.picture(), 2.0, FRAMES))) == 0


def test_more_bees_are_more_motion(look):
    few = [VIEW.picture(at) for at in np.arange(FRAMES) / RATE]
    many = [np.concatenate([p[:, 160:], p[:, :160]], axis=1) if i % 4 < 2 else p
            for i, p in enumerate(few)]
    assert 0 < motion(look(few)) < motion(look(many))
