"""FLAC files that nobody finished, cut at every kind of place, against libsndfile and flac."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from beemon.devices.microphones._flac import FlacWriter
from beemon.media import flac

soundfile = pytest.importorskip("soundfile")

RATE = 16_000


def sound(seconds: float, seed: int = 1, channels: int = 1) -> bytes:
    """Noise: what FLAC can least foresee."""
    return random.Random(seed).randbytes(round(seconds * RATE) * channels * 2)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return written(tmp_path / "whole.flac", sound(2))


def written(path: Path, data: bytes, channels: int = 1) -> Path:
    with FlacWriter(path, RATE, channels) as file:
        file.write(data)
    return path


def torn(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def decoded(path: Path) -> bytes:
    with soundfile.SoundFile(str(path)) as file:
        return bytes(file.buffer_read(dtype="int16"))


def test_a_whole_file_is_left_as_it_is(whole: Path) -> None:
    before = whole.read_bytes()
    assert flac.mend(whole) == 2 * RATE
    assert whole.read_bytes() == before


@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_whole_before_a_cut_is_kept_bit_for_bit(tmp_path: Path, channels: int) -> None:
    data = sound(2, channels=channels)
    content = written(tmp_path / "whole.flac", data, channels).read_bytes()
    for cut in random.Random(2).sample(range(20_000, len(content)), 20):
        file = torn(tmp_path / "torn.flac", content[:cut])
        samples = flac.mend(file)
        assert 0 < samples <= 2 * RATE
        assert decoded(file) == data[: samples * 2 * channels]


def test_less_than_a_frame_is_lost_at_a_cut(tmp_path: Path, whole: Path) -> None:
    content = whole.read_bytes()
    file = torn(tmp_path / "torn.flac", content[:-1])
    assert flac.mend(file) >= 2 * RATE - 4096


def test_mending_twice_changes_nothing_more(tmp_path: Path, whole: Path) -> None:
    file = torn(tmp_path / "torn.flac", whole.read_bytes()[:40_000])
    samples, once = flac.mend(file), file.read_bytes()
    assert flac.mend(file) == samples
    assert file.read_bytes() == once


@pytest.mark.parametrize("hole", [b"\0" * 512, b"\xff" * 512, b"\xff\xf8" * 256])
def test_a_hole_in_the_middle_ends_what_is_whole(tmp_path: Path, whole: Path, hole: bytes) -> None:
    content = bytearray(whole.read_bytes())
    content[30_000 : 30_000 + len(hole)] = hole
    file = torn(tmp_path / "torn.flac", bytes(content))
    samples = flac.mend(file)
    assert file.stat().st_size < 30_000
    assert decoded(file) == sound(2)[: samples * 2]


def test_a_head_alone_holds_no_sound(tmp_path: Path, whole: Path) -> None:
    file = torn(tmp_path / "torn.flac", whole.read_bytes()[:8_000])
    assert flac.mend(file) == 0


@pytest.mark.parametrize("length", [0, 3, 4, 41, 60])
def test_a_torn_head_is_told(tmp_path: Path, whole: Path, length: int) -> None:
    file = torn(tmp_path / "torn.flac", whole.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"header is torn|not a FLAC file"):
        flac.mend(file)
