"""Files: only regular files beneath their folder, whatever stands in the archive."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.base.recording import RecordingFacts
from beemon.ledger import recordings
from beemon.storage import files
from beemon.web.errors import ApiError
from beemon.web.files import open_beneath
from tests import samples
from tests.web.asking import ask, options_for


def read(folder: Path, relative: str) -> bytes:
    with os.fdopen(open_beneath(folder, PurePosixPath(relative)), "rb") as file:
        return file.read()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inner = tmp_path / "archive" / "recordings"
    inner.mkdir(parents=True)
    (inner / "a.flac").write_bytes(b"sound")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "archive"


def test_a_file_beneath_the_folder_is_opened(folder):
    assert read(folder, "recordings/a.flac") == b"sound"


@pytest.mark.parametrize("relative", [
    "../secret", "recordings/../../secret", "/etc/passwd", "", ".", "recordings", "recordings/b",
    "recordings/a.flac/b", "a\0b", "recordings/" + "x" * 300,
])
def test_nothing_else_is_opened(folder, relative):
    with pytest.raises(ApiError) as error:
        read(folder, relative)
    assert error.value.status == 404


def test_no_link_is_followed(folder):
    (folder / "recordings" / "file").symlink_to(folder.parent / "secret")
    (folder / "linked").symlink_to(folder.parent)
    for relative in ("recordings/file", "linked/secret"):
        with pytest.raises(ApiError):
            read(folder, relative)


def test_neither_a_pipe_nor_a_device_is_waited_for(folder):
    os.mkfifo(folder / "recordings" / "pipe")
    with pytest.raises(ApiError):
        read(folder, "recordings/pipe")


def test_descriptors_are_closed(folder):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for relative in ("recordings/a.flac", "recordings/b", "../secret") * 20:
        try:
            read(folder, relative)
        except ApiError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_live_picture_is_sent_while_there_is_one(archive, tmp_path):
    options = options_for(archive, tmp_path)
    options.live.mkdir()
    (options.live / "camera.a.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    there, again, absent = (
        *ask(options, "/api/live/camera.a.jpg", "/api/live/camera.a.jpg?of=5"),
        *ask(options, "/api/live/camera.b.jpg"),
    )
    assert (there.status, there.headers["Content-Type"]) == (200, "image/jpeg")
    assert (again.status, absent.status) == (200, 404)
    [known] = ask(options, "/api/live/camera.a.jpg",
                  headers={"If-None-Match": there.headers["ETag"]})
    assert known.status == 304


def test_replies_close_their_files(archive, tmp_path):
    options = options_for(archive, tmp_path)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    assert {one.status for one in ask(options, *["/api/recordings/3"] * 50)} == {200}
    assert len(os.listdir("/proc/self/fd")) <= before + 5  # noqa: PTH208


def test_the_first_picture_of_a_video_is_sent_and_kept(tmp_path, ledger):
    with ledger.transaction():
        job = ledger.accept("record camera.a 1", "schedule")
        place = files.find_place(ledger.archive, "h", "camera.a", ".mp4", 1_780_315_200_000_000)
        samples.write_video(place.final, samples.View().pictures(3))
        ledger.begin(job, "camera.a", place)
        facts = RecordingFacts(1_780_315_200_000_000, 1.0, Quality.RTC, 1.0, size=9, sha256="0")
        recordings.enter(ledger, job, "camera.a", place.final, facts)
        ledger.end(job, outcomes.done(recording=ledger.relative(place.final)))
    options = options_for(ledger.archive, tmp_path)
    first, second, file = ask(options, f"/api/recordings/{job}/picture",
                              f"/api/recordings/{job}/picture", f"/api/recordings/{job}")
    assert (first.status, first.body[:2]) == (200, b"\xff\xd8")
    assert first.body == second.body == (options.cache / "stills" / f"{job}.jpg").read_bytes()
    assert file.headers["Content-Type"] == "video/mp4"
    place.final.write_bytes(b"no video")
    (options.cache / "stills" / f"{job}.jpg").unlink()
    [torn] = ask(options, f"/api/recordings/{job}/picture")
    assert torn.status == 404


def test_a_recording_that_became_a_link_is_not_sent(archive, tmp_path):
    copy = tmp_path / "archive"
    shutil.copytree(archive, copy)
    options = options_for(copy, tmp_path)
    [job] = ask(options, "/api/jobs/3")
    file = copy / job.json["recording"]
    assert ask(options, "/api/recordings/3")[0].status == 200
    file.unlink()
    file.symlink_to("/etc/passwd")
    [linked] = ask(options, "/api/recordings/3")
    assert linked.status == 404
    assert b"root" not in linked.body
    file.unlink()
    assert ask(options, "/api/recordings/3")[0].status == 404
