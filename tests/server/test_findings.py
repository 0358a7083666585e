"""Queries about findings: the news of a day, the reasons for a finding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.finding import FIRST, STANDS, Finding
from beemon.base.moments import from_iso, to_microseconds
from beemon.config.settings import Settings
from beemon.ledger import findings
from beemon.ledger.ledger import Ledger
from beemon.ledger.reader import ArchiveReader
from beemon.protocol.commands import parse
from beemon.protocol.lines import RequestError
from beemon.server.findings import explain, tell_day
from beemon.server.latest import LatestState
from beemon.server.queries import Queries

BERLIN = ZoneInfo("Europe/Berlin")
NOW = to_microseconds(datetime(2026, 6, 3, 3, 0, tzinfo=BERLIN))


def finding(kind: str, begin: str, end: str, says: str = "It is so.") -> Finding:
    """A finding about a time on the clocks of Berlin."""
    from_, until = (
        datetime.fromisoformat(one).replace(tzinfo=BERLIN).astimezone(UTC)
        .strftime("%Y-%m-%dT%H:%M:%S.000Z") for one in (begin, end)
    )
    stage = STANDS if kind == "day" else FIRST
    return Finding(kind, stage, "apiary-7", from_, until, until, says, kind, 1)


KEPT = (
    finding("day", "2026-05-31T00:00", "2026-06-01T00:00"),
    finding("day", "2026-06-01T00:00", "2026-06-02T00:00"),
    finding("swarm", "2026-05-31T23:30", "2026-05-31T23:59"),
    finding("swarm", "2026-06-02T12:15", "2026-06-02T12:45"),
)


@pytest.fixture
def reader(ledger: Ledger, tmp_path: Path) -> Iterator[ArchiveReader]:
    with ledger.transaction():
        for one in KEPT:
            at = Stamp(from_iso(one.told) + 1, 1.0, Quality.SYNCHRONISED)
            findings.enter(ledger, one, at)
    with closing(ArchiveReader(tmp_path)) as reader:
        yield reader


def test_a_day_has_its_sum_and_the_findings_about_it(reader):
    told = tell_day(reader, date(2026, 5, 31), NOW, BERLIN)
    assert told.date == "2026-05-31"
    assert told.day is not None
    assert told.day.found == KEPT[0]
    assert [one.found for one in told.findings] == [KEPT[2]]


def test_a_day_without_findings_has_none(reader):
    told = tell_day(reader, date(2026, 5, 1), NOW, BERLIN)
    assert (told.day, told.findings) == (None, ())


def test_without_a_day_it_is_the_latest_sum_and_all_since(reader):
    told = tell_day(reader, None, NOW, BERLIN)
    assert told.date == "2026-06-03"
    assert told.day is not None
    assert told.day.found == KEPT[1]  # at 3 o'clock the sum of the 2nd is not computed yet
    assert [one.found for one in told.findings] == [KEPT[3]]


def test_a_finding_that_does_not_exist_is_refused(reader):
    chain = explain(reader, 1).chain
    assert [one.finding for one in chain] == [1]
    with pytest.raises(RequestError, match="holds no finding 4711") as error:
        explain(reader, 4711)
    assert error.value.code == "unknown-finding"


def test_they_are_asked_by_words(reader):
    queries = Queries(LatestState(), Settings, lambda: reader)
    told = queries.answer(parse("findings 2026-05-31", []))
    assert [one.found.kind for one in told.findings] == ["day", "swarm", "day", "swarm"]
    assert queries.answer(parse("why 2", [])).asked == 2
    assert queries.answer(parse("today 2026-06-02", [])).findings[0].found == KEPT[3]


@pytest.mark.parametrize(("text", "says"), [
    ("today noon", "must be a date such as 2026-06-01, today or yesterday"),
    ("today 2126-06-01", "must be from 1970 to today, not 2126-06-01"),
    ("today 0001-01-01", "must be from 1970 to today, not 0001-01-01"),
    ("why swarm", "must be a whole number, not"),
    ("why", "FINDING is missing"),
])
def test_a_wrong_day_or_number_is_named(text, says):
    with pytest.raises(RequestError, match=says) as error:
        parse(text, [])
    assert error.value.code == "bad-argument"


def test_a_finding_that_came_from_a_damaged_ledger_can_be_asked_for():
    assert [parse(f"why {number}", [])["FINDING"] for number in (-43, 0)] == [-43, 0]
    assert parse("swarm -43 yes", [])["FINDING"] == -43
