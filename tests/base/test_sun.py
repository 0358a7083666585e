"""The sun: held against almanacs and against ephem's own search, through polar days and nights."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beemon.base import sun
from beemon.base.sun import Place

ephem = pytest.importorskip("ephem")
MINUTE = timedelta(minutes=1)
HALF_DAY = timedelta(hours=12)


def noon(day: date, longitude: float) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(
        hours=round(longitude / 15)
    )


def sun_on(place: Place, *day: int) -> list[str]:
    found = sun.times(place, date(*day), noon(date(*day), place.longitude))
    return [f"{at:%d %H:%M}" for at in found]


def test_it_agrees_with_the_almanac():
    """U.S. Naval Observatory, "Rise/Set/Transit Times for Major Solar System Bodies"."""
    assert sun_on(Place(52.52, 13.41), 2026, 6, 21) == ["21 02:43", "21 19:33"]
    assert sun_on(Place(0.0, 0.0), 2026, 3, 20) == ["20 06:04", "20 18:11"]


def test_where_it_does_not_set_it_rises_and_sets_at_midnight():
    assert sun_on(Place(69.65, 18.96), 2026, 6, 21) == ["20 22:44", "21 22:44"]
    assert sun_on(Place(-90.0, 0.0), 2026, 12, 21) == ["21 00:00", "22 00:00"]


def test_where_it_does_not_rise_it_does_both_at_noon():
    assert sun_on(Place(69.65, 18.96), 2026, 12, 21) == ["21 10:42", "21 10:42"]
    assert sun_on(Place(90.0, 0.0), 2026, 12, 21) == ["21 11:58", "21 11:58"]


def test_a_hive_beyond_the_date_line_has_its_own_day():
    apia = Place(-13.83, -171.75)
    civil_noon = datetime(2026, 6, 1, 23, tzinfo=UTC)  # noon of 2 June at +13
    assert [f"{at:%d %H}" for at in sun.times(apia, date(2026, 6, 2), civil_noon)] == [
        "01 17", "02 05",
    ]


DAYS = st.dates(date(1970, 1, 2), date(2090, 1, 1))
PLACES = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))


@given(PLACES, DAYS)
@example(Place(89.75, 0.0), date(2000, 3, 18))
def test_it_rises_before_it_sets_within_its_day(place, day):
    sunrise, sunset = sun.times(place, day, noon(day, place.longitude))
    assert timedelta() <= sunset - sunrise <= 2 * HALF_DAY + MINUTE
    middle = sunrise + (sunset - sunrise) / 2
    most_hours = 1.5 if abs(place.latitude) < 85 else 6  # near a pole, a day can be half of one
    assert abs(middle - noon(day, place.longitude)) < timedelta(hours=most_hours)
    assert sunrise.second == sunset.second == 0


@given(PLACES, DAYS)
@example(Place(82.75, 0.0), date(2000, 4, 5))  # the last sunset of spring is after midnight
def test_each_day_begins_after_the_one_before(place, day):
    days = [
        sun.times(place, at, noon(at, place.longitude)) for at in (day, day + timedelta(days=1))
    ]
    assert days[1].sunrise >= days[0].sunset - MINUTE


@given(st.builds(Place, st.floats(-60, 60), st.floats(-180, 180)), DAYS)
def test_it_agrees_with_the_search_that_ephem_has(place, day):
    observer = ephem.Observer()
    observer.lat, observer.lon = str(place.latitude), str(place.longitude)
    observer.pressure, observer.horizon = 0, "-0:50"
    observer.date = noon(day, place.longitude).replace(tzinfo=None)
    body = ephem.Sun()
    wanted = (
        observer.previous_rising(body, use_center=True),
        observer.next_setting(body, use_center=True),
    )
    found = sun.times(place, day, noon(day, place.longitude))
    for ours, theirs in zip(found, wanted, strict=True):
        assert abs(ours - theirs.datetime().replace(tzinfo=UTC)) < MINUTE


def test_threads_that_ask_at_once_get_what_each_asked_for():
    places = [Place(float(latitude), 10.0) for latitude in range(-60, 61, 5)]
    days = [date(2026, 1, 1) + timedelta(days=7 * week) for week in range(52)]
    asked = [(place, day, noon(day, place.longitude)) for place in places for day in days]
    alone = [sun.times(*question) for question in asked]
    sun._times.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda question: sun.times(*question), asked)) == alone


def test_an_ephem_that_cannot_be_loaded_is_not_known(tmp_path, monkeypatch):
    (tmp_path / "ephem.py").write_text('raise ImportError("wrong ELF class")')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "ephem", raising=False)
    assert not sun.is_known()
