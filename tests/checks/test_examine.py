"""Content checks: does a media file hold what its recording says?"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from beemon.checks.examine import examine
from beemon.devices import load

pytest.importorskip("av")
pytest.importorskip("soundfile")


def opened(kind, **options):
    device = load(kind, f"{kind}.hive", {"driver": "simulated", "speed": 100.0, **options})
    device.open()
    return device


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A sound, a film and a picture under temporary names, each with its facts."""
    folder = tmp_path_factory.mktemp("recordings")
    small = {"width": 320, "height": 240}
    sound, film, picture = (folder / name for name in ("sound.part", "film.part", "picture.part"))
    camera = opened("camera", **small)
    return {
        "sound": (sound, opened("microphone").record(sound, 2, threading.Event(), follows=False)),
        "film": (film, camera.record(film, 2, threading.Event(), follows=False)),
        "picture": (picture, camera.snapshot(picture)),
    }


@pytest.fixture(params=["sound", "film", "picture"])
def recording(request, recordings):
    return recordings[request.param]


def found(path, facts):
    return [finding.word for finding in examine(path, facts).findings]


def test_a_good_recording_has_no_findings(recording):
    assert examine(*recording).findings == []


def test_an_empty_file_cannot_be_read(recording, tmp_path):
    (tmp_path / "a").touch()
    assert found(tmp_path / "a", recording[1]) == ["unreadable"]


def test_a_missing_file_cannot_be_read(recording, tmp_path):
    assert found(tmp_path / "missing", recording[1]) == ["unreadable"]


def test_a_file_of_another_kind_cannot_be_read(recording, tmp_path):
    (tmp_path / "a").write_text("<html>this is no recording</html>")
    assert found(tmp_path / "a", recording[1]) == ["unreadable"]


@pytest.mark.parametrize("kept", [0.001, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_found(recording, tmp_path, kept):
    path, facts = recording
    whole = path.read_bytes()
    (tmp_path / "a").write_bytes(whole[: int(len(whole) * kept)])
    assert found(tmp_path / "a", facts)


@pytest.mark.parametrize(
    ("kind", "fact", "value"),
    [
        ("sound", "samples", 31_999),
        ("sound", "rate", 48_000),
        ("film", "frames", 29),
        ("film", "seconds", 2.2),
        ("film", "seconds", 1.8),
    ],
)
def test_facts_that_are_not_so_are_found(recordings, kind, fact, value):
    path, facts = recordings[kind]
    assert found(path, replace(facts, **{fact: value})) == ["wrong-length"]


def test_sound_without_samples_is_empty(tmp_path):
    import soundfile

    soundfile.SoundFile(str(tmp_path / "a"), "w", 16000, 1, "PCM_16", format="FLAC").close()
    assert found(tmp_path / "a", {"samples": 0, "rate": 16000})


def test_a_finding_reads_as_a_sentence(recordings):
    path, facts = recordings["film"]
    (finding,) = examine(path, replace(facts, frames=29)).findings
    assert str(finding) == "wrong-length: 30 frames instead of the 29 written"
