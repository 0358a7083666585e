"""The unit: whether it runs, and why not."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine

_WHY = "Nothing is recorded."
_EX_CONFIG = "78"


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd."""
    found = unit.facts(machine)
    if not found:
        yield skipped("systemd does not know beemon.service")
        return
    state, result = found.get("ActiveState", ""), found.get("Result", "")
    if state in ("active", "reloading"):
        yield ok("beemon.service runs")
    elif state == "activating" and found.get("SubState") != "auto-restart":
        yield warning("beemon.service is starting", _WHY, "beemon status")
    elif found.get("ExecMainStatus") == _EX_CONFIG:
        yield problem("beemon.service does not run, because the config is wrong", _WHY,
                      f"beemon config check; {unit.START}")
    else:
        yield problem(f"beemon.service does not run ({state}, last result: {result})", _WHY,
                      f"{unit.START}; journalctl -u beemon -n 50")


def fix(machine: Machine) -> str:
    """Start it."""
    machine.change("systemctl", "reset-failed", unit.UNIT)
    machine.change("systemctl", "start", unit.UNIT)
    return "beemon.service was started"
