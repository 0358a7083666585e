"""Tags: what a recording's file says of itself, and that nothing else in the file moves for it."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import threading

import pytest

from beemon import __version__
from beemon.base.facts import to_json
from beemon.base.recording import RecordingFacts, recording_facts
from beemon.devices import load
from beemon.media import tags
from beemon.media.tags import BadTagsError, Tags
from tests.faults import failing_disk

pytest.importorskip("av")
pytest.importorskip("mutagen")
pytest.importorskip("soundfile")

NOON = 1_780_315_200_000_000  # 2026-06-01 12:00:00 UTC, in microseconds

TAGS = Tags(
    hive="apiary-7", device="microphone.brood", job=17, latitude=36.21, longitude=-81.67,
    clock="synchronised", findings=("clipped: 0.2 % of the samples",),
    facts=RecordingFacts(NOON, seconds=2.0, rate=16000, samples=32000, more={"note": "é; ü"}),
)
SMALL = {"driver": "simulated", "speed": 100.0}


FACTS_IN_THE_FILE = (
    '{"hive":"apiary-7","device":"microphone.brood","job":17,"latitude":36.21,"longitude":-81.67,'
    '"clock":"synchronised","version":"VERSION","verdict":"good",'
    '"findings":["clipped: 0.2 % of the samples"],"facts":{"start_utc_us":1780315200000000,'
    '"seconds":2.0,"samples":32000,"rate":16000,"note":"\\u00e9; \\u00fc"}}'
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sound, a film and a picture under temporary names."""
    folder = tmp_path_factory.mktemp("made")
    microphone = load("microphone", "microphone.brood", SMALL)
    camera = load("camera", "camera.entrance", {**SMALL, "width": 320, "height": 240})
    for device in (microphone, camera):
        device.open()
    microphone.record(folder / "sound.part", 2, threading.Event(), follows=False)
    camera.record(folder / "film.part", 2, threading.Event(), follows=False)
    camera.snapshot(folder / "picture.part")
    return folder


@pytest.fixture(params=["sound.part", "film.part", "picture.part"])
def file(request, made, tmp_path):
    return shutil.copy(made / request.param, tmp_path / request.param)


@pytest.fixture(params=["sound.part", "film.part"])
def roomy(request, made, tmp_path):
    return shutil.copy(made / request.param, tmp_path / request.param)


def test_what_is_written_is_read(file):
    tags.write(file, TAGS)
    assert tags.read(file) == TAGS


def test_the_facts_stand_in_the_file_as_json(file):
    tags.write(file, TAGS)
    written = tags.fields_of(file)["beemon|Facts"]
    assert written == FACTS_IN_THE_FILE.replace("VERSION", __version__)


def test_a_place_that_is_unknown_is_null():
    written = Tags("hive", "camera.a", 1).fields()["beemon|Facts"]
    assert '"latitude":null,"longitude":null' in written


def test_a_fact_of_another_type_is_written_again_as_it_was(file):
    odd = recording_facts({"rate": "fast", "gaps": [1], "later": {"a": 1}})
    tags.write(file, dataclasses.replace(TAGS, facts=odd))
    assert tags.read(file).facts == odd
    assert to_json(odd) == {"rate": "fast", "gaps": [1], "later": {"a": 1}}


def test_the_fields_have_names_that_others_know(file):
    tags.write(file, TAGS)
    found = tags.fields_of(file)
    assert found["Timestamp"] == "2026-06-01T12:00:00.000Z"
    assert found["Loc Position"] == "36.21 -81.67"
    assert found["Samplerate"] == "16000"
    assert found["beemon|Hive"] == "apiary-7"
    assert found["beemon|Job"] == "17"


def test_a_hive_without_a_place_says_none(file):
    tags.write(file, dataclasses.replace(TAGS, latitude=None))
    assert "Loc Position" not in tags.fields_of(file)


def test_writing_again_replaces(file):
    tags.write(file, TAGS)
    size = file.stat().st_size
    tags.write(file, dataclasses.replace(TAGS, hive="apiary-8"))
    assert tags.read(file).hive == "apiary-8"
    assert file.stat().st_size == size


def test_a_file_that_nobody_tagged_says_nothing(file):
    assert tags.read(file) is None


def test_a_sound_or_a_film_keeps_its_size_and_all_beyond_its_first_4_kib(roomy):
    before = roomy.read_bytes()
    tags.write(roomy, TAGS)
    after = roomy.read_bytes()
    assert len(after) == len(before)
    assert after[4096:] == before[4096:]


def test_tags_that_need_more_than_the_room_are_written_all_the_same(file):
    big = dataclasses.replace(TAGS, facts=RecordingFacts(more={"note": "x" * 4000}))
    tags.write(file, big)
    assert tags.read(file) == big
    assert decoded(file) > 0


def test_a_film_whose_fragments_moved_can_be_searched(made, tmp_path):
    import av

    film = shutil.copy(made / "film.part", tmp_path / "film.mp4")
    tags.write(film, dataclasses.replace(TAGS, facts=RecordingFacts(more={"note": "x" * 4000})))
    with av.open(str(film)) as video:
        video.seek(1_000_000)
        assert float(next(video.decode(video=0)).time) == pytest.approx(1.0)


def test_the_media_are_untouched(file, made):
    tags.write(file, TAGS)
    assert decoded(file) == decoded(made / file.name)


def decoded(file):
    import av

    with av.open(str(file)) as container:
        return sum(frame.pts is not None for frame in container.decode(container.streams[0]))


def test_what_is_no_recording_cannot_be_tagged(tmp_path):
    (tmp_path / "page").write_text("<html>")
    for action in (tags.read, lambda path: tags.write(path, TAGS)):
        with pytest.raises(BadTagsError, match="not a FLAC, MP4 or JPEG"):
            action(tmp_path / "page")


def test_a_head_without_a_body_cannot_be_read(tmp_path):
    for head in (b"fLaC\x00\x00", b"\x00\x00\x00\x18ftypisom"):
        (tmp_path / "torn").write_bytes(head)
        with pytest.raises(BadTagsError):
            tags.read(tmp_path / "torn")


def test_facts_that_make_no_sense_are_told(file):
    tags.write(file, TAGS)
    torn = file.read_bytes().replace(b'"hive":"apiary-7"', b'"hive":"apiary-7,')
    file.write_bytes(torn)
    with pytest.raises(BadTagsError):
        tags.read(file)


def test_a_missing_file_is_the_disks_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        tags.read(tmp_path / "missing")


def test_a_failing_disk_is_told_with_the_file(roomy):
    with pytest.raises(OSError) as caught, failing_disk():
        tags.write(roomy, TAGS)
    assert caught.value.filename == str(roomy)


@pytest.mark.ground("media-tools")
def test_metaflac_shows_the_tags(made, tmp_path):
    sound = shutil.copy(made / "sound.part", tmp_path / "sound.flac")
    tags.write(sound, TAGS)
    shown = run("metaflac", "--list", str(sound))
    assert "Loc Position=36.21 -81.67" in shown
    assert "beemon|Hive=apiary-7" in shown
    assert "total samples: 32000" in shown
    run("flac", "--test", "--silent", str(sound))


@pytest.mark.ground("media-tools")
def test_ffprobe_shows_the_tags(roomy):
    tags.write(roomy, TAGS)
    shown = run("ffprobe", "-v", "error", "-show_format", str(roomy))
    assert "TAG:Loc Position=36.21 -81.67" in shown
    assert "TAG:beemon|Hive=apiary-7" in shown


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
