"""Findings: entered as events, found again by matter, with the latest of each chain."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.finding import FIRST, STANDS, WITHDRAWN, Finding, Measured
from beemon.base.moments import from_iso
from beemon.ledger import events, findings
from beemon.ledger.reader import ArchiveReader

DAY = from_iso("2026-06-01T00:00:00.000Z")
NEXT = from_iso("2026-06-02T00:00:00.000Z")
SWARM = Finding(
    "swarm", FIRST, "apiary-7", "2026-06-01T12:15:00.000Z", "2026-06-01T12:45:00.000Z",
    "2026-06-01T12:45:00.000Z", "At 12:15 1.3 kg left.", "swarm", 1, "sensor.scale",
    measured=(Measured("loss", 1300.0, "g", 12.0, 36),), for_=("By day.",),
    against=("All of it between two readings.",), unknown=("Bees counted.",),
)
SUM = Finding(
    "day", STANDS, "apiary-7", "2026-06-01T00:00:00.000Z", "2026-06-02T00:00:00.000Z",
    "2026-06-02T06:00:00.000Z", "The hive lost 67 g.", "day", 1,
)


def enter(ledger, *found, at="2026-06-01T13:00:00.000Z"):
    stamp = Stamp(from_iso(at), 1.0, Quality.SYNCHRONISED)
    with ledger.transaction():
        return [findings.enter(ledger, one, stamp) for one in found]


def test_a_finding_is_found_again_with_all_its_reasons(ledger):
    [number] = enter(ledger, SWARM)
    assert findings.find(ledger, number) == SWARM
    event = events.find(ledger, number)
    assert (event.kind, event.device, event.message) == ("finding", "sensor.scale", SWARM.says)
    assert event.facts["kind"] == "swarm"
    [told] = findings.between(ledger, DAY, NEXT)
    assert (told.finding, told.utc, told.found) == (number, "2026-06-01T13:00:00.000Z", SWARM)


def test_only_the_latest_of_a_matter_is_listed_and_the_chain_has_all(ledger):
    [first] = enter(ledger, SWARM)
    [stands] = enter(ledger, replace(SWARM, stage=STANDS, revises=first))
    other = replace(SWARM, from_="2026-06-01T11:00:00.000Z", until="2026-06-01T11:30:00.000Z")
    [before] = enter(ledger, other)
    assert [one.finding for one in findings.between(ledger, DAY, NEXT)] == [before, stands]
    chain = findings.chain_of(ledger, first)
    assert [(one.finding, one.revised) for one in chain] == [(first, stands), (stands, None)]
    assert findings.chain_of(ledger, stands) == chain


def test_a_finding_of_another_matter_takes_the_place_of_the_one_it_revises(ledger):
    [first] = enter(ledger, SWARM)
    moved = replace(
        SWARM, stage=WITHDRAWN, from_="2026-06-01T10:15:00.000Z", revises=first
    )
    [last] = enter(ledger, moved)
    assert [one.finding for one in findings.between(ledger, DAY, NEXT)] == [last]


@pytest.mark.parametrize(("begin", "end", "listed"), [
    (DAY, NEXT, ["swarm"]),
    (from_iso("2026-06-01T12:44:00.000Z"), NEXT, ["swarm"]),
    (from_iso("2026-06-01T12:45:00.000Z"), NEXT, []),
    (DAY, from_iso("2026-06-01T12:15:00.000Z"), []),
])
def test_a_period_lists_the_matters_that_it_touches(ledger, begin, end, listed):
    enter(ledger, SWARM)
    assert [one.found.kind for one in findings.between(ledger, begin, end)] == listed


def test_the_beekeepers_latest_word_is_on_the_whole_chain(ledger):
    [first] = enter(ledger, SWARM)
    with ledger.transaction():
        findings.enter_label(ledger, first, "no")
        findings.enter_label(ledger, first, "yes")
    [stands] = enter(ledger, replace(SWARM, stage=STANDS, revises=first))
    assert {one.label for one in findings.chain_of(ledger, stands)} == {"yes"}


def test_events_that_are_no_findings_are_left_out(ledger):
    with ledger.transaction():
        inspection = events.enter(ledger, "inspection", "begun", state="begun", note="")
        strange = events.enter(ledger, "finding", "of a later version", kind="dream")
        undated = events.enter(ledger, "finding", "a", **{
            "kind": "day", "stage": "stands", "hive": "a", "from": "noon", "until": "night",
            "told": "", "says": "", "rule": "day", "version": 1,
        })
    for number in (inspection, strange, undated, 10**6):
        assert findings.find(ledger, number) is None
        assert findings.chain_of(ledger, number) == []
    assert findings.between(ledger, 0, NEXT) == []
    enter(ledger, SUM)
    assert [one.found.kind for one in findings.between(ledger, DAY, NEXT)] == ["day"]


def test_the_beekeepers_word_counts_also_by_a_clock_that_was_set_back(ledger):
    [first] = enter(ledger, SWARM)
    with ledger.transaction():
        at = Stamp(DAY - 86_400_000_000, 1.0, Quality.SYNCHRONISED)
        findings.enter_label(ledger, first, "yes", at)
    assert [one.label for one in findings.chain_of(ledger, first)] == ["yes"]
    assert [one.label for one in findings.between(ledger, DAY, NEXT)] == ["yes"]


@pytest.mark.parametrize("facts", [
    None, "", "[]", '{"finding": 1', '{"finding": [1], "word": "yes"}', '{"finding": "x"}',
    '{"finding": 1, "word": {"no": 1}}', '{"finding": 1, "word": "perhaps"}', '{"finding": 1}',
])
def test_a_damaged_word_of_the_beekeeper_costs_itself_alone(ledger, facts):
    [first] = enter(ledger, SWARM)
    with ledger.transaction():
        findings.enter_label(ledger, first, "no")
        bad = findings.enter_label(ledger, first, "yes")
        ledger.db.execute("UPDATE events SET facts = ? WHERE event = ?", (facts, bad))
    assert [one.label for one in findings.chain_of(ledger, first)] == ["no"]
    assert [one.label for one in findings.between(ledger, DAY, NEXT)] == ["no"]


def test_an_answer_over_ten_years_is_made_of_the_latest_findings(ledger, tmp_path):
    with ledger.transaction():
        for second in range(findings.MOST + 5):
            begin = f"2026-06-01T00:{second // 60:02}:{second % 60:02}.000Z"
            findings.enter(ledger, replace(SWARM, from_=begin))
    with closing(ArchiveReader(tmp_path)) as reader:
        told = reader.findings(0, NEXT)
        some = reader.findings(0, from_iso("2026-06-01T00:00:05.000Z"))
    assert (len(told.findings), told.truncated) == (findings.MOST, True)
    assert told.findings[0].found.from_ == "2026-06-01T00:00:05.000Z"
    assert (len(some.findings), some.truncated) == (5, None)
    assert len(findings.between(ledger, 0, NEXT)) == findings.MOST + 5  # an export has all


def test_a_day_years_ago_has_its_findings_in_spite_of_many_later_ones(ledger, tmp_path):
    enter(ledger, SUM)
    with ledger.transaction():
        number = None
        for _ in range(findings.MOST + 5):
            later = replace(SWARM, from_="2027-06-01T12:15:00.000Z", revises=number)
            number = findings.enter(ledger, later)
    with closing(ArchiveReader(tmp_path)) as reader:
        told = reader.findings(DAY, NEXT)
    assert ([one.found for one in told.findings], told.truncated) == ([SUM], None)
