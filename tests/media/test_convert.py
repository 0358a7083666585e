"""Media of other systems, converted and read back."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from beemon.base.recording import RecordingFacts
from beemon.media.convert import UnconvertibleError, h264_to_mp4, sound_to_flac

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
    sound_to_flac(source, target)
    assert samples(target) == samples(source)
    assert soundfile.info(str(target)).samplerate == 48_000


@pytest.mark.parametrize("subtype", ["PCM_32", "FLOAT", "ULAW"])
def test_sound_that_flac_cannot_hold_is_refused(tmp_path: Path, subtype: str) -> None:
    with pytest.raises(UnconvertibleError, match="cannot hold without loss"):
        sound_to_flac(wav(tmp_path / "a.wav", subtype), tmp_path / "a.flac")


def test_sound_of_24_bits_in_32_is_kept_bit_for_bit(tmp_path: Path) -> None:
    source, target = tmp_path / "a.wav", tmp_path / "a.flac"
    wide = [sample << 8 for sample in range(-2000, 2000)]
    write_wav(source, b"".join(sample.to_bytes(4, "little", signed=True) for sample in wide), 32)
    assert sound_to_flac(source, target) == RecordingFacts()
    assert (samples(target), soundfile.info(str(target)).subtype) == (samples(source), "PCM_24")


def write_wav(
    path: Path, data: bytes, bits: int = 16, promised: int | None = None, form: bytes = b"RIFF"
) -> Path:
    """A WAV file whose head may lie about its length; after RF64's the length of 64 bits."""
    length = len(data) if promised is None else promised
    ds64 = b"" if form == b"RIFF" else b"ds64" + struct.pack("<IQQQI", 28, 0, length, 0, 0)
    short = length if form == b"RIFF" else 0xFFFFFFFF
    path.write_bytes(
        form + struct.pack("<I", min(0xFFFFFFFF, 36 + short)) + b"WAVE" + ds64 + b"fmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000 * bits // 8, bits // 8, bits)
        + b"data" + struct.pack("<I", short) + data
    )
    return path


NOISE = random.Random(2).randbytes(16_000)


@pytest.mark.parametrize("form", [b"RIFF", b"RF64"])
@pytest.mark.parametrize(
    ("promised", "facts"),
    [(0, {"unfinished": True}), (0xFFFFFFFF, {"unfinished": True}),
     (0x7FFFFFDB, {"unfinished": True}), (32_000, {"promised_samples": 16_000}),
     (16_001, {"promised_samples": 8_000}), (8_000, {"unfinished": True}), (16_000, {})],
)
def test_sound_goes_on_as_far_as_it_can_whatever_its_head_promises(
    tmp_path: Path, form: bytes, promised: int, facts: dict[str, Any]
) -> None:
    source = write_wav(tmp_path / "a.wav", NOISE, promised=promised, form=form)
    assert sound_to_flac(source, tmp_path / "a.flac") == RecordingFacts(**facts)
    with soundfile.SoundFile(str(tmp_path / "a.flac")) as file:
        assert bytes(file.buffer_read(dtype="int16")) == NOISE


@pytest.mark.parametrize("length", [4, 400])
def test_what_follows_the_sound_is_no_sound(tmp_path: Path, length: int) -> None:
    source = write_wav(tmp_path / "a.wav", NOISE)
    source.write_bytes(source.read_bytes() + b"LIST" + struct.pack("<I", length) + b"INFO")
    assert sound_to_flac(source, tmp_path / "a.flac") == RecordingFacts()
    assert soundfile.info(str(tmp_path / "a.flac")).frames == len(NOISE) // 2


def test_half_a_sample_at_the_end_of_a_torn_file_is_left_out(tmp_path: Path) -> None:
    source = write_wav(tmp_path / "a.wav", NOISE[:-1], promised=len(NOISE))
    sound_to_flac(source, tmp_path / "a.flac")
    assert soundfile.info(str(tmp_path / "a.flac")).frames == len(NOISE) // 2 - 1


@pytest.mark.parametrize("promised", [0, 16_000])
def test_a_head_without_sound_is_no_sound(tmp_path: Path, promised: int) -> None:
    with pytest.raises(UnconvertibleError, match="it contains no sound"):
        sound_to_flac(write_wav(tmp_path / "a.wav", b"", promised=promised), tmp_path / "a.flac")


def flac(path: Path) -> Path:
    wav(path.with_suffix(".wav"), samples=60_000)
    sound_to_flac(path.with_suffix(".wav"), path)
    return path


def test_a_flac_file_out_of_a_pipe_gets_its_length(tmp_path: Path) -> None:
    source, target = flac(tmp_path / "a.flac"), tmp_path / "b.flac"
    data = bytearray(source.read_bytes())
    data[21] &= 0xF0
    data[22:42] = bytes(20)  # neither the number of samples nor their hash was known at its begin
    source.write_bytes(data)
    assert sound_to_flac(source, target) == RecordingFacts()
    assert samples(target) == samples(tmp_path / "a.wav")


def test_a_flac_file_that_is_torn_is_kept_up_to_there(tmp_path: Path) -> None:
    source, target = flac(tmp_path / "a.flac"), tmp_path / "b.flac"
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert sound_to_flac(source, target) == RecordingFacts(promised_samples=60_000)
    count = soundfile.info(str(target)).frames
    assert 20_000 < count < 40_000
    assert samples(target) == samples(tmp_path / "a.wav")[: 4 * count]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_torn_frame_of_a_flac_file_costs_no_other(
    tmp_path: Path, subtype: str, channels: int
) -> None:
    whole, torn, target = (tmp_path / f"{name}.flac" for name in ("whole", "torn", "new"))
    sound_to_flac(wav(tmp_path / "a.wav", subtype, channels, samples=60_000), whole)
    data = bytearray(whole.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 50] = bytes(50)
    torn.write_bytes(data)
    assert sound_to_flac(torn, target) == RecordingFacts(promised_samples=60_000)
    kept, original = samples(target), samples(whole)
    assert 50_000 < len(kept) // (4 * channels) < 60_000
    head = next(n for n in range(len(kept)) if kept[n] != original[n])
    tail = len(kept) - head
    assert kept == original[:head] + original[-tail:]
    assert soundfile.info(str(target)).subtype == subtype


def test_a_flac_file_that_is_not_what_its_hash_says_is_decoded_frame_by_frame(
    tmp_path: Path,
) -> None:
    source, target = flac(tmp_path / "a.flac"), tmp_path / "b.flac"
    data = bytearray(source.read_bytes())
    data[26:42] = b"no such hash.   "
    source.write_bytes(data)
    assert sound_to_flac(source, target) == RecordingFacts()
    assert samples(target) == samples(tmp_path / "a.wav")
    assert target.read_bytes()[26:42] != data[26:42]


def test_a_flac_file_that_is_whole_is_kept_as_it_is(tmp_path: Path) -> None:
    source = flac(tmp_path / "a.flac")
    assert sound_to_flac(source, tmp_path / "b.flac") == RecordingFacts()
    assert (tmp_path / "b.flac").read_bytes() == source.read_bytes()


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF but no more")
    with pytest.raises(UnconvertibleError):
        sound_to_flac(tmp_path / "a.wav", tmp_path / "a.flac")


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
