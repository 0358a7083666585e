"""What `scripts/bench-capture` counts it would also miss: recordings with something gone."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")
soundfile = pytest.importorskip("soundfile")

from beemon.devices.cameras.simulated.planes import FORMAT, pixels  # noqa: E402

RATE = 30
PLAYED = np.random.default_rng(1).integers(-20_000, 20_000, 50_000).astype("<i2")


@pytest.fixture
def counts(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "scripts/bench")
    import counts

    yield counts
    for name in ("counts", "plugin", "plugin.measured_camera"):
        sys.modules.pop(name, None)


@pytest.fixture
def sounds(tmp_path):
    def write(*spans):
        for number, (begin, end) in enumerate(spans):
            heard = PLAYED[np.arange(begin, end) % len(PLAYED)]
            soundfile.write(tmp_path / f"{number}.flac", heard, 48_000, subtype="PCM_16")
        return [tmp_path / f"{number}.flac" for number in range(len(spans))]

    return write


@pytest.fixture
def films(tmp_path, counts):
    def write(*films):
        return [film(tmp_path / f"{number}.mp4", numbers) for number, numbers in enumerate(films)]

    def film(path, numbers):
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=RATE)
            stream.width, stream.height, stream.pix_fmt = 800, 64, FORMAT
            for place, number in enumerate(numbers):
                picture = av.VideoFrame(800, 64, FORMAT)
                counts.measured_camera.write(number, pixels(picture.planes[0]))
                picture.pts, picture.time_base = place, Fraction(1, RATE)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path

    return write


def test_recordings_on_each_others_heels_are_whole(counts, sounds):
    count = counts.samples(sounds((100, 30_000), (30_000, 70_000), (70_000, 80_000)),
                           PLAYED.tobytes())
    assert count == counts.Count(held=79_900, lost=0, wrong=0)
    assert count.is_whole


def test_a_sample_that_is_missing_between_two_is_lost(counts, sounds):
    count = counts.samples(sounds((100, 30_000), (30_001, 60_000)), PLAYED.tobytes())
    assert (count.lost, count.is_whole) == (1, False)


def test_a_sample_that_is_missing_within_one_makes_the_rest_wrong(counts, sounds, tmp_path):
    [path] = sounds((0, 20_000))
    heard, _ = soundfile.read(path, dtype="int16")
    soundfile.write(path, np.delete(heard, 10_000), 48_000, subtype="PCM_16")
    assert counts.samples([path], PLAYED.tobytes()).wrong > 9000


def test_what_was_never_played_is_no_recording_of_it(counts, sounds):
    with pytest.raises(ValueError, match="never played"):
        counts.samples(sounds((0, 20_000)), PLAYED[::-1].tobytes())


def test_films_on_each_others_heels_are_whole(counts, films):
    count = counts.frames(films(range(70_000, 70_020), range(70_020, 70_030)), RATE)
    assert count == counts.Count(held=30, lost=0, wrong=0)


def test_a_frame_that_is_missing_is_lost_and_one_that_is_there_twice_is_wrong(counts, films):
    assert counts.frames(films(range(10), range(12, 20)), RATE).lost == 2
    assert counts.frames(films(range(10), range(9, 20)), RATE).wrong == 1
