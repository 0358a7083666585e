"""Gains: what the bees brought each day, without what the beekeeper put in or took out."""

from __future__ import annotations

import itertools
from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import inspections
from beemon.ledger import readings as series
from beemon.ledger.gains import gains
from beemon.ledger.local_days import local_day, local_days
from tests.book import DAY, HOUR, MINUTE, NOON, Book

MIDNIGHT = NOON + 12 * HOUR  # UTC, before 2 June
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    book.start_without_account(NOON)
    yield book
    book.ledger.close()


def weigh(book: Book, from_us: int, until_us: int, grams, every_us=10 * MINUTE) -> None:
    with book.ledger.transaction():
        series.keep(book.ledger, 1, [
            Reading("sensor.scale", "weight", "g", float(grams(at)), None,
                    Stamp(at, 1.0, Quality.SYNCHRONISED), quality)
            for at in range(from_us, until_us, every_us)
            for quality in ["inspection" if is_open(book, at) else "good"]
        ])


def is_open(book: Book, at: int) -> bool:
    found = book.rows("SELECT utc_us FROM events WHERE kind = 'inspection' ORDER BY utc_us")
    spans = zip(found[::2], found[1::2], strict=False)
    return any(begin <= at <= end for (begin,), (end,) in spans)


def inspect(book: Book, from_us: int, until_us: int | None) -> None:
    with book.ledger.transaction():
        inspections.enter_begin(book.ledger, "", Stamp(from_us, 1.0, Quality.SYNCHRONISED))
        if until_us:
            inspections.enter_end(book.ledger, "", Stamp(until_us, 1.0, Quality.SYNCHRONISED))


def told(book: Book, from_us: int = MIDNIGHT, now_us: int = MIDNIGHT + 2 * DAY, zone=UTC):
    return gains(book.ledger, "sensor.scale", "weight", from_us, now_us, zone)


def test_a_day_gained_the_difference_of_its_two_midnights(book):
    weigh(book, MIDNIGHT - HOUR, MIDNIGHT + 2 * DAY,
          lambda at: 30_000 + 500 * (at - MIDNIGHT) / DAY)
    first, second = told(book).days
    assert (first.day, second.day) == ("2026-06-02", "2026-06-03")
    assert first.gain == pytest.approx(500, abs=15)
    assert (first.left_out, first.is_over) == ((), True)
    assert 0 < first.uncertainty < 15
    assert told(book).unit == "g"


def test_what_changed_in_an_inspection_is_left_out(book):
    lid = MIDNIGHT + 10 * HOUR
    inspect(book, lid, lid + HOUR)
    weigh(book, MIDNIGHT - HOUR, MIDNIGHT + 2 * DAY,
          lambda at: 30_000 + (100 if at > MIDNIGHT + 15 * HOUR else 0)
          + (12_000 if at > lid + HOUR // 2 else 0))
    first, second = told(book).days
    assert first.gain == pytest.approx(100, abs=1)
    assert first.left_out == ("inspection",)
    assert second.gain == pytest.approx(0, abs=1)
    assert second.left_out == ()


def test_without_values_around_an_inspection_the_gain_is_not_known(book):
    lid = MIDNIGHT + 10 * HOUR
    inspect(book, lid, lid + HOUR)
    weigh(book, MIDNIGHT - HOUR, MIDNIGHT + HOUR, lambda _: 30_000)
    weigh(book, MIDNIGHT + DAY - HOUR, MIDNIGHT + 2 * DAY, lambda _: 42_000)
    first = told(book).days[0]
    assert (first.gain, first.uncertainty) == (None, None)
    assert first.left_out == ("inspection", "missing")


def test_a_forgotten_inspection_ends_by_itself(book):
    lid = MIDNIGHT + 10 * HOUR
    inspect(book, lid, None)
    weigh(book, MIDNIGHT - HOUR, MIDNIGHT + 2 * DAY, lambda at: 30_000 + 5000 * (at > lid + HOUR))
    first, second = told(book).days
    assert first.gain == pytest.approx(0, abs=1)
    assert second.gain == pytest.approx(0, abs=1)


def test_a_day_without_a_midnight_value_is_not_known(book):
    weigh(book, MIDNIGHT + 5 * HOUR, MIDNIGHT + 2 * DAY, lambda _: 30_000)
    first, second = told(book).days
    assert (first.gain, first.left_out) == (None, ("missing",))
    assert second.gain == 0


def test_today_counts_until_now(book):
    now = MIDNIGHT + DAY + 14 * HOUR
    weigh(book, MIDNIGHT - HOUR, now, lambda at: 30_000 + (700 if at > now - 3 * HOUR else 0))
    today = told(book, now_us=now).days[-1]
    assert today.gain == pytest.approx(700, abs=1)
    assert not today.is_over


def test_today_is_not_known_once_the_scale_is_silent(book):
    now = MIDNIGHT + DAY + 14 * HOUR
    weigh(book, MIDNIGHT - HOUR, now - 6 * HOUR, lambda _: 30_000)
    assert told(book, now_us=now).days[-1].left_out == ("missing",)


def test_days_are_those_of_the_local_clocks(book):
    weigh(book, MIDNIGHT - 4 * HOUR, MIDNIGHT + 2 * DAY,
          lambda at: 30_000 + 400 * (at > MIDNIGHT - HOUR))
    of_berlin = told(book, MIDNIGHT - 2 * HOUR, MIDNIGHT + DAY, BERLIN)
    assert of_berlin.days[0].day == "2026-06-02"
    assert of_berlin.days[0].gain == pytest.approx(400, abs=1)
    assert told(book, MIDNIGHT, MIDNIGHT + DAY).days[0].gain == pytest.approx(0, abs=201)


def test_what_was_never_measured_has_no_gains(book):
    assert told(book) is None


def test_local_days_have_23_to_25_hours_and_follow_each_other():
    spring = local_day(date.fromisoformat("2026-03-29"), BERLIN)
    autumn = local_day(date.fromisoformat("2026-10-25"), BERLIN)
    assert (spring.until_us - spring.from_us, autumn.until_us - autumn.from_us) == (
        23 * HOUR, 25 * HOUR)
    days = list(local_days(spring.from_us, autumn.until_us, BERLIN, 400))
    assert all(a.until_us == b.from_us for a, b in itertools.pairwise(days))
    assert (days[0], days[-1]) == (spring, autumn)


@pytest.mark.parametrize("from_us", [-10**17, -10**30, 0])
def test_there_are_never_more_days_than_asked(from_us):
    days = list(local_days(from_us, NOON, BERLIN, 30))
    assert len(days) == 30
    assert str(days[-1].day) == "2026-06-01"
