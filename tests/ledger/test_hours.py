"""Hours: reckoned when they are over, again when they changed, and never from what is gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beemon.base.clock import Quality, Stamp
from beemon.base.moments import US_PER_HOUR
from beemon.base.readings import Reading
from beemon.ledger import hours
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger

HOUR = US_PER_HOUR
MINUTE = HOUR // 60
FIRST = 495_000  # hours since 1970: in 2026


@pytest.fixture
def ledger(tmp_path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    yield ledger
    ledger.close()


def reading(hour: int, minute: int, value: float | None, quality: str = "good") -> Reading:
    at = Stamp((FIRST + hour) * HOUR + minute * MINUTE, 0.0, Quality.RTC)
    reason = "timeout" if value is None else None
    return Reading("sensor.a", "temperature", "°C", value, reason, at, quality)


def keep(ledger: Ledger, *readings: Reading) -> None:
    with ledger.transaction():
        series.keep(ledger, 1, readings)


def reckon(ledger: Ledger, hour: int) -> bool:
    with ledger.transaction():
        return hours.reckon(ledger, (FIRST + hour) * HOUR)


def stored(ledger: Ledger) -> list[tuple]:
    rows = ledger.db.execute(
        "SELECT hour - ?, count, missing, mean, minimum, maximum FROM hours ORDER BY hour", (FIRST,)
    )
    return [tuple(row) for row in rows]


def told(ledger: Ledger, hour: int = 0, most: int = 100) -> list[tuple]:
    """What a client is told of the series, from an hour on."""
    rows = hours.since(ledger.db, 1, (FIRST + hour) * HOUR, most)
    return [(row["hour"] - FIRST, *tuple(row)[1:6]) for row in rows]


def test_an_hour_is_reckoned_when_it_is_over(ledger):
    keep(ledger, reading(0, 5, 10.0), reading(0, 55, 14.0), reading(0, 58, None))
    reckon(ledger, 0)
    assert stored(ledger) == []
    reckon(ledger, 1)
    assert stored(ledger) == [(0, 2, 1, 12.0, 10.0, 14.0)]


def test_an_hour_without_a_value_says_that_all_are_missing(ledger):
    keep(ledger, reading(0, 5, None))
    reckon(ledger, 1)
    assert stored(ledger) == [(0, 0, 1, None, None, None)]


def test_what_was_measured_while_the_hive_was_open_is_left_out(ledger):
    keep(ledger, reading(0, 5, 10.0), reading(0, 6, 99.0, "inspection"))
    reckon(ledger, 1)
    assert stored(ledger) == [(0, 1, 0, 10.0, 10.0, 10.0)]


def test_an_hour_that_readings_come_to_later_is_reckoned_again(ledger):
    keep(ledger, reading(0, 5, 10.0))
    reckon(ledger, 1)
    keep(ledger, reading(0, 6, 20.0))
    reckon(ledger, 1)
    assert stored(ledger) == [(0, 2, 0, 15.0, 10.0, 20.0)]


def test_an_hour_of_a_clock_that_was_ahead_is_reckoned_all_the_same(ledger):
    keep(ledger, reading(400_000, 5, 10.0), reading(0, 5, 11.0))
    reckon(ledger, 0)
    assert stored(ledger) == [(400_000, 1, 0, 10.0, 10.0, 10.0)]


def test_many_hours_are_reckoned_some_at_a_time(ledger):
    keep(ledger, *(reading(hour, 0, 1.0) for hour in range(hours.AT_A_TIME + 1)))
    assert reckon(ledger, 1000)
    assert len(stored(ledger)) == hours.AT_A_TIME
    assert not reckon(ledger, 1000)
    assert len(stored(ledger)) == hours.AT_A_TIME + 1


def test_an_hour_whose_readings_were_deleted_stays_as_it_was_reckoned(ledger):
    keep(ledger, reading(0, 5, 10.0), reading(0, 6, 20.0))
    reckon(ledger, 1)
    ledger.db.execute("DELETE FROM readings")
    ledger.db.execute("UPDATE hours SET thinned = 1")
    keep(ledger, reading(0, 7, 99.0))
    assert told(ledger) == [(0, 2, 0, 15.0, 10.0, 20.0)]
    reckon(ledger, 1)
    assert stored(ledger) == told(ledger) == [(0, 2, 0, 15.0, 10.0, 20.0)]


def test_clients_are_told_of_the_hour_that_is_not_over(ledger):
    keep(ledger, reading(0, 5, 10.0), reading(1, 5, 20.0), reading(1, 6, 22.0))
    reckon(ledger, 1)
    assert told(ledger) == [(0, 1, 0, 10.0, 10.0, 10.0), (1, 2, 0, 21.0, 20.0, 22.0)]
    assert told(ledger, 1) == [(1, 2, 0, 21.0, 20.0, 22.0)]


def test_an_hour_that_changed_since_it_was_reckoned_is_told_once_and_right(ledger):
    keep(ledger, reading(0, 5, 10.0))
    reckon(ledger, 1)
    keep(ledger, reading(0, 6, 20.0))
    assert told(ledger) == [(0, 2, 0, 15.0, 10.0, 20.0)]


def test_of_too_many_hours_the_newest_are_told(ledger):
    keep(ledger, *(reading(hour, 0, float(hour)) for hour in range(5)))
    assert [row[0] for row in told(ledger, 0, most=2)] == [3, 4]


@settings(max_examples=60)
@given(st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 59), st.one_of(st.none(), st.floats(-99, 99)),
              st.booleans()),
    min_size=1, max_size=60,
))
def test_whenever_it_is_reckoned_the_sums_are_those_of_the_readings(tmp_path_factory, arrivals):
    ledger = Ledger(tmp_path_factory.mktemp("archive"))
    ledger.prepare()
    for hour, minute, value, reckoned in arrivals:
        keep(ledger, reading(hour, minute, value))
        if reckoned:
            reckon(ledger, 3)  # as if that hour was not over
    before = told(ledger)
    reckon(ledger, 1000)
    assert stored(ledger) == told(ledger) == before
    for hour, count, missing, mean, minimum, maximum in before:
        here = [value for h, _, value, _ in arrivals if h == hour]
        values = [value for value in here if value is not None]
        assert (count, missing) == (len(values), len(here) - len(values))
        assert (minimum, maximum) == (min(values, default=None), max(values, default=None))
        assert mean == (pytest.approx(sum(values) / len(values)) if values else None)
    ledger.close()
