"""Feed: each change of the ledger is read once, whoever asks for it."""

from __future__ import annotations

import pytest

from beemon.base import outcomes
from beemon.ledger import events
from beemon.ledger.ledger import Ledger
from beemon.ledger.reader import ArchiveReader
from beemon.uplink.feed import MOST, Feed
from beemon.uplink.hive import Archive


class Counting(ArchiveReader):
    """Counts the pages and records that are read."""

    pages = records = 0

    def changes(self, *given):
        self.pages += 1
        return super().changes(*given)

    def record(self, job):
        self.records += 1
        return super().record(job)


@pytest.fixture
def reader(ledger):
    reader = Counting(ledger.archive)
    yield reader
    reader.close()


def do(ledger: Ledger, count: int = 1) -> list[int]:
    with ledger.transaction():
        jobs = [ledger.accept("read", "test") for _ in range(count)]
        for job in jobs:
            ledger.end(job, outcomes.done())
    return jobs


def test_a_change_is_read_once_for_all_that_are_up_to_date(ledger, reader):
    feed = Feed()
    feed.look(reader)
    cursor = reader.end_of_changes()
    assert feed.is_read(cursor)
    [job] = do(ledger)
    [record] = feed.look(reader)
    assert record.job.job == job
    assert not feed.is_read(cursor)
    found = [feed.read(reader, cursor) for _ in range(6)]
    assert all(news is found[0] and news.is_last for news in found)
    assert feed.is_read(found[0].page.cursor)
    assert (reader.pages, reader.records) == (1, 1)


def test_nothing_is_read_while_the_ledger_stays_the_same(ledger, reader):
    feed = Feed()
    feed.look(reader)
    do(ledger)
    feed.look(reader)
    before = reader.pages
    assert [feed.look(reader) for _ in range(5)] == [()] * 5
    assert reader.pages == before


def test_one_that_is_behind_gets_all_in_order(ledger, reader):
    feed = Feed()
    feed.look(reader)
    cursor, wanted = reader.end_of_changes(), []
    for _ in range(3):
        wanted += do(ledger)
        feed.look(reader)
    assert [record.job.job for record in feed.read(reader, cursor).records] == wanted


def test_each_courier_has_to_read_what_the_feed_does_not_know(ledger, reader):
    feed = Feed()
    assert feed.look(reader) is None
    do(ledger, MOST)
    assert feed.look(reader) is None
    assert feed.is_read(reader.end_of_changes())
    assert feed.forget()
    assert not feed.is_read(reader.end_of_changes())
    assert not feed.forget()
    assert feed.look(reader) is None


def test_an_event_is_news_too_and_a_change_between_two_looks_is_in_one(ledger, reader):
    feed = Feed()
    feed.look(reader)
    [job] = do(ledger)
    with ledger.transaction():
        event = events.enter(ledger, "swarm", "a swarm left")
    first, second = feed.look(reader)
    assert (first.job.job, second.event.event) == (job, event)


def test_a_ledger_that_is_away_is_told_once_and_so_is_its_return(ledger):
    archive = Archive(ledger.archive)
    assert archive.find_news() is None
    file = ledger.archive / "ledger.db"
    file.rename(ledger.archive / "away")
    assert [archive.find_news() for _ in range(3)] == [None, (), ()]
    (ledger.archive / "away").rename(file)
    assert [archive.find_news() for _ in range(3)] == [None, (), ()]
    archive.close()
