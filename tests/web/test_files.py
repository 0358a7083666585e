"""Files: recordings and pictures as replies."""

from __future__ import annotations

import os
import shutil

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.base.recording import RecordingFacts
from beemon.ledger import recordings
from beemon.ledger.ledger import Ledger
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


def film(ledger, pictures):
    """Enter a video as the newest job; return its number and its place."""
    with ledger.transaction():
        job = ledger.accept("record camera.a 1", "schedule")
        place = files.find_place(ledger.archive, "h", "camera.a", ".mp4", 1_780_315_200_000_000)
        samples.write_video(place.final, pictures)
        ledger.begin(job, "camera.a", place)
        size, sha256 = files.digest(place.final)
        facts = RecordingFacts(
            1_780_315_200_000_000, 1.0, Quality.RTC, 1.0, size=size, sha256=sha256
        )
        recordings.enter(ledger, job, "camera.a", place.final, facts)
        ledger.end(job, outcomes.done(recording=ledger.relative(place.final)))
    return job, place


def test_the_first_picture_of_a_video_is_sent_and_kept(tmp_path, ledger):
    job, place = film(ledger, samples.View().pictures(3))
    options = options_for(ledger.archive, tmp_path)
    first, second, file = ask(options, f"/api/recordings/{job}/picture",
                              f"/api/recordings/{job}/picture", f"/api/recordings/{job}")
    assert (first.status, first.body[:2]) == (200, b"\xff\xd8")
    [still] = (options.cache / "stills").iterdir()
    assert first.body == second.body == still.read_bytes()
    assert file.headers["Content-Type"] == "video/mp4"
    place.final.write_bytes(b"no video")
    still.unlink()
    [torn] = ask(options, f"/api/recordings/{job}/picture")
    assert torn.status == 404


def test_the_same_number_in_a_new_ledger_is_another_picture(tmp_path):
    found = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        ledger = Ledger(tmp_path / name)
        ledger.prepare()
        with ledger.transaction():
            ledger.begin_run()
        job, _ = film(ledger, samples.View(seed=len(found)).pictures(2))
        ledger.close()
        known = found[0].headers["ETag"] if found else "none"
        found += ask(options_for(ledger.archive, tmp_path), f"/api/recordings/{job}/picture",
                     headers={"If-None-Match": known})
    assert [one.status for one in found] == [200, 200]
    assert found[0].body != found[1].body
    [again] = ask(options_for(tmp_path / "new", tmp_path), f"/api/recordings/{job}/picture",
                  headers={"If-None-Match": found[1].headers["ETag"]})
    assert again.status == 304


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
