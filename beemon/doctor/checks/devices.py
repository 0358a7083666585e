"""The devices of the config: whether each is there, with the programs that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine


def check(machine: Machine) -> Iterator[Finding]:
    """Ask each driver what is missing; no device is opened."""
    if not machine.devices:
        yield skipped("the config names no devices")
    for device in machine.devices.values():
        if missing := device.make().absent():
            yield problem(
                f"{device.name}: {missing}", "Each of its recordings or readings fails.",
                "check its plug and cable; beemon setup finds what is plugged in",
            )
        else:
            yield ok(f"{device.name} is there")
