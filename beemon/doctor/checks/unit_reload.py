"""The unit's file: changed since systemd read it."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd."""
    found = unit.facts(machine)
    if not found:
        yield skipped("systemd does not know beemon.service")
    elif found.get("NeedDaemonReload") == "yes":
        yield warning("the file of beemon.service was changed, but systemd uses the old one",
                      "The next start uses old settings.", "sudo systemctl daemon-reload")
    else:
        yield ok("systemd has read the file of beemon.service")


def fix(machine: Machine) -> str:
    """Read it."""
    machine.change("systemctl", "daemon-reload")
    return "systemd has read the file of beemon.service again"
