"""The power profile in the ledger: each change of its stage, as an event."""

from __future__ import annotations

from typing import NamedTuple

from beemon.base.clock import Stamp
from beemon.base.facts import JsonObject
from beemon.base.status import PowerStage
from beemon.ledger import events, readings
from beemon.ledger.ledger import Ledger

KIND = "power"


class Before(NamedTuple):
    """The stage that an earlier run left, and since when (µs since 1970; None: never changed).

    ``value`` in ``unit`` is the last one of the quantity, if it is later than that.
    """

    stage: PowerStage = PowerStage.FULL
    since_us: int | None = None
    value: float | None = None
    unit: str = ""


def enter(
    ledger: Ledger, message: str, sensor: str | None, at: Stamp, stage: PowerStage,
    before: PowerStage, facts: JsonObject,
) -> int:
    """Enter that the stage changed, within a transaction; ``facts`` are those of the value."""
    return events.enter(
        ledger, KIND, message, sensor, at=at, stage=stage.value, before=before.value, **facts
    )


def resume(ledger: Ledger, sensor: str, quantity: str) -> Before:
    """The stage that an earlier run left, and the last value of a sensor's quantity."""
    event = events.latest(ledger, KIND)
    before = Before(PowerStage(event.facts["stage"]), event.at.utc_us) if event else Before()
    last = readings.last_value(ledger.db, sensor, quantity)
    if last is None or (event and last["utc_us"] <= event.at.utc_us):
        return before
    return before._replace(value=last["value"], unit=last["unit"])
