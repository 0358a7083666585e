"""Automatic restarts after updates, and updates that need a restart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, warning
from beemon.doctor.machine import Machine

_FILE = "/etc/apt/apt.conf.d/99beemon-no-reboot"
_AUTOMATIC = re.compile(r'(?m)^\s*Unattended-Upgrade::Automatic-Reboot\s+"?(\w+)"?\s*;')


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the settings of unattended-upgrades, and for its mark."""
    is_well = True
    if _is_automatic(machine):
        is_well = False
        yield warning(
            "updates restart the machine by themselves",
            "Recordings end early, at a time that nobody chose.",
            'set Unattended-Upgrade::Automatic-Reboot "false" in /etc/apt/apt.conf.d',
        )
    if machine.at("/run/reboot-required").exists():
        is_well = False
        yield warning("an update waits for a restart", "Until then it has no effect.",
                      "sudo reboot")
    if is_well:
        yield ok("no update restarts the machine, or waits for a restart")


def _is_automatic(machine: Machine) -> bool:
    """Whether automatic restarts are on; the setting in the last file counts."""
    found = [value for path in machine.glob("/etc/apt/apt.conf.d/*")
             for value in _AUTOMATIC.findall(machine.read(path) or "")]
    return bool(found) and found[-1].lower() in ("true", "1", "yes")


def fix(machine: Machine) -> str:
    """Switch automatic restarts off."""
    if not _is_automatic(machine):
        return ""
    machine.replace(machine.at(_FILE), 'Unattended-Upgrade::Automatic-Reboot "false";\n')
    return "updates do not restart the machine by themselves any more"
