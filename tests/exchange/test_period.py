"""Periods as a person types them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from beemon.exchange.period import Period, parse

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400_000_000
JUNE_1 = 1_780_272_000_000_000  # 2026-06-01T00:00Z


def test_a_day_is_that_day() -> None:
    assert parse("2026-06-01") == Period(JUNE_1, JUNE_1 + DAY, "2026-06-01")


def test_both_days_are_whole() -> None:
    assert parse("2026-06-01", "2026-06-30") == Period(
        JUNE_1, JUNE_1 + 30 * DAY, "2026-06-01--2026-06-30"
    )


@pytest.mark.parametrize(
    "moment", ["2026-06-01T06:00", "2026-06-01 08:00:00 +02:00", "2026-06-01T06Z"]
)
def test_a_moment_is_utc_unless_it_says_otherwise(moment: str) -> None:
    found = parse(moment, "2026-06-01T07:00:00")
    assert (found.from_us, found.until_us) == (JUNE_1 + DAY // 4, JUNE_1 + DAY * 7 // 24)
    assert ":" not in found.name


def test_a_day_is_one_of_the_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert parse("2026-06-01", zone=berlin).from_us == JUNE_1 - DAY // 12
    spring = parse("2026-03-29", zone=berlin)  # summer time begins
    assert spring.until_us - spring.from_us == DAY * 23 // 24
    assert parse("2026-06-01T06:00Z", zone=berlin).from_us == JUNE_1 + DAY // 4


def test_a_moment_alone_goes_on_until_now() -> None:
    assert parse("2020-01-01T00:00").until_us > JUNE_1 - 365 * DAY


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("tomorrow", None, "is not a date such as"),
        ("2026-02-30", None, "is not a date such as"),
        ("2026-06-02", "2026-06-01", "2026-06-01 is not later than 2026-06-02"),
        ("2026-06-01T07:00", "2026-06-01T07:00", "not later"),
        ("9998-01-01T00:00", None, "is in the future"),
        ("9999-12-31", None, "is in the future"),
    ],
)
def test_what_is_no_period_is_told(first: str, last: str | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse(first, last)


@pytest.mark.parametrize(("word", "days_ago"), [("today", 0), ("yesterday", 1)])
def test_a_day_near_now_has_its_date_in_the_name(word: str, days_ago: int) -> None:
    before = datetime.now(BERLIN).date()
    period = parse(word, zone=BERLIN)
    after = datetime.now(BERLIN).date()
    assert period.name in {str(day - timedelta(days=days_ago)) for day in (before, after)}
    assert period.until_us - period.from_us in {hours * 3_600_000_000 for hours in (23, 24, 25)}


def test_a_span_continues_until_now() -> None:
    period = parse("7d", zone=BERLIN)
    assert 0 <= period.until_us - period.from_us - 7 * 86_400_000_000 < 120_000_000
