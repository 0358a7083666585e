"""The service's watchdog: a drop-in may have turned it off."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd."""
    found = unit.facts(machine)
    seconds = found.get("WatchdogUSec", "") if found else ""
    if not found:
        yield skipped("systemd does not know beemon.service")
    elif seconds in ("", "0", "infinity"):
        yield warning("the watchdog of beemon.service is off",
                      "If the service hangs, nothing restarts it.",
                      "systemctl cat beemon; then take WatchdogSec= out of the drop-in")
    else:
        yield ok(f"systemd restarts the service if it hangs for {seconds}")
