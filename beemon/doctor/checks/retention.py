"""Head-room: the time for which recordings are kept."""

from __future__ import annotations

import time
from collections.abc import Iterator

from beemon.base.moments import US_PER_DAY
from beemon.doctor.archive import ask_ledger
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_LEAST_DAYS = 7.0
_OLDEST = "SELECT min(start_us) FROM recordings WHERE deleting_us IS NULL"


def check(machine: Machine) -> Iterator[Finding]:
    """Ask the service for the days that the disk lasts, and the ledger for the oldest recording."""
    budget = machine.ask("budget")
    days = budget.get("days_until_full") if budget else None
    if budget is None:
        yield skipped("the service cannot be reached")
    elif not isinstance(days, int | float):
        yield ok("the disk does not fill")
    elif days >= _LEAST_DAYS:
        yield ok(f"the disk is full in {days:.0f} days; then the oldest recordings are deleted")
    elif (kept := _kept_days(machine)) + days < _LEAST_DAYS:
        yield warning(f"recordings are kept for {kept + days:.1f} days only",
                      "If nobody fetches them before, they are lost.",
                      "beemon budget; then use a larger disk, or record less")
    else:
        yield ok(f"recordings are kept for about {kept:.0f} days")


def _kept_days(machine: Machine) -> float:
    rows = ask_ledger(machine, _OLDEST)
    oldest = rows[0][0] if rows else None
    return (time.time() * 1e6 - oldest) / US_PER_DAY if oldest else 0.0
