"""Traffic: the bees of each hour of each local day."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import readings as series
from beemon.ledger.traffic import traffic
from tests.book import DAY, HOUR, MINUTE, NOON, Book


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    book.start_without_account(NOON)
    yield book
    book.ledger.close()


def count(book: Book, at_us: int, bees_in: float | None, bees_out: float | None = 0.0) -> None:
    at = Stamp(at_us, 1.0, Quality.SYNCHRONISED)
    with book.ledger.transaction():
        series.keep(book.ledger, 1, [
            Reading("sensor.entrance", name, "", bees, "blocked" if bees is None else None, at)
            for name, bees in (("bees_in", bees_in), ("bees_out", bees_out))
        ])


def told(book: Book, zone=UTC, days: int = 1):
    return traffic(book.ledger.db, "sensor.entrance", NOON - days * DAY, NOON + HOUR, zone)


def test_the_bees_of_an_hour_are_added_up(book):
    for minute in range(5):
        count(book, NOON + minute * MINUTE, 10.0, 3.0)
    found = told(book)
    assert found.days == ("2026-05-31", "2026-06-01")
    assert (found.in_[1][12], found.out[1][12]) == (50.0, 15.0)
    assert found.in_[1][13] is None
    assert {*found.in_[0]} == {None}


def test_an_hour_in_which_the_beams_were_blocked_is_not_zero(book):
    count(book, NOON, None, None)
    assert told(book).in_[1][12] is None
    count(book, NOON - HOUR, 0.0)
    assert told(book).in_[1][11] == 0.0


def test_hours_are_those_of_the_local_clocks(book):
    count(book, NOON, 7.0)
    assert told(book, ZoneInfo("Asia/Kolkata")).in_[1][17] == 7.0
    assert told(book, ZoneInfo("Europe/Berlin")).in_[1][14] == 7.0


def test_a_sensor_that_counts_no_bees_has_no_traffic(book):
    assert told(book) is None
