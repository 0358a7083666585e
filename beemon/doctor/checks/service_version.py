"""The version of the running service against the installed one."""

from __future__ import annotations

from collections.abc import Iterator

from beemon import __version__
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine
from beemon.doctor.service import NOT_REACHED
from beemon.doctor.unit import RESTART, UNIT


def check(machine: Machine) -> Iterator[Finding]:
    """Ask the service."""
    if machine.status is None:
        yield skipped(NOT_REACHED)
        return
    running = machine.status.get("version")
    if running == __version__:
        yield ok(f"the service runs beemon {running}")
    else:
        yield warning(f"the service runs beemon {running}, but {__version__} is installed",
                      "Corrections of the new version have no effect yet.", RESTART)


def fix(machine: Machine) -> str:
    """Restart the service."""
    machine.change("systemctl", "restart", UNIT)
    return f"the service was restarted with beemon {__version__}"
