"""Inspections in the ledger: when the beekeeper had the lid off, as events."""

from __future__ import annotations

from typing import NamedTuple

from beemon.base.clock import Stamp
from beemon.ledger import events
from beemon.ledger.ledger import Ledger

KIND = "inspection"
LONGEST_SECONDS = 2 * 3600.0
"""An inspection that nobody ended is over after this."""


class Begun(NamedTuple):
    """An inspection that is on: since when, how long it may still last, and what was noted."""

    utc_us: int
    seconds_left: float
    note: str


def enter_begin(ledger: Ledger, note: str, at: Stamp) -> int:
    """Enter that an inspection began."""
    return events.enter(ledger, KIND, _said("begun", note), at=at, state="begun", note=note)


def enter_end(ledger: Ledger, note: str, at: Stamp, *, by_itself: bool = False) -> int:
    """Enter that it ended, because the beekeeper said so or by itself."""
    said = "ended automatically" if by_itself else "ended"
    return events.enter(
        ledger, KIND, _said(said, note), at=at, state="ended", note=note, by_itself=by_itself
    )


def resume(ledger: Ledger) -> Begun | None:
    """The inspection that is still on from an earlier run; one that lasted too long is ended."""
    event = events.latest(ledger, KIND)
    if event is None or event.facts["state"] != "begun":
        return None
    now = ledger.clock.stamp()
    left = LONGEST_SECONDS - _seconds_since(ledger, event, now)
    if left > 0:
        return Begun(event.at.utc_us, left, event.facts["note"])
    enter_end(ledger, "", now, by_itself=True)
    return None


def _seconds_since(ledger: Ledger, event: events.Event, now: Stamp) -> float:
    """By the wall clock where the machine was started again since; never less than none."""
    asked = "SELECT boot_id FROM sound_runs WHERE run = ?"
    boot = ledger.db.execute(asked, (event.run,)).fetchone()
    if boot and boot["boot_id"] == ledger.clock.boot_id():
        return now.monotonic - event.at.monotonic
    return max(0.0, (now.utc_us - event.at.utc_us) / 1e6)


def _said(what: str, note: str) -> str:
    return f"inspection {what}{f': {note}' if note else ''}"
