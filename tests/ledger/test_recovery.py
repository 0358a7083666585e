"""The ledger: what a crash left, and files under it that do not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from beemon.base.facts import to_json
from beemon.base.recording import RecordingFacts
from beemon.ledger import recordings as catalog
from beemon.ledger import recovery
from beemon.ledger.ledger import Ledger, LedgerGoneError, LedgerReader, job_facts
from beemon.storage.files import Place


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
    assert (found.outcome, found.reason) == ("interrupted", "crash")
    return found


def test_a_recording_that_a_crash_left_whole_waits_to_be_entered(
    ledger: Ledger, tmp_path: Path
) -> None:
    place = Place(tmp_path / ".a.mp4.part", tmp_path / "a.mp4")
    place.final.write_bytes(b"whole")
    found = interrupted(ledger, place)
    assert (found.leftover, found.message) == (".a.mp4.part", "the recording was complete")


def test_what_a_crash_left_unfinished_stays_and_is_named(ledger: Ledger, tmp_path: Path) -> None:
    place = Place(tmp_path / ".a.mp4.part", tmp_path / "a.mp4")
    place.temporary.write_bytes(b"half")
    found = interrupted(ledger, place)
    assert found.leftover == ".a.mp4.part"
    assert found.message == "4 bytes were recorded, and are yet to be salvaged"


def test_a_leftover_that_cannot_be_read_does_not_keep_the_service_from_starting(
    ledger: Ledger, tmp_path: Path
) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    found = interrupted(ledger, Place(loop / ".a.mp4.part", loop / "a.mp4"))
    assert "cannot be read: [Errno 40]" in str(found.message)


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


# What was salvaged

SALVAGED = RecordingFacts(size=4, sha256="ab", seconds=2.5, samples=40_000, salvaged=True)


@pytest.fixture
def leftover(ledger: Ledger, tmp_path: Path) -> recovery.Leftover:
    place = Place(tmp_path / ".a.mp4.part", tmp_path / "a.mp4")
    place.temporary.write_bytes(b"half")
    interrupted(ledger, place)
    [found] = recovery.leftovers(ledger)
    assert found == recovery.Leftover(1, "camera.a", place)
    return found


def settled(
    ledger: Ledger, leftover: recovery.Leftover, salvaged: RecordingFacts | None
) -> dict[str, Any]:
    """The job after that, when its leftover is no longer waited for."""
    with ledger.transaction():
        recovery.settle(ledger, leftover, salvaged)
    assert recovery.leftovers(ledger) == []
    row = ledger.db.execute("SELECT * FROM jobs").fetchone()
    return to_json(job_facts(row))


def test_a_salvaged_recording_is_entered_and_its_job_names_it(
    ledger: Ledger, leftover: recovery.Leftover
) -> None:
    job = settled(ledger, leftover, SALVAGED)
    row = catalog.find(ledger.db, "a.mp4")
    assert (job["outcome"], job["reason"]) == ("interrupted", "crash")
    assert job["message"] == "4 bytes were recorded; 2.5 s were salvaged"
    assert (job["recording"], job["seconds"], job["salvaged"]) == ("a.mp4", 2.5, True)
    assert "leftover" not in job
    assert row is not None
    assert (row["job"], row["device"], row["sha256"], row["seconds"]) == (1, "camera.a", "ab", 2.5)


def test_the_start_of_a_salvaged_recording_is_its_jobs(
    ledger: Ledger, leftover: recovery.Leftover
) -> None:
    settled(ledger, leftover, SALVAGED)
    recording = catalog.find(ledger.db, "a.mp4")
    job = ledger.db.execute("SELECT started_us, clock FROM jobs").fetchone()
    assert recording is not None
    assert tuple(job) == (recording["start_us"], recording["clock"])


def test_what_an_earlier_salvage_had_named_already_was_salvaged_and_not_whole(
    ledger: Ledger, leftover: recovery.Leftover
) -> None:
    job = settled(ledger, leftover, replace(SALVAGED, salvaged=None, recovered=True))
    row = catalog.find(ledger.db, "a.mp4")
    assert job["salvaged"] is True
    assert "recovered" not in job
    assert row is not None
    assert json.loads(row["facts"])["salvaged"] is True


def test_what_was_of_no_use_is_said_to_have_gone(
    ledger: Ledger, leftover: recovery.Leftover
) -> None:
    job = settled(ledger, leftover, None)
    assert job["message"].endswith("; none of it was usable, so it was deleted")
    assert "leftover" not in job
    assert "recording" not in job


def test_what_was_salvaged_twice_is_entered_once(
    ledger: Ledger, leftover: recovery.Leftover
) -> None:
    settled(ledger, leftover, SALVAGED)
    settled(ledger, leftover, SALVAGED)
    assert len(list(catalog.kept(ledger.db))) == 1
