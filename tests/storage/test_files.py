"""Recordings on disk: their names, and the write that leaves only whole files under final names."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from beemon.storage import files
from beemon.storage.files import Place
from beemon.worker.worker import message_of, reason_of
from tests.faults import failing_disk

NOON = 1_780_315_200_000_000  # 2026-06-01 12:00:00 UTC, in microseconds
SOUND = b"fLaC" + bytes(1000)


def place(archive: Path, utc_us: int = NOON) -> Place:
    return files.find_place(archive, "apiary-7", "microphone.brood", ".flac", utc_us)


def test_a_name_says_which_hive_when_and_which_device(tmp_path):
    found = place(tmp_path)
    assert found.final == (
        tmp_path / "recordings/2026-06-01/apiary-7@2026-06-01@12-00-00Z.microphone.brood.flac"
    )
    assert found.temporary.parent == found.final.parent
    assert found.temporary.name == f".{found.final.name}.part"


def test_the_days_folder_is_made_and_found_again(tmp_path):
    assert place(tmp_path).final.parent.is_dir()
    place(tmp_path)
    assert place(tmp_path, NOON + 12 * 3600 * 1_000_000).final.parent.name == "2026-06-02"


def test_two_recordings_of_one_second_get_two_names(tmp_path):
    names = []
    for _ in range(3):
        found = place(tmp_path)
        found.final.touch()
        names.append(found.final.name.split(".")[0])
    assert names == [f"apiary-7@2026-06-01@12-00-00Z{again}" for again in ("", "-2", "-3")]


def test_a_leftover_of_that_second_is_not_written_over(tmp_path):
    first = place(tmp_path)
    first.temporary.write_bytes(SOUND)
    assert place(tmp_path).temporary != first.temporary
    assert "Z-2." in place(tmp_path).final.name


def test_a_second_has_room_for_999_recordings_and_no_more(tmp_path):
    first = place(tmp_path).final
    day = first.parent
    first.touch()
    for again in range(2, 1000):
        (day / first.name.replace("Z.", f"Z-{again}.")).touch()
    with pytest.raises(FileExistsError, match=r"microphone\.brood"):
        place(tmp_path)


def test_a_kept_recording_has_its_final_name_its_size_and_its_hash(tmp_path):
    where = place(tmp_path)
    where.temporary.write_bytes(SOUND)
    assert files.keep_file(where) == (len(SOUND), hashlib.sha256(SOUND).hexdigest())
    assert where.final.read_bytes() == SOUND
    assert not where.temporary.exists()
    assert files.digest(where.final) == (len(SOUND), hashlib.sha256(SOUND).hexdigest())


def test_a_recording_is_never_replaced(tmp_path):
    where = place(tmp_path)
    where.temporary.write_bytes(SOUND)
    where.final.write_bytes(b"an earlier one")
    with pytest.raises(FileExistsError, match="exists already"):
        files.keep_file(where)
    assert where.final.read_bytes() == b"an earlier one"
    assert where.temporary.read_bytes() == SOUND


def test_what_was_never_written_cannot_be_kept(tmp_path):
    where = place(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.keep_file(where)
    assert not where.final.exists()


def test_a_disk_that_fails_leaves_nothing_under_a_final_name(tmp_path):
    where = place(tmp_path)
    with pytest.raises(OSError), failing_disk():
        where.temporary.write_bytes(SOUND)
    assert not where.final.exists()


def test_a_leftover_is_kept_where_it_holds_something(tmp_path):
    (tmp_path / "some").write_bytes(SOUND)
    assert files.discard_if_empty(tmp_path / "some") == len(SOUND)
    assert (tmp_path / "some").exists()


def test_a_leftover_that_holds_nothing_goes(tmp_path):
    (tmp_path / "none").touch()
    assert files.discard_if_empty(tmp_path / "none") == 0
    assert not (tmp_path / "none").exists()
    assert files.discard_if_empty(tmp_path / "none") == 0


def test_a_leftover_that_has_gone_stays_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", fsync)
    files.discard_if_empty(tmp_path / "removed by who was killed then")
    (tmp_path / "none").touch()
    files.discard_if_empty(tmp_path / "none")
    assert synced == [tmp_path, tmp_path]


def test_only_a_folder_is_synced_as_one(tmp_path):
    files.sync_folder(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        files.sync_folder(tmp_path / "file")


@pytest.mark.parametrize("good_syncs", [0, 1], ids=["the file's", "the folder's"])
def test_a_failed_sync_is_the_archives_error_and_not_the_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good_syncs: int
) -> None:
    place = Place(tmp_path / ".x.flac.part", tmp_path / "x.flac")
    place.temporary.write_bytes(b"sound")
    syncs = iter([None] * good_syncs)

    def fsync(_descriptor: int) -> None:
        if next(syncs, errno.EIO):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output error") as caught:
        files.keep_file(place)
    assert reason_of(caught.value) == "archive-error"
    assert message_of(caught.value) == f"Input/output error: {tmp_path}"
