"""Who asks an archive: without a lock, without a run, beside a service or long after it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from beemon.base.clock import Moment, Quality
from beemon.base.moments import to_microseconds
from beemon.ledger import calibrations, events
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import Ledger
from beemon.ledger.reader import ArchiveReader, SlowQueryError
from beemon.ledger.session import ArchiveSession
from beemon.storage.lock import ArchiveLock
from tests.book import FakeClock
from tests.seasons import DAY, MINUTE, NOON


@pytest.fixture
def asked(archive: Path) -> Iterator[ArchiveReader]:
    with closing(ArchiveReader(archive)) as reader:
        yield reader


@pytest.fixture
def session(tmp_path: Path) -> Iterator[ArchiveSession]:
    with closing(ArchiveSession(tmp_path)) as session:
        session.open()
        yield session


def test_nothing_is_touched_before_the_first_question(tmp_path: Path) -> None:
    reader = ArchiveReader(tmp_path / "nowhere")
    with pytest.raises(sqlite3.OperationalError):
        reader.jobs(1)
    reader.close()
    assert list(tmp_path.iterdir()) == []


def test_asking_begins_no_run_and_takes_no_lock(asked: ArchiveReader, archive: Path) -> None:
    assert asked.jobs(1)
    ArchiveLock(archive).close()
    with asked.one_moment() as ledger:
        assert ledger.db.execute("SELECT count(*) FROM runs").fetchone()[0] == 1


def test_nothing_can_be_written_by_it(asked: ArchiveReader) -> None:
    with asked.one_moment() as ledger, pytest.raises(sqlite3.OperationalError):
        ledger.db.execute("DELETE FROM main.jobs")


def test_jobs_are_looked_up(asked: ArchiveReader) -> None:
    newest, older = asked.jobs(2)
    assert newest.job > older.job
    assert asked.job(newest.job) == newest
    assert asked.job(10**6) is None


def test_the_jobs_since_a_time_are_of_the_latest_ones(asked: ArchiveReader) -> None:
    every = asked.jobs(1000)
    begins = [to_microseconds(datetime.fromisoformat(str(job.accepted))) for job in every]
    latest = max(begins)
    assert asked.jobs(1000, latest + 1000) == []
    assert asked.jobs(1000, min(begins)) == every
    assert asked.jobs(1000, latest) == [
        job for job, begin in zip(every, begins, strict=True) if begin >= latest
    ] != every


def test_recordings_of_a_period_are_those_that_began_in_it(asked: ArchiveReader) -> None:
    first, second = asked.recordings(NOON, NOON + 2 * DAY)
    assert asked.recordings(NOON, NOON + DAY) == [first]
    assert asked.recordings(NOON + DAY, NOON + 2 * DAY, "microphone.brood") == [second]
    assert asked.recordings(NOON, NOON + DAY, "camera.entrance") == []
    assert (first.device, first.utc[:10]) == ("microphone.brood", "2026-06-01")
    assert first.path.endswith(".flac")
    assert (first.facts.rate, first.facts.verdict) == (16_000, "good")


def test_readings_and_their_history_are_looked_up(asked: ArchiveReader) -> None:
    assert {one.sensor for one in asked.latest()} >= {"sensor.brood", "sensor.scale"}
    assert asked.quantities("sensor.brood") == ["humidity", "temperature"]
    told = asked.history("sensor.brood", "temperature", NOON - MINUTE)
    assert told is not None
    assert (told.unit, told.by) == ("°C", "hour")
    assert asked.history("sensor.brood", "colour", NOON) is None


def test_events_are_looked_up_by_time_and_kind(session: ArchiveSession, tmp_path: Path) -> None:
    with closing(Ledger(tmp_path, session.run_number)) as other, other.transaction():
        events.enter(other, "inspection", "begun", state="begun", note="")
        events.enter(other, "weight", "swarm", "sensor.scale", step="swarm", seconds=60)
    reader = session.reader
    assert [one.message for one in reader.events(0, 9, None)][-2:] == ["begun", "swarm"]
    [swarm] = reader.events(0, 9, "weight")
    assert (swarm.device, swarm.facts) == ("sensor.scale", {"step": "swarm", "seconds": 60})
    assert reader.events(2**62, 9, None) == []
    assert {"inspection", "weight"} <= set(reader.event_kinds())


def test_changes_are_followed_from_a_cursor(session: ArchiveSession, tmp_path: Path) -> None:
    reader = session.reader
    page = reader.changes(None)
    while page.changes:
        page = reader.changes(page.cursor)
    with closing(Ledger(tmp_path, session.run_number)) as other, other.transaction():
        number = events.enter(other, "weight", "swarm", "sensor.scale", step="swarm", seconds=60)
    assert [one.event for one in reader.changes(page.cursor).changes] == [number]


def test_calibrations_are_looked_up_by_sensor(session: ArchiveSession, tmp_path: Path) -> None:
    made = Made("sensor.scale", "weight", 5, Quality.RTC, {"job": 7, "factor": 2.0})
    with closing(Ledger(tmp_path, session.run_number)) as other, other.transaction():
        calibrations.enter(other, made)
    [one] = session.reader.calibrations([])
    assert (one.sensor, one.job, one.result.factor) == ("sensor.scale", 7, 2.0)
    assert session.reader.calibrations(["sensor.other"]) == []


def test_whether_work_was_done_in_a_run_is_known(asked: ArchiveReader) -> None:
    assert asked.has_done_work(1)
    assert not asked.has_done_work(2)


def test_completeness_and_usage_are_answered(asked: ArchiveReader) -> None:
    assert asked.completeness(0).adds_up
    assert set(asked.usage()) <= {"microphone.brood", "ledger"}


def test_one_moment_does_not_see_what_is_written_meanwhile(session: ArchiveSession) -> None:
    session.accept("read", "test")
    with session.reader.one_moment() as ledger:
        assert len(ledger.jobs(9)) == 1
        session.accept("read", "test")
        assert len(ledger.jobs(9)) == 1
        assert len(session.reader.jobs(9)) == 2


def test_threads_may_share_it(asked: ArchiveReader) -> None:
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(asked.jobs(100))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [asked.jobs(100)] * 8


class HastyClock(FakeClock):
    """At each look, five seconds have passed."""

    def now(self) -> Moment:
        self.utc_us += 5_000_000
        return super().now()


def test_a_query_that_takes_too_long_is_stopped_and_disturbs_no_later_one(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path)) as ledger:
        ledger.prepare()
        ledger.begin_run()
        ledger.db.execute(
            "WITH RECURSIVE minutes (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM minutes LIMIT ?)"
            " INSERT INTO jobs (run, command, origin, slot_us, accepted_us, accepted_monotonic,"
            " clock) SELECT 1, 'read sensor.a', 'schedule', at, at, 1.0, 'rtc' FROM minutes",
            (10_000,),
        )
    with closing(ArchiveReader(tmp_path, HastyClock())) as reader:
        with pytest.raises(SlowQueryError, match="9 s"):
            reader.completeness(0)
        assert reader.completeness(9_900).devices["sensor.a"].open == 100


def test_a_query_waits_for_no_long_one(asked: ArchiveReader) -> None:
    with asked._apart() as first, asked._apart() as second:
        assert first is not second
        assert asked.jobs(1)
        assert asked.history("sensor.brood", "temperature", NOON)


def test_a_closed_one_answers_no_more(asked: ArchiveReader) -> None:
    asked.jobs(1)
    asked.close()
    asked.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        asked.jobs(1)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        asked.completeness(0)
