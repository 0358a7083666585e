"""The start limit: systemd gives the service up after some failures."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd."""
    found = unit.facts(machine)
    if not found:
        yield skipped("systemd does not know beemon.service")
    elif found.get("Result") == "start-limit-hit":
        yield problem("systemd gave beemon.service up after many failures",
                      "Nothing is recorded until it is started by hand.",
                      "sudo systemctl reset-failed beemon; sudo systemctl start beemon")
    elif found.get("StartLimitIntervalUSec", "0") not in ("0", "infinity"):
        yield warning("a drop-in makes systemd give beemon.service up after many failures",
                      "Nobody may be near the hive to start it again.",
                      "systemctl cat beemon; then take StartLimitIntervalSec= out of the drop-in")
    else:
        yield ok("systemd never gives the service up")


def fix(machine: Machine) -> str:
    """Forget the failures, and start it."""
    found = unit.facts(machine) or {}
    if found.get("Result") != "start-limit-hit":
        raise NotFixedError("a drop-in is the owner's: systemctl cat beemon")
    machine.change("systemctl", "reset-failed", unit.UNIT)
    machine.change("systemctl", "start", unit.UNIT)
    return "beemon.service was started"
