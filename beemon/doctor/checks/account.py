"""The service's own user and group."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.accounts import account_of, group_number
from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine


def check(machine: Machine) -> Iterator[Finding]:
    """Look into /etc/passwd and /etc/group."""
    if account_of(machine) and group_number(machine) is not None:
        yield ok("there is a user beemon, with its group")
    elif unit.facts(machine) is None:
        yield skipped("beemon.service is not installed")
    else:
        missing = "group" if account_of(machine) else "user"
        yield problem(f"there is no {missing} beemon", "The service cannot start.",
                      "sudo systemd-sysusers beemon.conf; sudo systemctl restart beemon")


def fix(machine: Machine) -> str:
    """Make what the package's list of users says."""
    machine.change("systemd-sysusers", "beemon.conf")
    machine.change("systemctl", "restart", unit.UNIT)
    return "the user and group beemon were made"
