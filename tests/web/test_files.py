"""Files: recordings and pictures as replies."""

from __future__ import annotations

import os
import shutil

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.base.recording import RecordingFacts
from beemon.ledger import recordings
from beemon.storage import files
from tests import samples
from tests.web.asking import ask, options_for


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
