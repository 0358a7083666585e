"""Conditions of the service: each is an event and a heartbeat when it changes, and only then."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from beemon.ledger import events
from beemon.ledger.examination import KIND, Found
from beemon.ledger.ledger import Ledger
from beemon.orchestrator.conditions import DiskSpace, LedgerExamination, LedgerWriting
from beemon.orchestrator.inbox import Pulse
from beemon.orchestrator.timetable import Timetable
from beemon.protocol.reports import Trouble
from beemon.retention.keeper import Room
from beemon.storage.space import Limits, Space


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    yield ledger
    ledger.close()


def test_a_ledger_that_cannot_be_written_is_a_trouble_until_it_can() -> None:
    writing = LedgerWriting()
    writing.tell("the ledger cannot be written: disk I/O error")
    [trouble] = writing.troubles
    assert (trouble.about, trouble.says) == (
        "ledger", "the ledger cannot be written: disk I/O error",
    )
    writing.tell(None)
    assert list(writing.troubles) == []


def test_what_an_examination_finds_is_entered_when_it_changes(ledger: Ledger) -> None:
    def write(change: Any, written: Any) -> None:
        with ledger.transaction():
            written(change(ledger))

    pulse = Pulse()
    pulse.beats(100.0)
    examination = LedgerExamination(write, pulse)
    examination.tell(Found())
    assert events.recent(ledger, 9, KIND) == []
    assert not pulse.beats(100.1)
    damaged = Found("page 7 is never used")
    for _ in range(2):
        examination.tell(damaged)
    assert len(events.recent(ledger, 9, KIND)) == 1
    assert pulse.beats(100.1)
    examination.tell(Found())
    newest, _ = events.recent(ledger, 9, KIND)
    assert newest.message.endswith("in order again")


def test_the_free_space_is_news_only_while_it_is_short(ledger: Ledger) -> None:
    def write(change: Any, _: Any) -> None:
        with ledger.transaction():
            change(ledger)

    def room(free_bytes: int, *paused: str, log: Trouble | None = None) -> Room:
        return Room(Space(free_bytes, 10**9), Limits(10**7, 0), frozenset(paused), log=log)

    disk = DiskSpace(Timetable({}, UTC), write, Pulse())
    assert not disk.is_news(room(10**8))
    for news in (
        room(10**6, "camera.a"), room(2 * 10**6, "camera.a"), room(10**8),
        room(10**8, log=Trouble("ledger-log", "it grows")),
    ):
        assert disk.is_news(news)
        disk.tell(news)
        assert not disk.is_news(news)
