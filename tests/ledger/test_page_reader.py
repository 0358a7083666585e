"""The reader of the page: a ledger that is replaced, and what is new."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest

from beemon.base.clock import Moment, Stamp
from beemon.base.readings import Reading
from beemon.ledger import events
from beemon.ledger import readings as series
from beemon.ledger.ledger import NAME, Ledger
from beemon.ledger.page_reader import PageReader
from beemon.ledger.reader import LONGEST_SECONDS, SlowQueryError
from tests.book import DAY, NOON, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def reader(ledger: Ledger, clock: FakeClock) -> Iterator[PageReader]:
    with closing(PageReader(ledger.archive, clock)) as reader:
        yield reader


def tell(ledger: Ledger, message: str) -> int:
    with ledger.transaction():
        return events.enter(ledger, "note", message)


def replace(archive: Path) -> Ledger:
    """Another ledger in the place of the first one."""
    for file in archive.glob(f"{NAME}*"):
        file.rename(file.with_name(f"old-{file.name}"))
    made = Ledger(archive)
    made.prepare()
    return made


def test_a_ledger_that_is_replaced_is_read_at_once(reader, ledger):
    tell(ledger, "old")
    assert [one.message for one in reader.events(0, 9, None)] == ["old"]
    assert reader.calendar(1, UTC).days
    with closing(replace(ledger.archive)) as other:
        assert reader.events(0, 9, None) == []
        tell(other, "new")
        assert [one.message for one in reader.events(0, 9, None)] == ["new"]
        assert reader.completeness(0).unaccounted == ()


def test_a_query_that_runs_while_it_is_replaced_leaves_no_old_connection(reader, ledger, clock):
    assert reader.jobs(1) == []
    with reader._apart():
        other = replace(ledger.archive)
        assert reader.jobs(1) == []
    with closing(other), other.transaction():
        other.accept("read", "test")
    assert len(reader.jobs(9)) == 1
    clock.utc_us += round(2e6 * LONGEST_SECONDS)
    assert reader.news(None, 9).cursor == reader.news(None, 9).cursor
    with reader._apart() as spare:
        assert len(spare.jobs(9)) == 1


def test_connections_are_kept_while_the_ledger_stays(reader, clock):
    reader.jobs(1)
    clock.utc_us += round(2e6 * LONGEST_SECONDS)
    reader.jobs(1)
    first = reader._ledger
    reader.jobs(1)
    assert reader._ledger is first


def test_news_are_those_after_a_cursor(reader, ledger):
    tell(ledger, "before")
    begin = reader.news(None, 9)
    assert begin.told == ()
    tell(ledger, "one")
    tell(ledger, "two")
    news = reader.news(begin.cursor, 9)
    assert [told.message for _, told in news.told] == ["one", "two"]
    assert [number for number, _ in news.told] == sorted({number for number, _ in news.told})
    assert reader.news(news.cursor, 9).told == ()


def test_whether_somebody_wrote_is_known(reader, ledger):
    before = reader.data_version()
    assert reader.data_version() == before
    tell(ledger, "hello")
    assert reader.data_version() != before


def test_the_last_sign_of_life_is_that_of_the_latest_job(reader, ledger):
    assert reader.last_sign_us() is None
    with ledger.transaction():
        job = ledger.accept("read", "test")
    assert reader.last_sign_us() == ledger.db.execute(
        "SELECT accepted_us FROM jobs WHERE job = ?", (job,)).fetchone()[0]


def test_a_calendar_ends_today(reader):
    assert [day.day for day in reader.calendar(2, UTC).days] == ["2026-05-31", "2026-06-01"]
    assert NOON % DAY == DAY // 2


class HastyClock(FakeClock):
    """At each look, five seconds have passed."""

    def now(self) -> Moment:
        self.utc_us += 5_000_000
        return super().now()


@pytest.mark.parametrize("question", [
    lambda reader: reader.series("sensor.a", "x", NOON - DAY, NOON, 100),
    lambda reader: reader.gains("sensor.a", "x", NOON - 400 * DAY, UTC),
    lambda reader: reader.calendar(400, UTC),
    lambda reader: reader.day_sounds("microphone.a", NOON - DAY, NOON),
    lambda reader: reader.single_readings("sensor.a", "x", 0, NOON + DAY, 4000),
], ids=["series", "gains", "calendar", "sounds", "readings"])
def test_a_query_that_takes_too_long_is_stopped(ledger, question):
    with ledger.transaction():
        series.keep(ledger, 1, [Reading("sensor.a", "x", "g", 1.0, None, Stamp(0, 1.0, "rtc"))])
        ledger.db.execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 20000)"
            " INSERT INTO readings (utc_us, series, value, monotonic_ms, clock, job, uncertainty)"
            " SELECT ? - n * 1000000, 1, 'damaged', 1, 'rtc', 1, 1 FROM n", (NOON,))
        ledger.db.execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 20000)"
            " INSERT INTO jobs (run, command, origin, slot_us, accepted_us, accepted_monotonic,"
            " clock) SELECT 1, 'record microphone.a', 'schedule', ?1 - n * 1000000,"
            " ?1 - n * 1000000, 1.0, 'rtc' FROM n", (NOON,))
        ledger.db.execute("INSERT OR IGNORE INTO unreckoned SELECT DISTINCT utc_us / 3600000000"
                          " FROM readings")
    with closing(PageReader(ledger.archive, HastyClock())) as reader, \
            pytest.raises(SlowQueryError):
        question(reader)
