"""Who owns an archive: one run after another over the same one."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.ledger import calibrations, events, quarantine, recovery, schema
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import Ledger, LedgerReader
from beemon.ledger.session import ArchiveSession
from beemon.storage import files
from beemon.storage.files import Place
from beemon.storage.lock import ArchiveBusyError, ArchiveLock
from tests.faults import failing_disk

SOUND = b"fLaC" + bytes(500)


def run(archive: Path) -> ArchiveSession:
    register = ArchiveSession(archive)
    register.open()
    return register


def open_recording(archive: Path) -> tuple[int, Place]:
    """A recording that a run of the service began and, by a crash, did not end."""
    register = run(archive)
    job = register.accept("record microphone.brood 30", "test")
    place = files.find_place(archive, "hive", "microphone.brood", ".flac", 0)
    orchestrator = Ledger(archive, register.run_number)
    with orchestrator.transaction():
        orchestrator.begin(job, "microphone.brood", place)
    orchestrator.close()
    register.close()
    return job, place


@pytest.fixture
def register(tmp_path):
    register = ArchiveSession(tmp_path)
    yield register
    register.close()


# One run

def test_commands_that_are_accepted_together_are_entered_in_their_order_or_not_at_all(register):
    assert register.accept_all([("read", "a"), ("read sensor.b", "b")]) == [1, 2]
    with pytest.raises(sqlite3.Error):
        register.accept_all([("read", "a"), (object(), "b")])
    assert register.accept_all([("stop all", "c")]) == [3]
    found = [(job.job, job.command, job.origin) for job in register.reader.jobs(9)]
    assert found == [(3, "stop all", "c"), (2, "read sensor.b", "b"), (1, "read", "a")]


def test_nothing_on_disk_is_touched_before_the_first_use(tmp_path):
    register = ArchiveSession(tmp_path / "archive")
    assert not (tmp_path / "archive").exists()
    assert register.accept("read", "test") == 1
    register.close()


def test_opening_it_twice_is_one_run(register):
    register.open()
    register.open()
    assert register.run_number == 1


def test_what_was_accepted_can_be_looked_up(register):
    assert register.accept("read", "test") == 1
    assert register.reader.job(1).command == "read"
    assert register.reader.job(2) is None
    assert [job.job for job in register.reader.jobs(5)] == [1]
    assert register.reader.latest() == []


def test_a_command_that_could_not_be_handed_on_has_failed(register):
    job = register.accept("read", "test")
    register.end_all({job: outcomes.failed("not-queued", "the queue did not take it")})
    assert register.reader.job(job).outcome == "failed"
    assert register.reader.job(job).reason == "not-queued"


def test_threads_may_share_it(register):
    def accept_some():
        for _ in range(5):
            register.reader.job(register.accept("read", "test"))

    threads = [threading.Thread(target=accept_some) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job.job for job in register.reader.jobs(100)) == list(range(1, 41))


def test_a_disk_that_fails_is_told_and_forgotten(register):
    register.open()
    with failing_disk(), pytest.raises(sqlite3.OperationalError):
        register.accept("read", "test")
    assert register.accept("read", "test") == 1


# Who has the archive

def test_a_second_service_is_refused_and_the_first_goes_on(tmp_path, register):
    register.open()
    with pytest.raises(ArchiveBusyError):
        ArchiveSession(tmp_path).open()
    assert register.accept("read", "test") == 1


def test_after_the_close_the_next_service_may_have_it(tmp_path, register):
    register.open()
    register.close()
    register.close()
    run(tmp_path).close()


def test_a_closed_one_does_not_take_the_archive_again(tmp_path, register):
    job = register.accept("read", "test")
    reader = register.reader
    register.close()
    for use in (
        lambda: reader.job(job), lambda: register.reader,
        lambda: register.accept("read", "test"), register.open,
    ):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            use()
    ArchiveLock(tmp_path).close()


@pytest.mark.parametrize("fault", ["newer", "disk"])
def test_a_ledger_that_cannot_be_used_leaves_the_archive_free(tmp_path, fault):
    if fault == "newer":
        with sqlite3.connect(tmp_path / "ledger.db") as raw:
            raw.execute("PRAGMA user_version=99")
            raw.execute("CREATE TABLE hives (hive INTEGER PRIMARY KEY)")
    else:
        (tmp_path / "ledger.db").mkdir()
    for _ in range(2):
        with pytest.raises(OSError, match="ledger"):
            ArchiveSession(tmp_path).open()
    ArchiveLock(tmp_path).close()


# Damage

def test_a_damaged_ledger_is_set_aside_and_a_new_one_says_so(tmp_path, caplog):
    content = b"this is no database at all" * 100
    (tmp_path / "ledger.db").write_bytes(content)
    register = run(tmp_path)
    assert register.accept("read", "test") == 1
    register.close()
    (aside,) = tmp_path.glob("ledger-damaged-*.db")
    assert aside.read_bytes() == content
    [event] = events.recent(LedgerReader(tmp_path), 9)
    assert (event.kind, event.facts) == ("ledger", {"aside": aside.name})
    assert caplog.messages == [event.message]
    assert f"(its header is damaged): it is kept as {aside.name}" in event.message
    assert not (tmp_path / "ledger.damaged").exists()


def test_a_scale_stays_calibrated_when_the_ledger_was_damaged(tmp_path):
    register = run(tmp_path)
    with closing(Ledger(tmp_path, register.run_number)) as other, other.transaction():
        for job in (3, 7):
            calibrations.enter(
                other, Made("sensor.scale", "weight", job, Quality.RTC, {"job": job, "factor": 2.0})
            )
    register.close()
    for _ in range(2):
        quarantine.mark(tmp_path, "a test says so")
        register = run(tmp_path)
        [kept] = register.reader.calibrations([])
        register.close()
        assert (kept.made, kept.job, kept.result.factor) == ("1970-01-01T00:00:00.000Z", -7, 2.0)


def test_a_ledger_of_which_a_page_was_ruined_is_set_aside_too(tmp_path):
    register = run(tmp_path)
    register.close()
    with (tmp_path / "ledger.db").open("r+b") as file:
        file.seek(4096)  # the first page of a table
        file.write(b"\xff" * 8 * 4096)
    run(tmp_path).close()
    assert len(list(tmp_path.glob("ledger-damaged-*.db"))) == 1


def test_the_log_of_a_damaged_ledger_goes_with_it(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"this is no database at all" * 100)
    quarantine.mark(tmp_path, "for a test")
    (tmp_path / "ledger.db-wal").write_bytes(b"its log")
    run(tmp_path).close()
    (log,) = tmp_path.glob("ledger-damaged-*.db-wal")
    assert log.read_bytes() == b"its log"


@pytest.mark.parametrize("part", ["", "-wal"])
def test_what_a_power_cut_left_half_set_aside_is_finished(tmp_path, part):
    first = run(tmp_path)
    first.accept("read", "test")
    first.close()
    damaged = quarantine.mark(tmp_path, "for a test")
    if part:  # its log was moved, the ledger itself not yet
        (tmp_path / f"{damaged.aside}-wal").write_bytes(b"its log")
    else:
        (tmp_path / "ledger.db").rename(tmp_path / damaged.aside)
    second = run(tmp_path)
    assert second.reader.jobs(9) == []
    second.close()
    assert (tmp_path / damaged.aside).stat().st_size > 0
    assert quarantine.marked(tmp_path) is None


def test_a_new_ledger_that_could_not_be_finished_does_not_replace_what_was_set_aside(tmp_path):
    content = b"this is no database at all" * 100
    (tmp_path / "ledger.db").write_bytes(content)
    damaged = quarantine.mark(tmp_path, "for a test")
    quarantine.set_aside(tmp_path, damaged)
    Ledger(tmp_path).close()  # the disk was full after that
    run(tmp_path).close()
    assert (tmp_path / damaged.aside).read_bytes() == content


def test_a_new_ledger_that_is_damaged_at_once_is_set_aside_beside_the_other(tmp_path):
    for content in (b"the first one" * 100, b"the second one" * 100):
        (tmp_path / "ledger.db").write_bytes(content)
        damaged = quarantine.mark(tmp_path, "for a test")
        quarantine.set_aside(tmp_path, damaged)
    (tmp_path / "ledger.db").write_bytes(b"the third one" * 100)
    run(tmp_path).close()
    assert len(list(tmp_path.glob("ledger-damaged-*.db"))) == 3


def test_a_mark_that_a_power_cut_emptied_counts_all_the_same(tmp_path):
    run(tmp_path).close()
    (tmp_path / "ledger.damaged").touch()
    run(tmp_path).close()
    assert len(list(tmp_path.glob("ledger-damaged-*.db"))) == 1


def test_any_number_of_damaged_ledgers_is_set_aside(tmp_path):
    for _ in range(7):
        (tmp_path / "ledger.db").write_bytes(b"this is no database at all" * 100)
        run(tmp_path).close()
    assert len(quarantine.all_aside(tmp_path)) == 7


@pytest.mark.parametrize("said", [
    "", "[]", "{}", "7", '{"why": 1}', '{"why": "x", "aside": 5}', "\x00\xff",
    '{"why": "x", "aside": "../../elsewhere.db"}',
])
def test_a_mark_that_cannot_be_read_counts_all_the_same(tmp_path, said):
    run(tmp_path).close()
    (tmp_path / "ledger.damaged").write_bytes(said.encode("latin-1"))
    run(tmp_path).close()
    assert len(quarantine.all_aside(tmp_path)) == 1
    assert not (tmp_path / "ledger.damaged").exists()


@pytest.mark.parametrize("version", [-1, 0, 1, 2, 3, 7, 2**31 - 1])
def test_the_number_of_the_layout_is_held_against_the_tables(tmp_path, version):
    run(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        raw.execute(f"PRAGMA user_version={version}")
    run(tmp_path).close()
    assert quarantine.all_aside(tmp_path) == []
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


@pytest.mark.parametrize("statement", [
    "DROP TABLE runs", "DROP TABLE jobs", "DROP TABLE archive", "DROP TABLE unreckoned",
    "DROP INDEX open_schedules; ALTER TABLE schedules DROP COLUMN until_us",
    "ALTER TABLE latest RENAME TO late",
])
def test_a_ledger_that_lacks_tables_or_columns_is_set_aside(tmp_path, statement):
    run(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        raw.executescript(statement)
    register = run(tmp_path)
    assert register.accept("read", "test")
    register.close()
    assert len(quarantine.all_aside(tmp_path)) == 1


@pytest.mark.parametrize("left", [b"", b"S"])
def test_a_ledger_that_lost_all_its_bytes_is_an_event(tmp_path, left):
    (tmp_path / "recordings" / "2026-06-01").mkdir(parents=True)
    (tmp_path / "recordings" / "2026-06-01" / "sound.flac").write_bytes(b"sound")
    (tmp_path / "ledger.db").write_bytes(left)
    run(tmp_path).close()
    with closing(LedgerReader(tmp_path)) as reader:
        event = events.latest(reader, "ledger")
    assert event is not None
    assert "it was empty" in event.message


def test_a_defect_of_the_program_at_the_start_leaves_a_sound_ledger_in_its_place(tmp_path):
    def result() -> str:
        raise TypeError("a defect")

    run(tmp_path).close()
    for _ in range(2):
        with pytest.raises(TypeError):
            ArchiveSession(tmp_path, result=result).open()
    assert quarantine.all_aside(tmp_path) == []
    register = run(tmp_path)
    assert register.run_number == 2
    register.close()


def service(archive):
    return ArchiveSession(archive, result=lambda: None)


def test_the_third_start_after_two_that_ended_by_a_defect_begins_a_new_ledger_once(tmp_path):
    for _ in range(5):
        register = service(tmp_path)
        register.open()
        register.note_failed()
        register.close()
    [aside] = quarantine.all_aside(tmp_path)
    with closing(LedgerReader(tmp_path)) as reader:
        event = events.latest(reader, "ledger")
    assert event is not None
    assert "the last 2 starts ended with a defect" in event.message
    assert event.facts["aside"] == aside.name


def test_a_start_that_went_well_makes_earlier_ones_forgotten(tmp_path):
    for _ in range(5):
        register = service(tmp_path)
        register.open()
        register.note_failed()
        register.note_well()
        register.close()
    assert quarantine.all_aside(tmp_path) == []


def test_starts_that_were_killed_leave_a_sound_ledger_alone(tmp_path):
    for _ in range(5):
        register = service(tmp_path)
        register.open()
        register.close()
    assert quarantine.all_aside(tmp_path) == []


def test_a_start_after_two_that_were_killed_looks_at_the_file_first(tmp_path):
    for _ in range(2):
        register = service(tmp_path)
        register.open()
        register.close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        [(page,)] = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'recordings'")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / "ledger.db").open("r+b") as file:
        file.seek((page - 1) * 1024)
        file.write(b"\xff" * 1024)
    register = service(tmp_path)
    register.open()
    register.close()
    assert len(quarantine.all_aside(tmp_path)) == 1


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff" * 9000, b"failed" * 999])
def test_a_count_of_starts_that_cannot_be_read_counts_none(tmp_path, content):
    run(tmp_path).close()
    (tmp_path / "ledger.starts").write_bytes(content)
    service(tmp_path).open()
    assert quarantine.all_aside(tmp_path) == []


# What an earlier run left

def test_jobs_that_an_earlier_run_left_open_were_interrupted(tmp_path, caplog):
    first = run(tmp_path)
    left, ended = first.accept("read", "test"), first.accept("read", "test")
    first.end_all({ended: outcomes.failed("not-queued", "")})
    first.close()
    with caplog.at_level(logging.WARNING):
        second = run(tmp_path)
    assert second.run_number == 2
    found = second.reader.job(left)
    assert (found.outcome, found.reason) == ("interrupted", "crash")
    assert second.reader.job(ended).outcome == "failed"
    assert caplog.messages == ["job 1 of an earlier run was interrupted: read"]
    assert (caplog.records[0].JOB, caplog.records[0].OUTCOME) == ("1", "interrupted")
    second.close()


def test_jobs_of_this_run_are_left_alone(tmp_path, register):
    job = register.accept("read", "test")
    orchestrator = Ledger(tmp_path, register.run_number)
    with orchestrator.transaction():
        assert recovery.close_earlier_runs(orchestrator) == []
    orchestrator.close()
    assert register.reader.job(job).outcome is None


def test_a_recording_that_was_whole_waits_to_be_entered(tmp_path):
    job, place = open_recording(tmp_path)
    place.final.write_bytes(SOUND)
    register = run(tmp_path)
    found = register.reader.job(job)
    register.close()
    assert (found.outcome, found.reason) == ("interrupted", "crash")
    assert found.message == "the recording was complete"
    assert tmp_path / found.leftover == place.temporary


def test_a_part_of_a_recording_is_kept_and_named(tmp_path):
    job, place = open_recording(tmp_path)
    place.temporary.write_bytes(SOUND)
    register = run(tmp_path)
    found = register.reader.job(job)
    register.close()
    assert found.outcome == "interrupted"
    assert tmp_path / found.leftover == place.temporary
    assert found.message == f"{len(SOUND)} bytes were recorded, and are yet to be salvaged"
    assert place.temporary.read_bytes() == SOUND


@pytest.mark.parametrize("began", [True, False])
def test_a_recording_that_holds_nothing_leaves_nothing(tmp_path, began):
    job, place = open_recording(tmp_path)
    if began:
        place.temporary.touch()
    register = run(tmp_path)
    found = register.reader.job(job)
    register.close()
    assert found.message == "nothing was recorded yet"
    assert found.leftover is None
    assert not place.temporary.exists()


def test_what_was_closed_once_is_not_closed_again(tmp_path):
    job, place = open_recording(tmp_path)
    place.final.write_bytes(SOUND)
    run(tmp_path).close()
    register = run(tmp_path)
    assert register.run_number == 3
    assert register.reader.job(job).message == "the recording was complete"
    register.close()


def test_a_start_that_fails_half_way_closes_nothing(tmp_path):
    job, _ = open_recording(tmp_path)
    with failing_disk(), pytest.raises(OSError):
        run(tmp_path)
    register = run(tmp_path)
    assert register.run_number == 2
    assert register.reader.job(job).outcome == outcomes.Outcome.INTERRUPTED
    register.close()


def test_a_recording_that_cannot_be_read_does_not_keep_the_service_from_starting(tmp_path):
    job, place = open_recording(tmp_path)
    place.temporary.symlink_to(place.temporary)  # it cannot even be looked at: ELOOP
    register = run(tmp_path)
    found = register.reader.job(job)
    register.close()
    assert (found.outcome, found.reason) == ("interrupted", "crash")
    assert "cannot be read" in found.message


# While it writes

def test_looking_up_does_not_wait_for_a_write(register, tmp_path):
    job = register.accept("read", "test")
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = threading.Thread(target=register.accept, args=("read", "test"))
    writing.start()
    time.sleep(0.1)  # it waits for the other one by now
    began = time.monotonic()
    assert register.reader.job(job) is not None
    assert time.monotonic() - began < 2.5  # half of what a write waits for another
    other.execute("ROLLBACK")
    other.close()
    writing.join()
