"""Media of other systems, converted and read back."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from beemon.analysis.convert import UnconvertibleError, h264_to_mp4, wav_to_flac

soundfile = pytest.importorskip("soundfile")
av = pytest.importorskip("av")


def wav(path: Path, subtype: str = "PCM_16", channels: int = 1, samples: int = 9_000) -> Path:
    noise = random.Random(1).randbytes(samples * channels * 4)
    with soundfile.SoundFile(
        str(path), "w", samplerate=48_000, channels=channels, format="WAV", subtype=subtype
    ) as file:
        file.buffer_write(noise, dtype="int32")
    return path


def samples(path: Path) -> bytes:
    with soundfile.SoundFile(str(path)) as file:
        return bytes(file.buffer_read(dtype="int32"))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_is_kept_bit_for_bit(tmp_path: Path, subtype: str, channels: int) -> None:
    source, target = wav(tmp_path / "a.wav", subtype, channels), tmp_path / "a.flac"
    wav_to_flac(source, target)
    assert samples(target) == samples(source)
    assert soundfile.info(str(target)).samplerate == 48_000


@pytest.mark.parametrize("subtype", ["PCM_32", "FLOAT", "ULAW"])
def test_sound_that_flac_cannot_hold_is_refused(tmp_path: Path, subtype: str) -> None:
    with pytest.raises(UnconvertibleError, match="cannot hold without loss"):
        wav_to_flac(wav(tmp_path / "a.wav", subtype), tmp_path / "a.flac")


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF but no more")
    with pytest.raises(UnconvertibleError):
        wav_to_flac(tmp_path / "a.wav", tmp_path / "a.flac")


def h264(path: Path, frames: int = 50, options: dict[str, str] | None = None) -> Path:
    """A raw stream, as a Pi's camera program leaves it: noise, so that no frame is like another."""
    with av.open(str(path), "w", format="h264") as film:
        stream = film.add_stream("libx264", rate=24, options=options or {"tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame(96, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(random.Random(number).randbytes(plane.buffer_size))
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


def decoded(path: Path, kind: str | None = None) -> Sequence[bytes]:
    with av.open(str(path), format=kind) as film:
        return [bytes(frame.planes[0]) for frame in film.decode(video=0)]


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30_000, 1001)])
def test_frames_are_kept_as_they_are_and_get_the_times_of_the_rate(
    tmp_path: Path, rate: Fraction
) -> None:
    source, target = h264(tmp_path / "a.h264"), tmp_path / "a.mp4"
    assert h264_to_mp4(source, target, rate) == 50
    assert decoded(target) == decoded(source, "h264")
    with av.open(str(target)) as film:
        times = [frame.time for frame in film.decode(video=0)]
        duration = film.duration / 1e6
    assert times == pytest.approx([float(n / rate) for n in range(50)], abs=1e-4)
    assert duration == pytest.approx(float(50 / rate), abs=1e-3)


def test_frames_out_of_their_order_are_refused(tmp_path: Path) -> None:
    source = h264(tmp_path / "a.h264", options={"bf": "3"})
    with pytest.raises(UnconvertibleError, match="order in which they are shown"):
        h264_to_mp4(source, tmp_path / "a.mp4", Fraction(24))


@pytest.mark.parametrize("content", [b"", b"no video at all" * 50])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.h264").write_bytes(content)
    with pytest.raises(UnconvertibleError):
        h264_to_mp4(tmp_path / "a.h264", tmp_path / "a.mp4", Fraction(24))
