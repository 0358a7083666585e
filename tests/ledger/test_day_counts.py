"""The calendar: a day's scheduled jobs, those done, and why others were not."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest

from beemon.base import outcomes
from beemon.base.moments import to_datetime
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


def told(book: Book, count: int, now_us: int, zone: tzinfo = UTC) -> list[tuple]:
    found = calendar(book.ledger.db, count, now_us, zone).days
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
        reckon_all(book, NOON + 3 * DAY)
    assert told(book, 3, NOON + 2 * DAY) == [
        ("2026-06-01", 11, 0, {"down": 11}),
        ("2026-06-02", 24, 0, {"down": 24}),
        ("2026-06-03", 13, 0, {"down": 13}),
    ]
    assert sum(row[1] for row in told(book, 3, NOON + 2 * DAY)) == 48


def reckon_all(book: Book, now_us: int) -> None:
    with book.ledger.transaction():
        while days.reckon(book.ledger, now_us):
            pass


@pytest.mark.parametrize("is_counted", [False, True])
@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Denver", "Asia/Kolkata", "UTC",
                                  "Pacific/Kiritimati"])
def test_the_days_are_those_of_the_clocks_of_the_hive(book, name, is_counted):
    zone, wanted = ZoneInfo(name), Counter[str]()
    for hour in range(1, 85):
        local = str(to_datetime(NOON + hour * HOUR, zone).date())
        if hour % 24 in (9, 10, 11, 14, 15, 16):  # within a day of UTC, over others' midnights
            wanted[f"{local} skipped"] += 1
        else:
            run(book, hour, outcomes.done())
            wanted[f"{local} done"] += 1
    for day in range(4):
        for first in (9, 14):
            if (hour := 24 * day + first) < 84:
                series = Series(NOON + hour * HOUR, NOON + (hour + 2) * HOUR, 3)
                book.enter(Skip("sensor.a", "down", series), accounted_us=NOON + 85 * HOUR)
    if is_counted:
        reckon_all(book, NOON + 5 * DAY)
    found = told(book, 6, NOON + 85 * HOUR, zone)
    assert {f"{day} done": done for day, _, done, _ in found if done} | {
        f"{day} skipped": reasons["down"] for day, _, _, reasons in found if reasons
    } == dict(wanted)
    assert found[-1][0] == str(to_datetime(NOON + 85 * HOUR, zone).date())
    assert len(found) == 6


def test_there_are_never_more_days_than_a_year_has(book):
    assert len(told(book, 10**9, NOON)) == MOST_DAYS
