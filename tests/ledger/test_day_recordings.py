"""The recordings of a day, and the scheduled times that have none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.base.recording import RecordingFacts
from beemon.ledger import day_recordings, recordings
from beemon.ledger.slots import Begin, Due, Series, Skip
from beemon.storage import files
from tests.book import DAY, HOUR, HOURLY, MINUTE, NOON, Book

MICROPHONE = "microphone.brood"


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    book.start_without_account(NOON - HOUR)
    book.clock.utc_us = NOON
    book.enter(Begin(NOON, NOON, {MICROPHONE: HOURLY}))
    yield book
    book.ledger.close()


def slot(book: Book, hour: int, command: str = f"record {MICROPHONE} 30") -> int:
    at = NOON + hour * HOUR
    [job] = book.enter(due=[Due(command, at)], accounted_us=at)
    return job


def record(book: Book, job: int, at: int, suffix: str = ".flac") -> str:
    place = files.find_place(book.ledger.archive, "h", MICROPHONE, suffix, at)
    place.final.write_bytes(b"sound")
    facts = RecordingFacts(at, 1.0, Quality.SYNCHRONISED, 30.0, size=5, sha256="00")
    with book.ledger.transaction():
        book.ledger.begin(job, MICROPHONE, place)
        recordings.enter(book.ledger, job, MICROPHONE, place.final, replace(facts))
        book.ledger.end(job, outcomes.done(recording=book.ledger.relative(place.final)))
    return book.ledger.relative(place.final)


def told(book: Book, device: str = MICROPHONE):
    return day_recordings.day_recordings(book.ledger.db, device, NOON, NOON + DAY)


def test_a_recording_is_listed_with_its_job_its_kind_and_its_size(book):
    job = slot(book, 1)
    record(book, job, NOON + HOUR)
    [one] = told(book).recordings
    assert (one.utc, one.job, one.kind, one.bytes, one.seconds) == (
        "2026-06-01T13:00:00.000Z", job, "sound", 5, 30.0)
    assert (one.outcome, one.reason) == ("done", None)


def test_slots_without_a_recording_have_their_reason(book):
    failed = slot(book, 1)
    with book.ledger.transaction():
        book.ledger.end(failed, outcomes.failed("no-device"))
    open_job = slot(book, 2)
    book.enter(Skip(MICROPHONE, "down", Series(NOON + 3 * HOUR, NOON + 5 * HOUR, 3)),
               accounted_us=NOON + 5 * HOUR)
    found = told(book).recordings
    assert [(one.job, one.outcome, one.reason) for one in found] == [
        (failed, "failed", "no-device"), (open_job, None, None), *[(None, "skipped", "down")] * 3]
    assert [one.utc[11:16] for one in found] == ["13:00", "14:00", "15:00", "16:00", "17:00"]


def test_of_skipped_times_of_several_days_those_of_the_day_are_listed(book):
    book.enter(Skip(MICROPHONE, "down", Series(NOON - 50 * HOUR, NOON + 60 * HOUR, 111)),
               accounted_us=NOON + 60 * HOUR)
    assert len(told(book).recordings) == 24


def test_skipped_times_of_a_schedule_that_is_not_valid_here_are_one(book):
    book.enter(Skip(MICROPHONE, "down", Series(NOON + 3 * HOUR, NOON + 5 * HOUR, 3)),
               accounted_us=NOON + 5 * HOUR)
    book.ledger.db.execute("UPDATE schedules SET definition = '{}'")
    assert [one.utc[11:16] for one in told(book).recordings] == ["15:00"]


def test_a_deleted_recording_is_listed_without_its_file(book):
    path = record(book, slot(book, 1), NOON + HOUR)
    [row] = book.rows("SELECT recording FROM recordings")
    with book.ledger.transaction():
        recordings.begin_deletion(book.ledger, row[0], NOON)
    [one] = told(book).recordings
    assert (one.kind, one.bytes, one.reason, one.outcome) == (None, None, "deleted", "done")
    assert path
    assert day_recordings.kept_file(book.ledger.db, one.job) is None


def test_what_other_devices_or_other_days_have_is_left_out(book):
    record(book, slot(book, 1), NOON + HOUR)
    slot(book, 2, "record microphone.brood2 30")
    slot(book, 3, "read sensor.a")
    slot(book, 24)
    assert len(told(book).recordings) == 1
    assert told(book, "microphone.*").recordings == ()


def test_the_file_of_a_job_is_found(book):
    job = slot(book, 1)
    path = record(book, job, NOON + HOUR)
    assert day_recordings.kept_file(book.ledger.db, job).path == path
    assert day_recordings.kept_file(book.ledger.db, slot(book, 2)) is None
    assert day_recordings.kept_file(book.ledger.db, 10**6) is None


def test_recordings_that_somebody_asked_for_are_listed_too(book):
    with book.ledger.transaction():
        book.clock.utc_us = NOON + 90 * MINUTE
        job = book.ledger.accept(f"record {MICROPHONE} 5", "a client")
    assert [one.job for one in told(book).recordings] == [job]


def test_a_damaged_job_or_recording_is_left_out(book):
    jobs = [slot(book, hour) for hour in (1, 2)]
    for number, job in enumerate(jobs):
        record(book, job, NOON + (number + 1) * HOUR)
    book.ledger.db.execute("UPDATE recordings SET size = 'big' WHERE job = ?", (jobs[0],))
    assert [one.job for one in told(book).recordings][-1] == jobs[1]
    assert day_recordings.kept_file(book.ledger.db, jobs[0]) is None
