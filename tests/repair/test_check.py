"""The archive's check: real files and a real ledger, with one thing wrong at a time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from beemon.base import outcomes
from beemon.base.recording import RecordingFacts
from beemon.ledger import events, index
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.repair import check
from beemon.storage import files
from beemon.storage.lock import ArchiveLock

DEVICE = "microphone.brood"


@pytest.fixture
def recording(ledger: Ledger) -> Path:
    """A recording as the service keeps it, whose job is done."""
    return made(ledger)


def begun(ledger: Ledger, content: bytes = b"sound") -> tuple[int, files.Place]:
    """A job that is writing a recording."""
    where = files.find_place(ledger.archive, "hive", DEVICE, ".flac", 10**15)
    with ledger.transaction():
        job = ledger.accept(f"record {DEVICE}", "test")
        ledger.begin(job, DEVICE, where)
    where.temporary.write_bytes(content)
    return job, where


def made(ledger: Ledger) -> Path:
    job, where = begun(ledger)
    size, sha256 = files.keep_file(where)
    with ledger.transaction():
        catalog.enter(ledger, job, DEVICE, where.final, RecordingFacts(size=size, sha256=sha256))
        ledger.end(job, outcomes.done(recording=ledger.relative(where.final)))
    return where.final


def found(archive: Path, *, full: bool = False) -> list[str]:
    return [finding.word for finding in check.check(archive, full=full).findings]


def test_a_good_archive_has_nothing_wrong_and_is_counted(tmp_path: Path, recording: Path) -> None:
    report = check.check(tmp_path, full=True)
    assert (report.recordings, report.size, report.jobs) == (1, 5, 1)
    assert report.findings == []
    assert report.notes == []


def test_an_archive_without_recordings_has_nothing_wrong(ledger: Ledger) -> None:
    assert found(ledger.archive) == []


def test_what_is_being_recorded_is_no_finding(tmp_path: Path, ledger: Ledger) -> None:
    _, where = begun(ledger)
    assert found(tmp_path) == []
    files.keep_file(where)  # its outcome comes a moment later
    assert found(tmp_path) == []


def test_what_waits_to_be_salvaged_is_no_finding(tmp_path: Path, ledger: Ledger) -> None:
    job, where = begun(ledger)
    with ledger.transaction():
        leftover = ledger.relative(where.temporary)
        ledger.end(job, outcomes.failed("timeout", leftover=leftover))
    assert found(tmp_path) == []
    assert check.check(tmp_path).notes == [
        "1 files were not finished; the next start salvages them"
    ]
    files.keep_file(where)  # it is entered a moment later
    assert found(tmp_path) == []


def test_what_a_crash_left_open_waits_for_the_next_start(tmp_path: Path, ledger: Ledger) -> None:
    begun(ledger)
    assert check.check(tmp_path).notes == ["1 jobs are open; the next start ends them"]
    with ArchiveLock(tmp_path):
        assert check.check(tmp_path).notes == []


def lose(file: Path, ledger: Ledger) -> None:
    file.unlink()


def empty(file: Path, ledger: Ledger) -> None:
    file.write_bytes(b"")


def cut(file: Path, ledger: Ledger) -> None:
    file.write_bytes(b"soun")


def replace(file: Path, ledger: Ledger) -> None:
    file.write_bytes(b"noise")


def make_unreadable(file: Path, ledger: Ledger) -> None:
    file.unlink()
    file.symlink_to(file)


def forget(file: Path, ledger: Ledger) -> None:
    ledger.db.execute("DELETE FROM recordings")
    ledger.db.execute("UPDATE jobs SET facts = NULL")


def add_unknown(file: Path, ledger: Ledger) -> None:
    file.with_suffix(".mp4").write_bytes(b"video")


def add_unfinished(file: Path, ledger: Ledger) -> None:
    (file.parent / ".other.flac.part").write_bytes(b"")


def delete_in_the_ledger_alone(file: Path, ledger: Ledger) -> None:
    catalog.begin_deletion(ledger, 1, 1)
    catalog.end_deletion(ledger, 1, 1)


def never_enter(file: Path, ledger: Ledger) -> None:
    ledger.db.execute("DELETE FROM recordings")
    file.unlink()


def leave_open(file: Path, ledger: Ledger) -> None:
    ledger.accept("read", "test")
    ledger.begin_run()


def point_nowhere(file: Path, ledger: Ledger) -> None:
    ledger.db.execute("UPDATE jobs SET run = 7")


def lose_a_slot(file: Path, ledger: Ledger) -> None:
    ledger.db.execute(
        "INSERT INTO schedules (device, from_us, definition) VALUES (?, 0, ?)",
        (DEVICE, '{"interval": "60s", "zone": "UTC"}'),
    )
    ledger.db.execute("UPDATE runs SET accounted_us = 60000000")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lose, [check.NO_FILE]),
        (empty, [check.EMPTY]),
        (cut, [check.WRONG_SIZE]),
        (replace, [check.WRONG_HASH]),
        (make_unreadable, [check.UNREADABLE]),
        (forget, [check.NO_ROW]),
        (add_unknown, [check.NO_ROW]),
        (add_unfinished, [check.STRAY]),
        (delete_in_the_ledger_alone, [check.NOT_DELETED]),
        (never_enter, [check.NO_RECORDING]),
        (leave_open, [check.NO_OUTCOME]),
        (point_nowhere, [check.DAMAGED]),
        (lose_a_slot, [check.LOST_SLOTS]),
    ],
)
def test_each_harm_is_found(
    harm: Callable[[Path, Ledger], None],
    words: list[str],
    tmp_path: Path,
    ledger: Ledger,
    recording: Path,
) -> None:
    harm(recording, ledger)
    assert found(tmp_path, full=True) == words


def test_only_a_full_check_reads_what_is_in_the_files(tmp_path: Path, recording: Path) -> None:
    recording.write_bytes(b"noise")
    assert found(tmp_path) == []
    assert found(tmp_path, full=True) == [check.WRONG_HASH]


def test_a_deletion_that_is_under_way_is_no_finding(
    tmp_path: Path, ledger: Ledger, recording: Path
) -> None:
    catalog.begin_deletion(ledger, 1, 1)
    assert found(tmp_path) == []
    recording.unlink()
    assert found(tmp_path) == []


def test_an_archive_that_lost_its_ledger_is_told_how_to_get_one(
    tmp_path: Path, ledger: Ledger, recording: Path
) -> None:
    for file in tmp_path.glob("ledger.db*"):
        file.unlink()
    [finding] = check.check(tmp_path).findings
    assert finding.word == check.NO_LEDGER
    assert "beemon archive rebuild" in finding.message


def test_a_new_ledger_that_is_yet_to_be_filled_is_said_to_be_so(
    tmp_path: Path, ledger: Ledger, recording: Path
) -> None:
    with ledger.transaction():
        events.enter(ledger, index.KIND, "the ledger is new", complete=False)
    for name in ("before.flac", "earlier.flac"):
        recording.with_name(name).write_bytes(b"sound")
    report = check.check(tmp_path)
    assert report.findings == []
    assert report.notes[0].startswith("the database is new, and 2 files are not in it yet")
    with ledger.transaction():
        events.enter(ledger, index.KIND, "it knows them all", complete=True)
    assert found(tmp_path) == [check.NO_ROW, check.NO_ROW]


def test_a_damaged_ledger_is_a_finding(tmp_path: Path, ledger: Ledger, recording: Path) -> None:
    ledger.close()
    with (tmp_path / "ledger.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    assert check.DAMAGED in found(tmp_path)


def test_what_is_no_ledger_at_all_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not SQLite" * 1000)
    [finding] = check.check(tmp_path).findings
    assert finding.word == check.DAMAGED


def test_an_older_ledger_is_not_judged(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "ledger.db")
    old.execute("CREATE TABLE readings (sensor)")
    old.close()
    assert found(tmp_path) == [check.LAYOUT]


def test_no_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no archive at"):
        check.check(tmp_path / "nowhere")
