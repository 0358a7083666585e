"""The config on disk against the one that the service runs with."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError
from beemon.doctor.service import NOT_REACHED, troubles

_ABOUT = "config"
_LAST_GOOD = "has been wrong since"


def check(machine: Machine) -> Iterator[Finding]:
    """Ask the service, which compares them every ten seconds."""
    if machine.status is None:
        yield skipped(NOT_REACHED)
        return
    is_well = True
    for about, says, remedy in troubles(machine):
        if about != _ABOUT:
            continue
        is_well, remedy = False, remedy or "beemon config check"
        if _LAST_GOOD in says:
            yield problem(says, "Changes of the config have no effect.", remedy)
        else:
            yield warning(says, "The service works by the old one.", remedy)
    if is_well:
        yield ok("the service runs with the config on disk")


def fix(machine: Machine) -> str:
    """Have the service take the config over, if it is valid."""
    if machine.settings is None or len(machine.devices) < len(machine.settings.devices):
        raise NotFixedError("correct the config first: beemon config check")
    remedies = [remedy for about, _, remedy in troubles(machine) if about == _ABOUT]
    verb = "restart" if any("restart beemon" in one for one in remedies) else "reload"
    machine.change("systemctl", verb, "beemon.service")
    return f"the service runs with the config on disk, after a {verb}"
