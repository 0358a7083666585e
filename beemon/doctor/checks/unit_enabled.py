"""The unit: whether it starts when the machine starts."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine

_WHY = "After the next power cut nothing is recorded."


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd."""
    found = unit.facts(machine)
    state = found.get("UnitFileState", "") if found else ""
    if not found:
        yield skipped("systemd does not know beemon.service")
    elif found["LoadState"] == "masked":
        yield problem("beemon.service is masked", _WHY, "sudo systemctl unmask beemon")
    elif state.startswith("enabled"):
        yield ok("beemon.service starts with the machine")
    else:
        yield problem(f"beemon.service is {state or 'not enabled'}", _WHY,
                      "sudo systemctl enable beemon")


def fix(machine: Machine) -> str:
    """Enable it."""
    machine.change("systemctl", "unmask", unit.UNIT)
    machine.change("systemctl", "enable", unit.UNIT)
    return "beemon.service starts with the machine now"
