"""What a media file says of itself, by files that were made here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from beemon import devices
from beemon.base.recording import RecordingFacts
from beemon.checks.examine import examine
from beemon.media.convert import h264_to_mp4, sound_to_flac
from beemon.media.measure import UnmeasurableError, measure
from tests.media.test_convert import h264, wav

av = pytest.importorskip("av")


def test_sound_has_samples_a_rate_and_a_length(tmp_path: Path) -> None:
    sound_to_flac(wav(tmp_path / "a.wav", samples=24_000), tmp_path / "a.flac")
    assert measure(tmp_path / "a.flac") == RecordingFacts(
        samples=24_000, rate=48_000, channels=1, bits=16, seconds=0.5,
    )


def test_video_has_frames_a_size_and_a_length_to_the_end_of_its_last_frame(tmp_path: Path) -> None:
    h264_to_mp4(h264(tmp_path / "a.h264", frames=48), tmp_path / "a.mp4", Fraction(24))
    found = measure(tmp_path / "a.mp4")
    assert found.seconds == pytest.approx(2.0, abs=1e-3)
    assert replace(found, seconds=None) == RecordingFacts(
        frames=48, frame_rate=24.0, codec="h264", width=96, height=64,
    )


def test_a_video_that_ends_before_its_head_says_tells_what_that_promised(tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole.mp4", tmp_path / "torn.mp4"
    with (
        av.open(str(h264(tmp_path / "a.h264", frames=48)), format="h264") as raw,
        av.open(str(whole), "w", format="mp4", options={"movflags": "faststart"}) as film,
    ):
        add = getattr(film, "add_stream_from_template", None) or film.add_stream
        stream = add(raw.streams.video[0])
        for number, packet in enumerate(raw.demux(video=0)):
            if packet.size:
                packet.pts = packet.dts = number * 3750
                packet.time_base, packet.stream = Fraction(1, 90_000), stream
                film.mux(packet)
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert measure(whole).frames == 48
    found = measure(torn)
    assert found.frames is not None
    assert found.frames < 30
    assert found.promised_frames == 48
    assert [str(f) for f in examine(torn, found).failures] == [
        f"short: there are {found.frames} frames, but its header promises 48"
    ]


def test_a_video_whose_own_words_are_of_any_bytes_is_measured(tmp_path: Path) -> None:
    h264_to_mp4(h264(tmp_path / "a.h264", frames=48), tmp_path / "a.mp4", Fraction(24))
    data = (tmp_path / "a.mp4").read_bytes()
    assert b" " * 2500 in data
    (tmp_path / "a.mp4").write_bytes(data.replace(b" " * 2500, b"\xff" * 2500))
    assert measure(tmp_path / "a.mp4").frames == 48


def test_a_video_of_a_kind_that_nobody_knows_is_told(tmp_path: Path) -> None:
    h264_to_mp4(h264(tmp_path / "a.h264", frames=48), tmp_path / "a.mp4", Fraction(24))
    data = (tmp_path / "a.mp4").read_bytes()
    assert b"avc1" in data
    (tmp_path / "a.mp4").write_bytes(data.replace(b"avc1", b"XXXX"))
    with pytest.raises(UnmeasurableError, match="it holds nothing that can be decoded"):
        measure(tmp_path / "a.mp4")
    [finding] = examine(tmp_path / "a.mp4", RecordingFacts()).failures
    assert finding.word == "unreadable"


def test_a_single_frame_has_no_length_that_could_be_measured(tmp_path: Path) -> None:
    h264_to_mp4(h264(tmp_path / "a.h264", frames=1), tmp_path / "a.mp4", Fraction(24))
    assert measure(tmp_path / "a.mp4").seconds == 0.0


def test_a_picture_has_a_size(tmp_path: Path) -> None:
    camera = devices.load("camera", "camera.a", {"driver": "simulated"})
    camera.open()
    camera.snapshot(tmp_path / "a.jpg")
    assert measure(tmp_path / "a.jpg") == RecordingFacts(width=640, height=480)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"fLaC torn", b"\0\0\0\x18ftypisom torn", b"\xff\xd8\xff torn"]
)
def test_what_cannot_be_decoded_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UnmeasurableError):
        measure(tmp_path / "a")
