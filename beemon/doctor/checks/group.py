"""The person at the keyboard: in the group that may ask the service."""

from __future__ import annotations

import os
from collections.abc import Iterator

from beemon.doctor.accounts import account_of, group_number, members
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError


def check(machine: Machine) -> Iterator[Finding]:
    """Look into /etc/group for the user of sudo, or of this login."""
    user, group = _person(), group_number(machine)
    if group is None or user in ("", "root", "beemon") or not account_of(machine, user):
        yield skipped("only root is here")
    elif user in members(machine):
        yield ok(f"{user} may ask the service")
    else:
        yield warning(f"{user} is not in the group beemon", "Each command then needs sudo.",
                      f"sudo usermod -aG beemon {user}; then log out and in again")


def _person() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("LOGNAME") or ""


def fix(machine: Machine) -> str:
    """Add the person."""
    user = _person()
    if not account_of(machine, user):
        raise NotFixedError("nobody but root is here")
    machine.change("usermod", "-aG", "beemon", user)
    return f"{user} is in the group beemon after the next login"
