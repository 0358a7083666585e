"""The ledger: what a crash left, and files under it that do not answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.archive import recovery
from beemon.archive.ledger import Ledger, LedgerGoneError, LedgerReader
from beemon.archive.recordings import Place


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    ledger.begin_run()
    yield ledger
    ledger.close()


def interrupted(ledger: Ledger, place: Place) -> dict[str, object]:
    """A job of an earlier run that began a recording at ``place``, after its recovery."""
    job = ledger.accept("record camera.a", "test")
    ledger.begin(job, "camera.a", place)
    ledger.begin_run()
    recovery.close_earlier_runs(ledger)
    reader = LedgerReader(ledger.archive)
    found = reader.job(job)
    reader.close()
    assert found is not None
    assert (found["outcome"], found["reason"]) == ("interrupted", "crash")
    return found


def test_a_recording_that_a_crash_left_whole_is_entered(ledger: Ledger, tmp_path: Path) -> None:
    place = Place(tmp_path / ".a.mp4.part", tmp_path / "a.mp4")
    place.final.write_bytes(b"whole")
    assert interrupted(ledger, place)["recording"] == "a.mp4"


def test_the_name_of_a_whole_recording_lasts_before_the_ledger_has_it(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path / "day" / ".a.mp4.part", tmp_path / "day" / "a.mp4")
    place.final.parent.mkdir()
    place.final.write_bytes(b"whole")
    synced: list[Path] = []

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", fsync)
    interrupted(ledger, place)
    assert synced == [place.final.parent]


def test_what_a_crash_left_unfinished_stays_and_is_named(ledger: Ledger, tmp_path: Path) -> None:
    place = Place(tmp_path / ".a.mp4.part", tmp_path / "a.mp4")
    place.temporary.write_bytes(b"half")
    found = interrupted(ledger, place)
    assert found["leftover"] == ".a.mp4.part"
    assert found["message"] == "4 bytes were recorded and stay in .a.mp4.part"


def test_a_leftover_that_cannot_be_read_does_not_keep_the_service_from_starting(
    ledger: Ledger, tmp_path: Path
) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    found = interrupted(ledger, Place(loop / ".a.mp4.part", loop / "a.mp4"))
    assert "cannot be read: [Errno 40]" in str(found["message"])


def test_nothing_is_accepted_into_a_file_that_was_removed_or_replaced(
    ledger: Ledger, tmp_path: Path
) -> None:
    for file in tmp_path.glob("ledger.db*"):
        file.unlink()
    with pytest.raises(LedgerGoneError, match="removed or replaced"), ledger.transaction():
        pass
    (tmp_path / "ledger.db").touch()
    with pytest.raises(LedgerGoneError, match="removed or replaced"), ledger.transaction():
        pass
