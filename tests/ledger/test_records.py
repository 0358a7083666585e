"""Records: a job that has ended, with its readings and its recording."""

from __future__ import annotations

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.ledger import readings as series
from beemon.ledger import recordings as catalog
from beemon.ledger import uploads
from beemon.ledger.ledger import Ledger
from beemon.ledger.reader import ArchiveReader

PATH, SHA256 = "recordings/a.flac", "5e" * 32


@pytest.fixture
def reader(ledger):
    reader = ArchiveReader(ledger.archive)
    yield reader
    reader.close()


def read_job(ledger: Ledger, *quantities: str) -> int:
    """A `read` that measured 7 of each quantity, and did not measure its noise."""
    with ledger.transaction():
        job = ledger.accept("read", "test")
        at = ledger.clock.stamp()
        found = [Reading("sensor.a", name, "g", 7.0, None, at) for name in quantities]
        series.keep(ledger, job, [*found, Reading("sensor.a", "noise", "g", None, "timeout", at)])
        ledger.end(job, outcomes.done())
    return job


def recorded(ledger: Ledger) -> int:
    with ledger.transaction():
        job = ledger.accept("record microphone.a", "test")
        facts = RecordingFacts(size=1, sha256=SHA256, seconds=2.0, start_utc_us=1)
        catalog.enter(ledger, job, "microphone.a", ledger.archive / PATH, facts)
        ledger.end(job, outcomes.done(recording=PATH))
    return job


def test_a_job_that_has_not_ended_has_no_record(ledger, reader):
    with ledger.transaction():
        job = ledger.accept("read", "test")
    assert reader.record(job) is None
    assert reader.record(job + 1) is None


def test_it_has_the_readings_of_its_own_job_alone_with_their_units_and_reasons(ledger, reader):
    read_job(ledger, "weight")
    found = reader.record(read_job(ledger, "weight", "temperature"))
    assert found.job.outcome == "done"
    assert {(r.quantity, r.unit, r.value, r.reason) for r in found.readings} == {
        ("weight", "g", 7.0, None), ("temperature", "g", 7.0, None),
        ("noise", "g", None, "timeout"),
    }


def test_a_reading_that_is_damaged_is_left_out(ledger, reader):
    job = read_job(ledger, "weight", "temperature")
    with ledger.transaction():
        ledger.db.execute("UPDATE readings SET value = 'many' WHERE series = 1")
    assert {r.quantity for r in reader.record(job).readings} == {"temperature", "noise"}


def test_readings_that_were_dated_again_are_found(ledger, reader):
    job = read_job(ledger, "weight")
    with ledger.transaction():
        ledger.db.execute("UPDATE readings SET utc_us = utc_us + 9000000000, clock = 'redated'")
        ledger.db.execute("UPDATE jobs SET ended_us = ended_us + 9000000000,"
                          " accepted_us = accepted_us + 9000000000")
    assert [r.at.quality for r in reader.record(job).readings] == [Quality.REDATED] * 2


@pytest.mark.parametrize("years", [56, -3])
def test_readings_before_and_after_the_clock_was_set_are_found(ledger, reader, years):
    job = read_job(ledger, "weight", "temperature")
    step = years * 31_557_600_000_000
    with ledger.transaction():
        ledger.db.execute("UPDATE readings SET utc_us = utc_us + ? WHERE series = 1", (step,))
        ledger.db.execute("UPDATE jobs SET ended_us = ended_us + ?", (step,))
    assert len(reader.record(job).readings) == 3


@pytest.mark.parametrize("monotonic", [-900, 30])
def test_the_readings_of_a_job_that_a_power_cut_ended_are_found(ledger, reader, monotonic):
    job = read_job(ledger, "weight")
    with ledger.transaction():  # at the next start, whose monotonic clock is another
        ledger.db.execute(
            "UPDATE jobs SET ended_us = ended_us + 86400000000,"
            " ended_monotonic = accepted_monotonic + ?, outcome = 'interrupted'", (monotonic,)
        )
        ledger.db.execute("UPDATE readings SET utc_us = utc_us + 60000000")
    assert len(reader.record(job).readings) == 2


def test_it_has_its_recording_until_that_is_deleted(ledger, reader):
    job = recorded(ledger)
    recording = reader.record(job).recording
    assert (recording.path, recording.facts.sha256) == (PATH, SHA256)
    with ledger.transaction():
        catalog.begin_deletion(ledger, recording.recording, 5)
    assert reader.record(job).recording is None


def test_recordings_are_to_be_uploaded_until_they_are(ledger, reader):
    recorded(ledger)
    (found,) = reader.not_uploaded(0, 9)
    assert reader.not_uploaded(found.recording, 9) == []
    with ledger.transaction():
        uploads.mark_uploaded(ledger, found.recording, SHA256, "hash")
    assert reader.not_uploaded(0, 9) == []


def test_a_stamp_is_that_of_the_reading(ledger, reader):
    found = reader.record(read_job(ledger, "weight")).readings[0]
    assert isinstance(found.at, Stamp)
    assert found.at.quality is ledger.clock.stamp().quality
