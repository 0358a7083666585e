"""The service's Unix socket, by which the users of this machine ask it."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.accounts import group_number
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError
from beemon.protocol.socket_file import PACKAGED

_MODE = 0o660


def check(machine: Machine) -> Iterator[Finding]:
    """Look at its owner and mode, and whether it answers."""
    found, group = unit.facts(machine), group_number(machine)
    path = machine.at(PACKAGED)
    if not found or found.get("ActiveState") != "active" or group is None:
        yield skipped("beemon.service does not run")
    elif not path.exists():
        yield problem(f"{PACKAGED} is missing", "Nobody on this machine can ask the service.",
                      unit.RESTART)
    elif (mode := stat.S_IMODE(path.stat().st_mode)) != _MODE or path.stat().st_gid != group:
        yield warning(f"{PACKAGED} has another group or mode than it should ({mode:04o})",
                      "Users may not reach the service, or strangers may.",
                      f"sudo chgrp beemon {PACKAGED}; sudo chmod 660 {PACKAGED}")
    elif machine.status is None:
        yield problem("the service runs, but does not answer", "Nobody can see its state.",
                      f"sudo beemon status; then {unit.RESTART}")
    else:
        yield ok("the service answers on its socket")


def fix(machine: Machine) -> str:
    """Give it its group and mode again."""
    path, group = machine.at(PACKAGED), group_number(machine)
    if not path.exists() or group is None or path.is_symlink():
        raise NotFixedError(f"restart the service: {unit.RESTART}")
    machine.change("chgrp", str(group), str(path))
    path.chmod(_MODE)
    return f"{PACKAGED} has the group beemon and the mode 0660"
