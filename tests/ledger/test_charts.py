"""Charts: readings of a short span, hours of a long one, gaps as gaps, never too many points."""

from __future__ import annotations

from itertools import pairwise

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.moments import US_PER_DAY
from beemon.base.readings import Reading
from beemon.ledger import readings as series
from beemon.ledger.charts import chart
from beemon.ledger.slots import Turn
from tests.book import HOUR, HOURLY, MINUTE, MINUTELY, NOON, Book


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    book.start(NOON - 400 * US_PER_DAY, a=MINUTELY)
    yield book
    book.ledger.close()


def reading(at_us: int, value: float | None, **facts) -> Reading:
    at = Stamp(at_us, 1.0, Quality.SYNCHRONISED)
    return Reading(
        "sensor.a", "weight", "g", value, "stuck" if value is None else None, at, **facts
    )


def keep(book: Book, *readings: Reading) -> None:
    with book.ledger.transaction():
        series.keep(book.ledger, 1, readings)


def told(book: Book, from_us: int, until_us: int = NOON, points: int = 1000):
    return chart(book.ledger.db, "sensor.a", "weight", from_us, until_us, points)


def test_a_short_span_is_each_reading_with_its_uncertainty(book):
    keep(book, reading(NOON - 2 * MINUTE, 5.0, uncertainty=0.5), reading(NOON - MINUTE, 6.0))
    found = told(book, NOON - HOUR)
    assert (found.device, found.quantity, found.unit, found.by) == (
        "sensor.a", "weight", "g", "reading")
    assert found.utc == ((NOON - 2 * MINUTE) / 1e6, (NOON - MINUTE) / 1e6)
    assert (found.value, found.uncertainty) == ((5.0, 6.0), (0.5, None))
    assert (found.low, found.high, found.truncated, found.reasons) == (None, None, False, {})


def test_a_reading_without_a_value_is_a_gap_with_its_reason(book):
    keep(book, *(reading(NOON - ago * MINUTE, ago if ago != 2 else None) for ago in (3, 2, 1)))
    found = told(book, NOON - HOUR)
    assert found.value == (3.0, None, 1.0)
    assert found.reasons == {"1": "stuck"}


def test_times_at_which_nothing_was_measured_are_a_gap_without_a_reason(book):
    keep(book, *(reading(NOON - ago * MINUTE, ago) for ago in (20, 19, 5, 4)))
    found = told(book, NOON - HOUR)
    assert found.value == (20.0, 19.0, None, 5.0, 4.0)
    assert found.reasons == {}


def test_what_is_a_gap_depends_on_the_schedule_of_that_time(book):
    book.enter(Turn("sensor.a", NOON - 5 * HOUR, NOON - 5 * HOUR, HOURLY),
               accounted_us=NOON - 5 * HOUR)
    keep(book, *(reading(NOON - ago * MINUTE, ago) for ago in (
        *range(360, 350, -1), *range(340, 330, -1), 240, 180, 120, 60)))
    found = told(book, NOON - 12 * HOUR)
    gaps = [number for number, value in enumerate(found.value) if value is None]
    assert [(found.value[n - 1], found.value[n + 1]) for n in gaps] == [
        (351.0, 340.0), (331.0, 240.0)]


def test_without_a_schedule_a_gap_is_longer_than_usual(tmp_path):
    with_none = Book(tmp_path)
    with_none.start_without_account(NOON - US_PER_DAY)
    keep(with_none, *(reading(NOON - ago * MINUTE, ago) for ago in (60, 55, 50, 45, 20, 15)))
    assert told(with_none, NOON - HOUR).value == (60.0, 55.0, 50.0, 45.0, None, 20.0, 15.0)
    with_none.ledger.close()


def test_a_long_span_is_each_hour_with_its_lowest_and_highest(book):
    keep(book, *(reading(NOON - ago * MINUTE, ago) for ago in (300, 299, 298)))
    found = told(book, NOON - 10 * US_PER_DAY)
    assert (found.by, found.value, found.low, found.high) == ("hour", (299.0,), (298.0,), (300.0,))
    assert found.uncertainty is None


def test_a_long_span_shows_the_hours_without_a_value(book):
    keep(book, *(reading(NOON - ago * HOUR, ago) for ago in (30, 29, 20, 19)),
         reading(NOON - 28 * HOUR, None))
    assert told(book, NOON - 10 * US_PER_DAY).value == (30.0, 29.0, None, None, 20.0, 19.0)


def test_many_points_are_thinned_to_as_many_as_asked(book):
    keep(book, *(reading(NOON - ago * MINUTE, ago * (-1) ** ago) for ago in range(1, 2000)))
    found = told(book, NOON - 2 * US_PER_DAY, points=100)
    assert len(found.value) <= 100
    assert {1998.0, -1999.0} <= {*found.value}
    assert all(before < after for before, after in pairwise(found.utc))
    hourly = told(book, NOON - 9 * US_PER_DAY, points=10)
    assert len(hourly.value) <= 10
    assert (min(hourly.low), max(hourly.high)) == (-1999.0, 1998.0)


def test_a_span_can_end_in_the_past(book):
    keep(book, *(reading(NOON - ago * HOUR, ago) for ago in (200, 100, 1)))
    assert 100.0 in told(book, NOON - 150 * HOUR, NOON - 50 * HOUR).value
    assert 1.0 not in told(book, NOON - 150 * HOUR, NOON - 50 * HOUR).value
    assert told(book, NOON - 3 * HOUR, NOON - 2 * HOUR).value == ()
    assert told(book, NOON, NOON - HOUR).value == ()


def test_what_was_never_measured_has_no_chart(book):
    assert told(book, NOON - HOUR) is None


def test_a_damaged_reading_is_left_out(book):
    keep(book, *(reading(NOON - ago * MINUTE, ago) for ago in (3, 2, 1)))
    book.ledger.db.execute("UPDATE readings SET value = x'00' WHERE value = 2")
    assert told(book, NOON - HOUR).value == (3.0, None, 1.0)


def test_a_damaged_schedule_is_left_out(book):
    keep(book, *(reading(NOON - ago * MINUTE, ago) for ago in (3, 2, 1)))
    book.ledger.db.execute("UPDATE schedules SET definition = '{}'")
    assert told(book, NOON - HOUR).value == (3.0, 2.0, 1.0)
