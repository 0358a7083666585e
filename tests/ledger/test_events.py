"""Events: entered with the moment, found again by kind."""

from __future__ import annotations

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.ledger import events
from beemon.ledger.ledger import Ledger, LedgerReader


def test_an_event_is_found_again_with_all_that_was_said_of_it(tmp_path, ledger):
    at = Stamp(5_000_000, 12.5, Quality.RTC)
    with ledger.transaction():
        number = events.enter(ledger, "deletion", "old sound went", "microphone.a", at=at, files=3)
    reader = LedgerReader(tmp_path)
    found = events.latest(reader, "deletion")
    reader.close()
    assert found == events.Event(
        number, ledger.run, at, "deletion", "microphone.a", "old sound went", {"files": 3}
    )


def test_an_event_without_a_moment_is_one_of_now(ledger):
    with ledger.transaction():
        events.enter(ledger, "clock", "it was set")
    found = events.latest(ledger, "clock")
    assert found.at.utc_us > 1_700_000_000_000_000
    assert found.device is None
    assert found.facts == {}


def test_the_latest_is_the_one_that_was_entered_last_whatever_its_clock_says(ledger):
    with ledger.transaction():
        early, late = Stamp(9, 1.0, Quality.UNSURE), Stamp(2, 2.0, Quality.RTC)
        events.enter(ledger, "inspection", "first", state="begun", note="", at=early)
        events.enter(ledger, "inspection", "second", state="ended", note="", at=late)
        events.enter(ledger, "clock", "between")
    assert events.latest(ledger, "inspection").message == "second"
    assert [e.message for e in events.recent(ledger, 5)] == ["between", "second", "first"]
    assert [e.message for e in events.recent(ledger, 1, "clock")] == ["between"]
    assert events.latest(ledger, "nothing") is None


def enter_and_fail(ledger: Ledger) -> None:
    with ledger.transaction():
        events.enter(ledger, "clock", "half")
        raise ZeroDivisionError


def test_an_event_of_a_transaction_that_failed_never_was(ledger):
    with pytest.raises(ZeroDivisionError):
        enter_and_fail(ledger)
    assert events.latest(ledger, "clock") is None
