"""Restarts of the service that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_MANY = 3


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd, and the service."""
    found = unit.facts(machine)
    if not found and not machine.status:
        yield skipped("there is no service")
        return
    counted = unit.number(found, "NRestarts") if found else None
    told = machine.status.get("restarts_last_day") if machine.status else None
    most = max(counted or 0, told if isinstance(told, int) else 0)
    if most >= _MANY:
        yield warning(f"the service was restarted {most} times after a failure",
                      "Each restart interrupts recordings.", "journalctl -u beemon -p warning -e")
    else:
        yield ok(f"{most} restarts after a failure")
