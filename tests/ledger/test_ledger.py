"""The ledger: real SQLite in a temporary folder."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.base import clock, outcomes
from beemon.base.clock import Stamp
from beemon.base.facts import to_json
from beemon.base.readings import Reading
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger, LedgerReader, LedgerVersionError, ended_facts
from beemon.protocol.replies import JobFacts
from beemon.storage import files
from tests.faults import failing_disk

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def reader(tmp_path, ledger) -> Iterator[LedgerReader]:
    reader = LedgerReader(tmp_path)
    yield reader
    reader.close()


@pytest.fixture
def raw(tmp_path, ledger) -> Iterator[sqlite3.Connection]:
    """The file as any other program sees it."""
    connection = sqlite3.connect(tmp_path / "ledger.db")
    yield connection
    connection.close()


def accepted(ledger: Ledger, command: str = "record microphone.brood", origin: str = "test") -> int:
    with ledger.transaction():
        return ledger.accept(command, origin)


def ended(ledger: Ledger, job: int, ending: outcomes.Ending) -> bool:
    with ledger.transaction():
        return ledger.end(job, ending)


# The file

def test_it_is_written_so_that_a_power_cut_takes_nothing_that_was_committed(ledger):
    assert ledger.db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert ledger.db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_it_is_prepared_once_and_found_again(tmp_path, ledger, reader):
    job = accepted(ledger)
    again = Ledger(tmp_path)
    again.prepare()
    again.close()
    assert reader.job(job).command == "record microphone.brood"


def test_one_of_a_newer_beemon_is_left_alone(tmp_path, raw):
    raw.execute("PRAGMA user_version=99")
    raw.execute("CREATE TABLE hives (hive INTEGER PRIMARY KEY)")
    again = Ledger(tmp_path)
    with pytest.raises(LedgerVersionError, match="written by a newer beemon"):
        again.prepare()
    again.close()


def test_each_run_is_entered_with_its_clock(ledger, raw):
    with ledger.transaction():
        assert ledger.begin_run() == 2
    rows = raw.execute("SELECT run, boot_id, clock FROM runs").fetchall()
    assert [row[0] for row in rows] == [1, 2]
    assert len(rows[0][1]) == 36
    assert rows[0][2] in ("synchronised", "rtc", "unsure")


# Transactions

def test_all_of_a_transaction_is_kept_or_none(ledger, reader):
    with pytest.raises(KeyError), ledger.transaction():
        raise KeyError(ledger.accept("read", "test"))
    assert reader.jobs(10) == []
    with ledger.transaction():
        ledger.accept("read", "test")
        ledger.accept("read", "test")
    assert len(reader.jobs(10)) == 2


def test_nothing_is_seen_from_outside_before_it_is_kept(ledger, reader):
    with ledger.transaction():
        job = ledger.accept("read", "test")
        assert reader.job(job) is None
    assert reader.job(job) is not None


def test_after_a_failed_write_the_next_one_works(ledger, reader):
    with failing_disk(), pytest.raises(sqlite3.OperationalError):
        accepted(ledger)
    assert reader.jobs(10) == []
    assert accepted(ledger) == 1


def test_after_a_failure_in_the_middle_of_a_transaction_the_next_one_works(ledger, reader):
    with failing_disk(), pytest.raises(sqlite3.OperationalError), ledger.transaction():
        ledger.accept("more than SQLite holds in memory" * 500_000, "test")
    assert accepted(ledger) == 1
    assert len(reader.jobs(10)) == 1


COMMIT_THEN_HANG = """
import sys
from pathlib import Path
from beemon.ledger.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), 1)
with ledger.transaction():
    ledger.accept("read", "kept")
with ledger.transaction():
    ledger.accept("read", "lost")
    print("half way", flush=True)
    sys.stdin.read()
"""


@pytest.mark.process
def test_a_killed_writer_loses_only_what_was_not_committed(tmp_path, ledger, reader):
    with subprocess.Popen(
        [sys.executable, "-c", COMMIT_THEN_HANG, str(tmp_path)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout.readline() == b"half way\n"
        writer.kill()
    assert [job.origin for job in reader.jobs(10)] == ["kept"]
    assert accepted(ledger) == 2


# Jobs

def test_jobs_are_numbered_from_one_and_upwards(ledger):
    assert [accepted(ledger) for _ in range(3)] == [1, 2, 3]


def test_a_job_says_what_was_asked_by_whom_and_when(ledger, reader):
    job = accepted(ledger, "  read   sensor.żądło ", "10.0.0.7:5000")
    described = to_json(reader.job(job))
    assert described.pop("accepted").endswith("Z")
    assert described == {
        "job": 1, "command": "  read   sensor.żądło ", "origin": "10.0.0.7:5000",
    }


def test_an_ended_job_says_how(ledger, reader):
    job = accepted(ledger)
    assert ended(ledger, job, outcomes.failed("timeout", "no answer", tries=2))
    described = to_json(reader.job(job))
    assert described["outcome"] == "failed"
    assert described["reason"] == "timeout"
    assert described["message"] == "no answer"
    assert described["tries"] == 2
    assert described["ended"] >= described["accepted"]


def test_a_job_has_one_outcome_and_the_first_one_stands(ledger, reader):
    job = accepted(ledger)
    assert ended(ledger, job, outcomes.done(samples=7))
    assert not ended(ledger, job, outcomes.failed("timeout"))
    assert reader.job(job).outcome == "done"
    assert reader.job(job).result.samples == 7
    assert reader.job(job).reason is None


def test_a_job_that_is_not_there_has_no_end(ledger, reader):
    assert not ended(ledger, 5, outcomes.done())
    assert reader.job(5) is None


def test_an_outcome_is_one_of_the_four(ledger, raw):
    accepted(ledger)
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute("UPDATE jobs SET outcome = 'fine'")


def test_the_latest_jobs_come_first(ledger, reader):
    for _ in range(5):
        accepted(ledger)
    assert [job.job for job in reader.jobs(3)] == [5, 4, 3]


def test_a_running_job_names_where_it_writes(tmp_path, ledger, raw, reader):
    job = accepted(ledger)
    place = files.find_place(tmp_path, "hive", "microphone.brood", ".flac", 0)
    with ledger.transaction():
        ledger.begin(job, "microphone.brood", place)
    device, temporary, final = raw.execute("SELECT device, temporary, final FROM jobs").fetchone()
    assert device == "microphone.brood"
    assert tmp_path / temporary == place.temporary
    assert tmp_path / final == place.final
    assert reader.job(job).started.endswith("Z")


def test_an_outcome_is_reported_without_empty_fields():
    done = ended_facts(7, "read", outcomes.done(samples=3))
    assert to_json(done) == {"job": 7, "command": "read", "outcome": "done", "samples": 3}
    busy = ended_facts(7, "read", outcomes.skipped("busy", "later"))
    assert busy == JobFacts(7, "read", outcome="skipped", reason="busy", message="later")


def test_facts_that_another_version_wrote_are_kept_as_they_are():
    job = ended_facts(7, "read", outcomes.done(readings="none", output=5))
    assert to_json(job) == {
        "job": 7, "command": "read", "outcome": "done", "readings": "none", "output": 5,
    }


def test_no_fact_of_a_driver_replaces_a_jobs_own():
    job = ended_facts(7, "read", outcomes.done(job=8, outcome="failed", temperature=21.5))
    assert (job.job, job.outcome) == (7, "done")
    assert to_json(job) == {"job": 7, "command": "read", "outcome": "done", "temperature": 21.5}


# Reading

def test_a_reader_cannot_write(reader):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.db.execute("DELETE FROM main.jobs")


def test_a_reader_of_no_ledger_makes_none(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        LedgerReader(tmp_path / "nowhere").jobs(1)
    assert not (tmp_path / "nowhere").exists()


def test_an_archive_may_be_named_from_here(tmp_path, ledger, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    reader = LedgerReader(Path(tmp_path.name))
    assert reader.jobs(1) == []
    reader.close()


@pytest.mark.parametrize("name", ["a b", "50%", "who?", "#1", "żądło"])
def test_an_archive_may_have_any_name(tmp_path, name):
    archive = tmp_path / name
    archive.mkdir()
    ledger = Ledger(archive)
    ledger.prepare()
    reader = LedgerReader(archive)
    assert reader.jobs(1) == []
    reader.close()
    ledger.close()


def _measured(ledger: Ledger, at: Stamp, accepted: Stamp | None = None) -> int:
    """A job with two values and a missing one, entered with its outcome."""
    readings = [
        Reading("sensor.a", "temperature", "°C", 21.5, None, at),
        Reading("sensor.a", "humidity", "%", 60.0, None, at),
        Reading("sensor.b", "temperature", "°C", None, "timeout", at),
    ]
    job = ledger.accept("read sensor.a sensor.b", "test", accepted or at)
    series.keep(ledger, job, readings)
    ledger.end(job, outcomes.done(readings=VALUES))
    return job


VALUES = {"sensor.a temperature": 21.5, "sensor.a humidity": 60.0}


def test_values_are_not_copied_into_the_facts_of_a_job(ledger, reader):
    with ledger.transaction():
        before, job = (_measured(ledger, clock.stamp()) for _ in range(2))
    [(facts,)] = ledger.db.execute("SELECT facts FROM jobs WHERE job = ?", (job,))
    assert facts is None
    assert [facts.readings for facts in reader.jobs(2)] == [VALUES, VALUES]
    assert reader.job(before).readings == VALUES


@pytest.mark.parametrize("damage", [
    "UPDATE readings SET value = x'00ff' WHERE value > 0",
    "UPDATE readings SET value = 'warm' WHERE value > 0",
    "UPDATE readings SET value = 9e999 WHERE value > 0",
    "UPDATE series SET quantity = x'ff'",
])
def test_of_a_damaged_value_a_job_tells_nothing(ledger, reader, damage):
    with ledger.transaction():
        job = _measured(ledger, clock.stamp())
    ledger.db.execute(damage)
    assert reader.job(job).readings is None
    assert [facts.job for facts in reader.jobs(1)] == [job]


def test_values_are_found_although_the_clock_was_set_meanwhile(ledger, reader):
    earlier = clock.stamp()._replace(utc_us=clock.now().utc_us - 3_600_000_000)
    with ledger.transaction():
        job = _measured(ledger, earlier)
    assert reader.job(job).readings == VALUES
    assert ledger.db.execute("SELECT facts FROM jobs WHERE job = ?", (job,)).fetchone()[0] is None


def test_values_that_would_not_be_found_by_the_time_of_the_job_are_copied(ledger, reader):
    earlier = clock.stamp()._replace(utc_us=clock.now().utc_us - 3_600_000_000)
    with ledger.transaction():
        job = _measured(ledger, earlier, clock.stamp())
    [(facts,)] = ledger.db.execute("SELECT facts FROM jobs WHERE job = ?", (job,))
    assert json.loads(facts) == {"readings": VALUES}
    assert reader.job(job).readings == VALUES
