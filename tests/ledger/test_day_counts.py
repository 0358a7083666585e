"""The calendar: a day's scheduled jobs, those done, and why others were not."""

from __future__ import annotations

import pytest

from beemon.base import outcomes
from beemon.ledger import days
from beemon.ledger.day_counts import MOST_DAYS, calendar
from beemon.ledger.slots import Due, Series, Skip
from tests.book import DAY, HOUR, HOURLY, NOON, Book


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    book.start(NOON, a=HOURLY)
    yield book
    book.ledger.close()


def run(book: Book, hour: int, ending: outcomes.Ending | None = None) -> None:
    at = NOON + hour * HOUR
    [job] = book.enter(due=[Due("read sensor.a", at)], accounted_us=at)
    if ending:
        with book.ledger.transaction():
            book.ledger.end(job, ending)


def told(book: Book, count: int, now_us: int) -> list[tuple]:
    found = calendar(book.ledger.db, count, now_us).days
    return [(day.day, day.due, day.done, dict(day.reasons)) for day in found]


def test_each_day_has_its_own_counts(book):
    run(book, 1, outcomes.done())
    run(book, 2, outcomes.failed("timeout"))
    run(book, 13, outcomes.done())
    run(book, 14)
    assert told(book, 3, NOON + DAY) == [
        ("2026-05-31", 0, 0, {}),
        ("2026-06-01", 2, 1, {"timeout": 1}),
        ("2026-06-02", 2, 1, {"open": 1}),
    ]


@pytest.mark.parametrize("is_counted", [False, True])
def test_skipped_slots_of_several_days_count_on_each(book, is_counted):
    series = Series(NOON + HOUR, NOON + 48 * HOUR, 48)
    book.enter(Skip("sensor.a", "down", series), accounted_us=NOON + 48 * HOUR)
    if is_counted:
        with book.ledger.transaction():
            while days.reckon(book.ledger, NOON + 3 * DAY):
                pass
    assert told(book, 3, NOON + 2 * DAY) == [
        ("2026-06-01", 11, 0, {"down": 11}),
        ("2026-06-02", 24, 0, {"down": 24}),
        ("2026-06-03", 13, 0, {"down": 13}),
    ]
    assert sum(row[1] for row in told(book, 3, NOON + 2 * DAY)) == 48


def test_there_are_never_more_days_than_a_year_has(book):
    assert len(told(book, 10**9, NOON)) == MOST_DAYS
