"""The supply in the last week, as the readings of the hive's own computer tell it."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.base.clock import MACHINE
from beemon.base.moments import US_PER_HOUR
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_COUNT = (
    "SELECT count(*), count(CASE WHEN value > 0 THEN 1 END) FROM sound_readings"
    " JOIN sound_series USING (series) WHERE quantity = 'under_voltage' AND utc_us > ?"
)


def check(machine: Machine) -> Iterator[Finding]:
    """Count the readings with a low supply."""
    if not machine.has_ledger:
        yield skipped("there is no archive")
        return
    since_us = MACHINE.now().utc_us - 7 * 24 * US_PER_HOUR
    with machine.ledger() as ledger:
        count, low = ledger.db.execute(_COUNT, (since_us,)).fetchone()
    if not count:
        yield skipped("no sensor measures the supply")
    elif low:
        yield warning(
            f"the supply was too low in {low} of {count} readings of the last week",
            "A supply that fails now and then destroys the SD card in time.",
            "use the official power supply, or a larger battery",
        )
    else:
        yield ok(f"the supply was sufficient in {count} readings of the last week")
