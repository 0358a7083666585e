"""Switches: each change of an output's state, as an event."""

from __future__ import annotations

from beemon.base.clock import Stamp
from beemon.ledger import events
from beemon.ledger.ledger import Ledger

KIND = "output"


def enter(ledger: Ledger, device: str, *, on: bool, seconds: float | None, at: Stamp) -> None:
    """Enter that the output is on or off now, if that is a change, within a transaction.

    Each start makes an output safe that was safe already, and nothing happened then.
    """
    before = events.latest_of(ledger, KIND, device)
    if before and seconds is None and before.facts.get("on") is on:
        return
    state = "on" if on else "off"
    message = f"{device} is {state}" + ("" if seconds is None else f", for {seconds:g} s")
    events.enter(ledger, KIND, message, device, at=at, on=on, seconds=seconds)
