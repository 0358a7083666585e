"""Single readings that go last, once their hours are summed up."""

from __future__ import annotations

import pytest

from beemon.base.moments import US_PER_HOUR
from beemon.retention import thinning
from tests.kept import Kept


@pytest.fixture
def kept(tmp_path):
    kept = Kept(tmp_path)
    yield kept
    kept.close()


def enter(kept, hour, series=1, job=1):
    kept.write(lambda ledger: ledger.db.execute(
        "INSERT INTO readings (utc_us, series, value, monotonic_ms, clock, job)"
        " VALUES (?, ?, 1.0, 0, 'rtc', ?)", (hour * US_PER_HOUR + 60, series, job)))


def reckon(kept, hour, series=1):
    kept.write(lambda ledger: ledger.db.execute(
        "INSERT INTO hours (series, hour, count, missing) VALUES (?, ?, 1, 0)", (series, hour)))


def accept(kept, count):
    for _ in range(count):
        kept.register.accept("read", "test")


def thin(kept, jobs_kept=2):
    return kept.write(lambda ledger: thinning.thin(ledger, jobs_kept))


def hours(kept):
    return kept.rows(f"SELECT DISTINCT utc_us / {US_PER_HOUR} FROM readings")


def test_the_oldest_hour_goes_and_its_sums_say_so(kept):
    accept(kept, 9)
    for hour in (100, 101):
        enter(kept, hour)
        reckon(kept, hour)
    assert thin(kept) == 1
    assert hours(kept) == [101]
    assert kept.rows("SELECT hour, thinned FROM hours ORDER BY hour") == [(100, 1), (101, 0)]


def test_an_hour_stays_until_all_of_it_is_summed_up(kept):
    accept(kept, 9)
    enter(kept, 100)
    enter(kept, 100, series=2)
    reckon(kept, 100)
    assert thin(kept) == 0
    reckon(kept, 100, series=2)
    kept.write(lambda ledger: ledger.db.execute("INSERT INTO unreckoned VALUES (100)"))
    assert thin(kept) == 0
    kept.write(lambda ledger: ledger.db.execute("DELETE FROM unreckoned"))
    assert thin(kept) == 2


def test_readings_of_the_latest_jobs_stay_whatever_the_clock_said(kept):
    accept(kept, 9)
    enter(kept, 0, job=9)  # 1970, and made a moment ago
    enter(kept, 100, job=7)
    for hour in (0, 100):
        reckon(kept, hour)
    assert thin(kept) == 1
    assert thin(kept) == 0
    assert hours(kept) == [0]


def test_it_is_wanted_while_the_ledger_has_no_room_inside(kept):
    assert thinning.is_wanted(kept.ledger.db)
