"""The supply in the last week, as the readings of the hive's own computer tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from beemon.base.clock import MACHINE
from beemon.base.moments import US_PER_HOUR
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_HOT = 80.0
"""The temperature, in °C, at which a Raspberry Pi slows down."""

_QUERY = """
    SELECT quantity, count(value), count(CASE WHEN value > 0 THEN 1 END),
        count(CASE WHEN value > 0 AND before = 0 THEN 1 END), coalesce(max(value), 0)
    FROM (
        SELECT quantity, value, lag(value) OVER (PARTITION BY series ORDER BY utc_us) AS before
        FROM sound_readings JOIN sound_series USING (series)
        WHERE utc_us > ? AND quantity IN ('under_voltage', 'under_voltage_since_boot',
            'throttled', 'throttled_since_boot', 'cpu_temperature')
    ) GROUP BY quantity
"""


class _Week(NamedTuple):
    """Of one quantity: its readings, those above 0, those that rose from 0, and the highest."""

    readings: int = 0
    above: int = 0
    risen: int = 0
    highest: float = 0.0


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the readings of the supply, of the processor's speed and of its temperature."""
    if not machine.has_ledger:
        yield skipped("there is no archive")
        return
    week = _week(machine)
    if not week:
        yield skipped("no sensor measures the supply or the processor")
        return
    found = [*_supply(week), *_speed(week), *_heat(week)]
    count = max(one.readings for one in week.values())
    what = "the supply was sufficient" if "under_voltage" in week else "the processor was not hot"
    yield from found or [ok(f"{what} in {count} readings of the last week")]


def _week(machine: Machine) -> Mapping[str, _Week]:
    since_us = MACHINE.now().utc_us - 7 * 24 * US_PER_HOUR
    with machine.ledger() as ledger:
        rows = ledger.db.execute(_QUERY, (since_us,)).fetchall()
    return {quantity: _Week(*facts) for quantity, *facts in rows}


def _supply(week: Mapping[str, _Week]) -> Iterator[Finding]:
    if when := _when(week, "under_voltage"):
        yield warning(
            f"the supply was too low {when}",
            "A supply that fails now and then destroys the SD card in time.",
            "use the official power supply, or a larger battery",
        )


def _speed(week: Mapping[str, _Week]) -> Iterator[Finding]:
    if when := _when(week, "throttled"):
        yield warning(
            f"the processor was slowed down {when}", "A slow processor loses sound and video.",
            "check supply and cooling",
        )


def _when(week: Mapping[str, _Week], quantity: str) -> str:
    """The times at which a flag was set; empty if never.

    The flag of the time since boot also tells what happened between two readings. If it was
    already set in the first reading, that may have been before the week.
    """
    found = week.get(quantity, _Week())
    since_boot = week.get(f"{quantity}_since_boot", _Week())
    if found.above:
        return f"in {found.above} of {found.readings} readings of the last week"
    return "between two readings in the last week" if since_boot.risen else ""


def _heat(week: Mapping[str, _Week]) -> Iterator[Finding]:
    highest = week.get("cpu_temperature", _Week()).highest
    if highest >= _HOT:
        yield warning(
            f"the processor reached {highest:.0f} °C in the last week",
            "At 80 °C a Raspberry Pi slows down, and the life of its parts becomes shorter.",
            "give it shade, a heat sink or a fan",
        )
