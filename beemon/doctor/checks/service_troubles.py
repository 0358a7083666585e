"""The problems that the service reports of itself; other checks look at some of them."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine
from beemon.doctor.service import NOT_REACHED, troubles

_ELSEWHERE = ("config", "ledger-log", "ledgers-aside", "restarts")
_WHY = "Recordings may be missing."


def check(machine: Machine) -> Iterator[Finding]:
    """Ask the service."""
    if machine.status is None:
        yield skipped(NOT_REACHED)
        return
    found = [one for one in troubles(machine) if one[0] not in _ELSEWHERE]
    for about, says, remedy in found:
        yield problem(f"{about}: {says}", _WHY, remedy or "beemon status")
    if machine.status.get("state") == "hung":
        yield problem("the service hangs", _WHY, "journalctl -u beemon -e")
    elif machine.status.get("state") == "starting":
        yield warning("the service is starting", "Its devices are not tried yet.",
                      "wait a minute, then: beemon doctor")
    elif not found:
        yield ok("the service reports no problem of its own")
