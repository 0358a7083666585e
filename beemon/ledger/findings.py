"""Findings in the ledger: events of kind ``finding``, whose facts are the fields of a finding.

The findings about one matter form a chain: each takes the place of the one before, which it
revises. Only the latest of a chain counts. The beekeeper's word on a finding is an event of kind
``label``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from beemon.base.clock import Stamp
from beemon.base.facts import from_json, to_json
from beemon.base.finding import Finding
from beemon.base.moments import LATEST_US, US_PER_DAY, US_PER_SECOND, from_iso, iso
from beemon.ledger import events, rows
from beemon.ledger.events import Event, Readable
from beemon.ledger.ledger import Ledger
from beemon.ledger.rows import MOST_NUMBER, UNREADABLE
from beemon.protocol.replies import FindingFacts, FindingList

KIND, LABEL = "finding", "label"
WORDS = ("yes", "no")
"""The beekeeper's words on a finding."""
MOST = 1000
"""Maximum number of entered findings that an answer is made of: those of several months."""

Chain = list[tuple[Event, Finding]]
_TOUCHING = """
SELECT * FROM sound_events WHERE kind = 'finding' AND utc_us >= :from AND CASE
    WHEN json_valid(facts) THEN iif(json_extract(facts, '$.revises') IS NULL,
        json_extract(facts, '$.until') > :begin AND json_extract(facts, '$.from') < :end,
        json_extract(facts, '$.from') < :later)
    END ORDER BY event DESC LIMIT :rows
"""
"""The findings that touch a period, and all that may take the place of one of these. A finding
about a much later time takes none."""


def enter(ledger: Ledger, finding: Finding, at: Stamp | None = None, **more: Any) -> int:
    """Enter a finding, and ``more`` facts beside its own; return its number.

    Stands within ``ledger.transaction()``.
    """
    facts: dict[str, Any] = {**to_json(finding), **more}
    return events.enter(ledger, KIND, finding.says, finding.device, at=at, **facts)


def enter_label(ledger: Ledger, number: int, word: str, at: Stamp | None = None) -> int:
    """Enter the beekeeper's word on a finding. Stands within ``ledger.transaction()``."""
    message = f"the beekeeper's word on finding {number}: {word}"
    return events.enter(ledger, LABEL, message, at=at, finding=number, word=word)


def find(ledger: Readable, number: int) -> Finding | None:
    """The finding of a number; None if there is none that can be read."""
    event = events.find(ledger, number)
    return None if event is None else read(event)


def read(event: Event) -> Finding | None:
    """The finding that an event holds; None for any other event, or for damaged facts."""
    if event.kind != KIND:
        return None
    try:
        finding = from_json(Finding, event.facts)
        for moment in (finding.from_, finding.until, finding.told):
            from_iso(moment)
    except UNREADABLE:
        return None
    return finding


def between(
    ledger: Readable, from_us: int, until_us: int
) -> list[FindingFacts]:
    """The latest finding of each matter that a period touches, in order of the matters' begins."""
    return _latest(ledger, _touching(ledger, from_us, from_us, until_us), from_us, until_us)


def newest(ledger: Readable, from_us: int, until_us: int) -> FindingList:
    """:func:`between`, of the :data:`MOST` findings that were entered last."""
    found = _touching(ledger, from_us, from_us, until_us, MOST + 1)
    latest = _latest(ledger, found[-MOST:], from_us, until_us)
    return FindingList(tuple(latest), truncated=len(found) > MOST or None)


def _latest(
    ledger: Readable, found: Sequence[sqlite3.Row], from_us: int, until_us: int
) -> list[FindingFacts]:
    begin, end = iso(from_us), iso(until_us)
    labels = _labels(ledger)
    latest = [
        _describe(chain, labels)[-1] for chain in _chains(found)
        if begin < chain[-1][1].until and chain[-1][1].from_ < end
    ]
    return sorted(latest, key=lambda one: one.found.from_)


def chain_of(ledger: Readable, number: int) -> list[FindingFacts]:
    """All findings about the matter of one finding, in order of their entry; empty if there is no
    such finding."""
    event = events.find(ledger, number)
    finding = read(event) if event else None
    if event is None or finding is None:
        return []
    begin_us = from_iso(finding.from_)
    since = min(begin_us, event.at.utc_us)
    near = _touching(ledger, since, begin_us - US_PER_SECOND, begin_us + US_PER_SECOND)
    labels = _labels(ledger)
    for chain in _chains(near):
        if any(one.number == number for one, _ in chain):
            return _describe(chain, labels)
    return []


def _touching(
    ledger: Readable, since_us: int, from_us: int, until_us: int, most: int = MOST_NUMBER
) -> list[sqlite3.Row]:
    """The rows that touch a period, of those entered since a time (none about a later time was
    entered earlier), in order of entry. Of more than ``most``, the last ones."""
    later_us = min(until_us + US_PER_DAY, LATEST_US)
    values = {"from": since_us, "begin": iso(from_us), "end": iso(until_us),
              "later": iso(later_us), "rows": most}
    return ledger.db.execute(_TOUCHING, values).fetchall()[::-1]


def _chains(found: Iterable[sqlite3.Row]) -> Iterable[Chain]:
    """The findings of these rows, those about one matter together."""
    chains: list[Chain] = []
    by_number: dict[int, Chain] = {}
    by_matter: dict[tuple[str, str | None, str], Chain] = {}
    for event, finding in _readable(found):
        chain = by_number.get(finding.revises or 0) or by_matter.get(finding.matter)
        if chain is None:
            chains.append(chain := [])
        chain.append((event, finding))
        by_number[event.number] = by_matter[finding.matter] = chain
    return chains


def _readable(found: Iterable[sqlite3.Row]) -> Iterator[tuple[Event, Finding]]:
    for event in rows.readable(found, events.of_row):
        if finding := read(event):
            yield event, finding


def _labels(ledger: Readable) -> Mapping[int, str]:
    """The beekeeper's latest word on each finding; by no time, as the clock may be set."""
    found = ((one.facts.get("finding"), one.facts.get("word"))
             for one in reversed(events.recent(ledger, MOST_NUMBER, LABEL)))
    return {
        number: str(word) for number, word in found if type(number) is int and word in WORDS
    }


def _describe(chain: Chain, labels: Mapping[int, str]) -> list[FindingFacts]:
    """A chain as clients see it; a word on one of its findings is a word on all of them."""
    later: dict[int, int] = {one.number: other.number for (one, _), (other, _) in pairwise(chain)}
    words = [labels[event.number] for event, _ in chain if event.number in labels]
    label = words[-1] if words else None
    return [
        FindingFacts(
            finding=event.number, utc=iso(event.at.utc_us), clock=event.at.quality.value,
            found=finding, revised=later.get(event.number), label=label,
        )
        for event, finding in chain
    ]
