"""The sound strip: where a sound is, what is missing, and a file that others can read."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from beemon.media import strip
from beemon.media.strip import Band, InaudibleError, Part, Span, draw, listen
from tests import samples

LOUD = [Band(low, low + 50, -30.0 if low == 250 else -70.0) for low in range(50, 600, 50)]


def decoded(png: bytes) -> np.ndarray:
    """The picture as red, green, blue and opacity, by another program's decoder."""
    with av.open(io.BytesIO(png)) as file:
        [picture] = file.decode(video=0)
        return picture.to_ndarray(format="rgba")


def heard(file):
    with file.open("rb") as content:
        return listen(content)


def test_a_strip_is_a_picture_of_a_day():
    picture = decoded(draw([Part(0.25, 0.5, LOUD)], []))
    assert picture.shape == (strip.HEIGHT, strip.WIDTH, 4)
    seen = picture[..., 3] > 0
    assert not seen[:, :360].any()
    assert not seen[:, 720:].any()
    assert seen[:, 360:720].any(axis=0).all()


def test_the_loudest_frequency_is_the_brightest():
    picture = decoded(draw([Part(0.0, 1.0, LOUD)], []))
    brightness = picture[:, 700, :3].sum(axis=1)
    row = strip.HEIGHT - 1 - round(275 * strip.HEIGHT / strip.TOP_HZ)
    assert brightness[row] == brightness.max()
    assert (picture[: strip.HEIGHT // 3, :, 3] == 0).all()  # above 600 Hz nothing is known


def test_what_is_missing_is_hatched():
    picture = decoded(draw([Part(0.0, 0.5, LOUD)], [Span(0.5, 0.75)]))
    opacity = picture[..., 3]
    assert 0 < (opacity[:, 720:1080] > 0).mean() < 0.5
    assert not opacity[:, 1080:].any()


def test_nothing_known_of_a_day_is_a_transparent_picture():
    assert not decoded(draw([], []))[..., 3].any()


@pytest.mark.parametrize(("begin", "end"), [(-5.0, 9.0), (0.5, 0.5), (1.0, 1.0)])
def test_a_part_outside_the_day_or_without_length_does_no_harm(begin, end):
    made = draw([Part(begin, end, LOUD)], [Span(begin, end)])
    assert decoded(made).shape[1] == strip.WIDTH


@pytest.mark.parametrize("hertz", [100, 440, 900])
@pytest.mark.parametrize("rate", [8000, 48000])
def test_a_tone_is_heard_where_it_is(tmp_path, hertz, rate):
    file = tmp_path / "a.flac"
    samples.write_sound(file, samples.tone(hertz, 0.5, 8.0, rate), rate)
    loudest = max(heard(file), key=lambda band: band.level)
    assert loudest.low <= hertz <= loudest.high
    assert loudest.level == pytest.approx(-9.0 - 1.8, abs=2)  # the window spreads it over 3 lines


@pytest.mark.parametrize("content", [b"", b"fLaC", b"no sound at all"])
def test_a_file_without_sound_is_refused(tmp_path, content):
    file = tmp_path / "a.flac"
    file.write_bytes(content)
    with pytest.raises(InaudibleError):
        heard(file)


def test_a_very_short_sound_is_refused(tmp_path):
    file = tmp_path / "a.flac"
    samples.write_sound(file, samples.tone(440, 0.5, 0.05))
    with pytest.raises(InaudibleError):
        heard(file)
