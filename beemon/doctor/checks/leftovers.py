"""Unfinished recordings: the service repairs them after a start."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.archive import ask_ledger
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_MANY = 5
_COUNT = "SELECT count(*) FROM jobs WHERE leftover IS NOT NULL"


def check(machine: Machine) -> Iterator[Finding]:
    """Count those that wait for repair."""
    if not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    [[count]] = ask_ledger(machine, _COUNT)
    if count >= _MANY:
        yield warning(f"{count} unfinished recordings wait for repair",
                      "They take space, and cannot be played yet.",
                      "wait some minutes; if they stay: journalctl -u beemon | grep -i salvage")
    else:
        yield ok(f"{count} unfinished recordings wait for repair")
