"""Changes: a reader that follows them holds what the ledger holds, whatever happened in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from beemon.base import outcomes
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.ledger import changes, events, identity
from beemon.ledger import readings as series
from beemon.ledger import recordings as catalog
from beemon.ledger.changes import Change, Cursor
from beemon.ledger.ledger import Ledger


@pytest.fixture
def ledger(tmp_path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
        identity.settle(ledger, None)
    yield ledger
    ledger.close()


def end_a_job(ledger: Ledger, archive: Path | None = None) -> int:
    with ledger.transaction():
        job = ledger.accept("read", "test")
    at = ledger.clock.stamp()
    with ledger.transaction():
        series.keep(ledger, job, [Reading("sensor.a", "temperature", "°C", 1.0, None, at)])
        if archive:
            catalog.enter(ledger, job, "microphone.a", archive / f"{job}.flac",
                          RecordingFacts(size=1, sha256="5e"))
        ledger.end(job, outcomes.done())
    return job


def up_to_date(ledger: Ledger, cursor: Cursor | None = None) -> Cursor:
    before, (_, cursor, _) = cursor, changes.follow(ledger, cursor)
    while cursor != before:
        before, (_, cursor, _) = cursor, changes.follow(ledger, cursor)
    return cursor


def test_a_job_is_one_change_with_all_that_came_before_its_end(ledger, tmp_path):
    cursor = up_to_date(ledger)
    job = end_a_job(ledger, tmp_path)
    found, cursor, _ = changes.follow(ledger, cursor)
    assert found == [Change(1, job, None)]
    assert changes.follow(ledger, cursor) == ([], cursor, False)


def test_a_job_that_has_not_ended_is_no_change(ledger):
    cursor = up_to_date(ledger)
    with ledger.transaction():
        ledger.accept("read", "test")
    assert changes.follow(ledger, cursor) == ([], cursor, False)


def test_what_is_entered_for_a_job_after_its_end_is_a_change(ledger, tmp_path):
    job = end_a_job(ledger)
    cursor = up_to_date(ledger)
    with ledger.transaction():
        number = catalog.enter(ledger, job, "microphone.a", tmp_path / "a.flac",
                               RecordingFacts(size=1, sha256="5e"))
    assert changes.follow(ledger, cursor)[0] == [Change(2, job, None)]
    with ledger.transaction():
        catalog.begin_deletion(ledger, number, 5)
        series.keep(ledger, job, [
            Reading("sensor.a", "humidity", "%", 1.0, None, ledger.clock.stamp()),
        ])
    assert changes.follow(ledger, cursor)[0] == [Change(4, job, None)]


def test_a_transaction_that_is_given_up_leaves_no_change_and_no_gap(ledger):
    cursor = up_to_date(ledger)
    with suppress(sqlite3.IntegrityError), ledger.transaction():
        events.enter(ledger, "note", "never")
        ledger.db.execute("INSERT INTO runs (run) VALUES (1)")
    with ledger.transaction():
        event = events.enter(ledger, "note", "here")
    assert changes.follow(ledger, cursor)[0] == [Change(1, None, event)]


def test_a_new_reader_is_led_through_the_whole_ledger_some_at_a_time(ledger):
    jobs = [end_a_job(ledger) for _ in range(5)]
    with ledger.transaction():
        event = events.enter(ledger, "note", "here")
    found: list[Change] = []
    page, cursor, _ = changes.follow(ledger, None, 2)
    while page or cursor.job is not None or cursor.event is not None:
        assert len(page) <= 2
        found += page
        page, cursor, _ = changes.follow(ledger, cursor, 2)
    assert [one.job for one in found if one.job] == jobs
    assert [one.event for one in found if one.event] == [event]
    assert {one.change for one in found} == {6}


def test_acknowledged_changes_are_deleted_but_the_latest_and_numbers_go_on(ledger):
    cursor = up_to_date(ledger)
    for _ in range(4):
        end_a_job(ledger)
    behind, cursor = cursor, up_to_date(ledger, cursor)
    with ledger.transaction():
        assert changes.thin(ledger, cursor) == 3
        assert changes.thin(ledger, Cursor(1, 100)) == 0  # of another ledger
    job = end_a_job(ledger)
    assert changes.follow(ledger, cursor)[0] == [Change(5, job, None)]
    everything, _, is_first = changes.follow(ledger, behind)  # some of what it lacks was deleted
    assert is_first
    assert [one.job for one in everything] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("cursor", [Cursor(1, 0), Cursor(1, 7, 3, 3)])
def test_a_cursor_of_another_ledger_leads_through_the_whole_of_this_one(ledger, cursor):
    job = end_a_job(ledger)
    assert changes.follow(ledger, cursor)[0] == [Change(1, job, None)]


def test_a_cursor_ahead_of_the_ledger_leads_through_the_whole_of_it(ledger):
    job = end_a_job(ledger)
    cursor = up_to_date(ledger)
    ahead = Cursor(cursor.ledger, cursor.change + 50)  # an older copy of the ledger was put back
    assert changes.follow(ledger, ahead)[0] == [Change(1, job, None)]


def test_a_damaged_row_hides_no_change(ledger):
    cursor = up_to_date(ledger)
    jobs = [end_a_job(ledger) for _ in range(3)]
    ledger.db.execute("UPDATE changes SET job = 'x' WHERE change = 2")
    ledger.db.execute("INSERT INTO changes (change, job) VALUES (?, 1)", (2**62,))
    jobs.append(end_a_job(ledger))
    found, cursor, _ = changes.follow(ledger, cursor)
    assert [one.job for one in found] == jobs[:1]
    found, cursor, _ = changes.follow(ledger, cursor)
    assert [one.job for one in found] == jobs
    cursor = up_to_date(ledger, cursor)
    assert changes.follow(ledger, cursor) == ([], cursor, False)
