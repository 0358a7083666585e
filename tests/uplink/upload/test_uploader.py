"""The work of an upload: what waits, what is told, what is compared, and when."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from beemon.base.clock import Moment
from beemon.base.options import build
from beemon.storage import files
from beemon.uplink.destinations.upload.destination import _check_disk
from beemon.uplink.destinations.upload.manifest import MANIFEST_SECONDS, manifest_name
from beemon.uplink.destinations.upload.remote import RemoteError
from beemon.uplink.destinations.upload.sent import folder_of
from beemon.uplink.destinations.upload.settings import Settings
from beemon.uplink.destinations.upload.uploader import (
    ASIDE_SECONDS,
    IDLE_SECONDS,
    Rules,
    Uploader,
)
from tests.uplink.upload.far_end import FarEnd
from tests.uplink.upload.test_histories import START_US, UUIDS, Hive

NOW = Moment(START_US, 1000.0)


def later(seconds: float) -> Moment:
    return Moment(START_US + round(seconds * 1e6), 1000.0 + seconds)


@pytest.fixture
def far_end() -> FarEnd:
    return FarEnd(random.Random(1), can_move=True, hashes=("md5",))


@pytest.fixture
def hive(tmp_path, far_end) -> Hive:
    return Hive(tmp_path, UUIDS[0], random.Random(1), far_end)


def finish(hive: Hive, now: Moment = NOW) -> float:
    """The time in seconds until the next look, once nothing is left to do."""
    return hive.finish(now)


def recordings_of(far_end: FarEnd) -> dict[str, bytes]:
    return {name: content for name, content in far_end.files.items() if name.endswith(".flac")}


def test_a_damaged_file_is_not_sent_but_told(hive, far_end):
    for _ in range(3):
        hive.record()
    hive.damage()
    [damaged] = hive.damaged
    finish(hive)
    assert set(hive.marked) == {1, 2, 3} - {damaged}
    assert hive.remote_name(damaged) not in far_end.files
    assert "is damaged: it has another SHA-256" in hive.uploader.facts.trouble
    assert hive.made[damaged][0].path in hive.uploader.facts.trouble


def test_recordings_that_failed_their_check_come_last(hive, far_end):
    for _ in range(3):
        hive.record()
    recording, content = hive.made[1]
    failed = replace(recording, facts=replace(recording.facts, verdict="failed"))
    hive.made[1] = failed, content
    finish(hive)
    assert list(hive.marked) == [2, 3, 1]


def test_a_file_is_not_deleted_while_it_is_uploaded(hive, far_end):
    hive.record()
    file = hive.archive / hive.made[1][0].path
    held = []
    real = far_end.send

    def send(source: Path, name: str, size: int) -> None:
        held.append(files.is_held(file))
        real(source, name, size)

    far_end.send = send
    finish(hive)
    assert any(held)
    assert not files.is_held(file)


def test_a_file_that_is_there_is_not_sent_again(hive, far_end):
    hive.record()
    finish(hive)
    hive.marked.clear()
    hive.start()
    far_end.send = None  # any attempt would fail
    finish(hive)
    assert set(hive.marked) == {1}


def test_the_size_alone_marks_nothing_and_is_sent_once(tmp_path):
    far_end = FarEnd(random.Random(1), can_move=True, hashes=())
    hive = Hive(tmp_path, UUIDS[0], random.Random(1), far_end)
    sent = []
    real = far_end.send
    far_end.send = lambda file, name, size: (sent.append(name), real(file, name, size))
    for _ in range(2):
        hive.record()
        hive.uploader = Uploader(
            far_end, hive, hive.archive, hive.uuid, "hive", hive.folder / "state", hive,
            Rules(reads_back=False),
        )
        finish(hive)
    assert hive.marked == {}
    assert len([name for name in sent if ".flac" in name]) == 2
    assert len(recordings_of(far_end)) == 2
    manifests = [content for name, content in far_end.files.items() if "manifest" in name]
    assert manifests
    assert all(json.loads(content)["files"] == [] for content in manifests)


def test_nothing_is_sent_beyond_the_budget(hive, far_end):
    hive.record()
    hive.spend()
    assert finish(hive) > 0
    assert recordings_of(far_end) == {}
    hive.spend()
    finish(hive)
    assert len(recordings_of(far_end)) == 1


def test_the_manifest_of_the_day_is_sent_once_an_hour_and_at_the_end_of_the_day(hive, far_end):
    def listed(folder: str = "hive/2026-06-01") -> int:
        content = far_end.files.get(manifest_name(folder), b'{"files": []}')
        return len(json.loads(content)["files"])

    hive._chance = random.Random(3)
    hive.record()
    finish(hive)
    assert listed() == 1
    hive.record()
    assert 0 < finish(hive, later(60)) <= MANIFEST_SECONDS - 60
    assert listed() == 1
    finish(hive, later(MANIFEST_SECONDS + 1))
    assert listed() == 2
    hive.record()
    finish(hive, later(MANIFEST_SECONDS + 60))
    hive._day += 1
    hive.record()
    assert hive.made[4][0].path.startswith("recordings/2026-06-02/")
    finish(hive, later(MANIFEST_SECONDS + 120))
    assert listed() == 3
    assert listed("hive/2026-06-02") == 1


def test_once_a_day_what_the_far_end_lost_is_uploaded_again(hive, far_end):
    hive.record()
    hive.record()
    finish(hive)
    [first, second] = map(hive.remote_name, (1, 2))
    del far_end.files[first]
    hive.marked.pop(2)
    hive.deleted.add(2)  # as retention does
    (hive.archive / hive.made[2][0].path).unlink()
    hive.marked[2] = second
    far_end.files[second] = b"torn"
    other = f"{folder_of(first)}/other"
    far_end.files[other] = b"of somebody else"
    assert finish(hive, later(3600)) == IDLE_SECONDS
    assert hive.forgotten == 0
    finish(hive, later(90_000))
    assert far_end.files[first] == hive.made[1][1]
    assert set(hive.marked) == {1}
    told = hive.uploader.facts.told
    assert (told["missing"], told["damaged"]) == (1, 1)
    assert told["lost"] == [second]
    assert told["unknown"] == [other]
    finish(hive, later(200_000))
    assert hive.forgotten == 2  # each once
    assert "neither here nor at the remote storage" in hive.uploader.facts.trouble
    finish(hive, later(900_000))
    assert hive.uploader.facts.trouble is None
    assert told["lost"] == [second]


@pytest.mark.parametrize("restarts", [False, True], ids=["stays up", "starts again"])
def test_what_the_far_end_lost_is_sent_again_if_the_service_is_killed_before_its_mark(
    hive, far_end, restarts
):
    for _ in range(3):
        hive.record()
    finish(hive)
    lost = hive.remote_name(2)
    del far_end.files[lost]
    while not hive.orders:
        hive.uploader.step(later(90_000))
    hive.orders.clear()  # they were accepted; the next run carries them out no more
    assert 2 in hive.marked
    if restarts:
        hive.start()
    finish(hive, later(90_000))
    finish(hive, later(90_000 + ASIDE_SECONDS))
    assert far_end.files[lost] == hive.made[2][1]


def test_two_hives_of_one_name_keep_their_files_apart(tmp_path, far_end):
    hives = [Hive(tmp_path / uuid, uuid, random.Random(n), far_end)
             for n, uuid in enumerate(UUIDS)]
    for hive in hives:
        hive.record()
        finish(hive)
    assert {Path(name).parts[0] for name in recordings_of(far_end)} == {"hive", "hive-7b1d0e55"}
    for hive in hives:
        assert far_end.files[hive.remote_name(1)] == hive.made[1][1]


def test_another_destination_has_all_that_is_still_here(hive, tmp_path):
    hive.record()
    hive.record()
    finish(hive)
    hive.retain()
    [deleted] = hive.deleted
    hive.far_end = FarEnd(random.Random(2), can_move=False, hashes=("sha1",))
    shutil.move(tmp_path / "state", tmp_path / "state-of-before")
    hive.start()
    finish(hive)
    here = ({1, 2} - {deleted}).pop()
    assert list(recordings_of(hive.far_end)) == [hive.remote_name(here)]
    assert "lost" not in hive.uploader.facts.told


def test_a_far_end_that_stores_something_else_is_given_up_and_told(hive, far_end):
    hive.record()
    real = far_end.move

    def spoil(name: str, final: str) -> None:
        real(name, final)
        if ".flac" in final:
            far_end.files[final] += b"?"

    far_end.move = spoil
    with pytest.raises(RemoteError, match="stores another content than it was sent"):
        finish(hive)
    assert hive.marked == {}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"remote": ":sftp,host=a,pass=b:c", "config_file": "/c"}, "NAME from the config"),
        ({"remote": "--config=/etc/shadow", "config_file": "/c"}, "NAME from the config"),
        ({"remote": "nas:hives"}, 'needs "config_file"'),
        ({"remote": "me@nas:hives", "driver": "rsync"}, 'needs "known_hosts"'),
        ({"remote": "nas:hives", "config_file": "/c", "rate": "5"}, '"rate" must be'),
        ({"remote": "nas", "config_file": "/c"}, "NAME:FOLDER"),
    ],
)
def test_a_table_that_cannot_work_is_refused(table, problem):
    settings, problems = build(Settings, table, lambda name: name)
    assert settings is None
    assert problem in str(problems[0])


def test_a_folder_on_the_disk_of_the_archive_is_no_place_elsewhere(tmp_path):
    with pytest.raises(RemoteError, match="is on the disk of the archive"):
        _check_disk(tmp_path, tmp_path)
    with pytest.raises(RemoteError, match="mount the other disk first"):
        _check_disk(tmp_path / "usb", tmp_path)
    _check_disk(Path("/dev/shm"), Path("/proc"))
