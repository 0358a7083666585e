"""The index's state in the ledger: from when to when nothing may be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.base.recording import RecordingFacts
from beemon.ledger import events, index
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.media import tags
from beemon.media.tags import Tags


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    yield ledger
    ledger.close()


def begun(ledger: Ledger) -> bool:
    with ledger.transaction():
        ledger.begin_run()
        return index.begin_if_new(ledger)


def picture(archive: Path, job: int, name: str = "a.jpg") -> Path:
    """A recording's file that names its job."""
    path = archive / "recordings/2026-01-01" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xff\xd8\xff\xd9")
    tags.write(path, Tags("hive", "camera.a", job))
    return path


def test_a_new_ledger_of_an_empty_archive_is_complete(ledger: Ledger) -> None:
    assert not begun(ledger)
    assert index.is_complete(ledger.db)


def test_a_new_ledger_of_an_archive_with_files_is_not_complete_until_it_is_said(
    ledger: Ledger,
) -> None:
    picture(ledger.archive, 17)
    assert begun(ledger)
    assert not index.is_complete(ledger.db)
    assert not begun(ledger)  # the next start
    assert not index.is_complete(ledger.db)
    index.end(ledger, index.job_for(ledger), entered=1)
    assert index.is_complete(ledger.db)
    event = events.latest(ledger, index.KIND)
    assert event is not None
    assert event.message == "every recording was examined: 1 were added"


def test_new_jobs_have_numbers_that_no_recording_names(ledger: Ledger) -> None:
    picture(ledger.archive, 17, "a.jpg")
    picture(ledger.archive, 16, "b.jpg")
    (ledger.archive / "recordings/2026-01-01/c.jpg").write_bytes(b"not one of ours")
    assert begun(ledger)
    assert index.job_for(ledger) == 18
    with ledger.transaction():
        assert ledger.accept("read", "test") == 19


def test_the_job_that_indexes_has_one_outcome(ledger: Ledger) -> None:
    picture(ledger.archive, 17)
    begun(ledger)
    job = index.job_for(ledger)
    assert index.job_for(ledger) == job
    index.end(ledger, job, entered=0)
    row = ledger.db.execute("SELECT * FROM jobs WHERE job = ?", (job,)).fetchone()
    assert (row["outcome"], row["origin"]) == ("done", "archive")


def test_a_recording_is_entered_once(ledger: Ledger) -> None:
    path = picture(ledger.archive, 17)
    begun(ledger)
    entries = [(path, "camera.a", RecordingFacts(size=4, sha256="ab"))]
    assert index.enter(ledger, 1, entries) == 1
    assert index.enter(ledger, 1, entries) == 0
    assert len(list(catalog.kept(ledger.db))) == 1
