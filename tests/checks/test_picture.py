"""Pictures: what a camera cannot have seen is caught, a dark night is not."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("av")

from beemon.base.recording import RecordingFacts
from beemon.checks.examine import examine
from beemon.checks.picture import Look, blur, changes, edge_width, luma, moved, shrunk, small
from beemon.devices.cameras._jpeg import jpeg
from tests.samples import View, blurred, noisy

VIEW = View()
GREY = np.array([0.299, 0.587, 0.114])


@pytest.fixture
def look(tmp_path):
    def look(picture):
        import av

        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        (tmp_path / "a.part").write_bytes(jpeg(frame))
        return [(f.word, f.fails) for f in examine(tmp_path / "a.part", RecordingFacts()).findings]

    return look


def grey(picture):
    return (picture @ GREY).astype(np.float32)


def test_the_entrance_is_good(look):
    assert look(VIEW.picture()) == []


@pytest.mark.parametrize(("brightness", "word"), [(0, "black"), (128, "blank"), (255, "blank")])
def test_a_picture_of_one_brightness_is_caught(look, brightness, word):
    assert look(np.full(VIEW.size, brightness, np.uint8)) == [(word, True)]


def test_a_dark_night_with_a_sensors_noise_is_told_of_and_fails_nothing(look):
    (night,) = noisy(np.full(VIEW.size, 3, np.uint8), 1.5, 1)
    assert look(night) == [("dark", False)]


def test_a_night_with_a_lamp_in_it_is_good(look):
    (night,) = noisy(np.full(VIEW.size, 3, np.uint8), 1.5, 1)
    night[100:130, 100:130] = 200
    assert look(night) == []


@pytest.mark.parametrize("share", [0.02, 0.03])
def test_a_picture_out_of_focus_is_caught(look, share):
    assert look(blurred(VIEW.picture(), share)) == [("unfocused", True)]


@pytest.mark.parametrize("share", [0.0025, 0.005])
def test_a_little_softness_is_good(look, share):
    assert look(blurred(VIEW.picture(), share)) == []


def test_fog_without_any_contrast_is_not_judged(look):
    foggy = 180 + (blurred(VIEW.picture(), 0.03).astype(float) - 128) / 12
    assert look(np.round(foggy).astype(np.uint8)) == []


def test_one_sharp_picture_clears_a_camera_that_was_focusing():
    look = Look()
    for picture in (blurred(VIEW.picture(), 0.03), VIEW.picture()):
        look.at(grey(picture).astype(np.uint8))
    assert list(look.findings()) == []


# What is measured

def test_the_width_of_an_edge_is_that_of_the_gaussian_that_blurred_it():
    step = np.zeros((64, 320, 3), np.uint8)
    step[:, 176:] = 200
    for sigma in (1.0, 2.0, 4.0):
        measured = edge_width(grey(blurred(step, sigma / 320)))
        assert measured == pytest.approx(sigma * np.sqrt(2 * np.pi), rel=0.15)


def test_a_picture_without_contrast_has_no_edge():
    assert edge_width(np.full((64, 64), 100, np.float32)) is None
    assert edge_width(np.zeros((8, 8), np.float32)) is None


def test_blur_grows_with_a_gaussian_and_does_not_depend_on_contrast():
    sharp, soft, softer = (
        blur(grey(picture))
        for picture in (VIEW.picture(), *(blurred(VIEW.picture(), by) for by in (0.01, 0.03)))
    )
    assert sharp < 0.4 < soft < softer
    assert blur(grey(VIEW.picture()) / 4) == pytest.approx(sharp, abs=0.01)


def test_shrinking_keeps_the_mean():
    image = np.random.default_rng(1).integers(0, 256, (60, 80))
    assert shrunk(image, 4) == pytest.approx(image.reshape(15, 4, 20, 4).mean(axis=(1, 3)))
    assert shrunk(image, 7).shape == (8, 11)


def test_a_picture_is_made_320_to_640_pixels_wide_and_never_larger():
    widths = {width: small(np.zeros((90, width), np.uint8)).shape[1] for width in (160, 639, 1920)}
    assert widths == {160: 160, 639: 639, 1920: 320}


def test_motion_is_the_share_of_the_picture_that_changed():
    before, after = (np.full((240, 320), 100, np.float32) for _ in range(2))
    before[80:96, 80:96] = after[160:176, 160:176] = 180
    assert moved(before, after) == pytest.approx(2 * 16 * 16 / (240 * 320))


def test_a_change_of_the_light_is_no_motion():
    before = grey(VIEW.picture())
    assert moved(before, before + 30) == 0
    assert changes(before, before + 30).max() == pytest.approx(0, abs=1e-4)


def test_noise_is_no_motion():
    before, after = map(grey, noisy(VIEW.picture(), 3.0, 2))
    assert moved(before, after) == 0


def test_the_brightness_of_a_frame_is_read_whatever_its_format():
    import av

    frame = av.VideoFrame.from_ndarray(VIEW.picture(), format="rgb24")
    expected = grey(VIEW.picture())
    for pixels in ("rgb24", "yuv420p", "yuvj422p", "yuv420p10le", "nv12"):
        seen = luma(frame.reformat(format=pixels)).astype(float)
        assert np.corrcoef(seen.ravel(), expected.ravel())[0, 1] > 0.99, pixels
