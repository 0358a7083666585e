"""The config on disk: whether the service can run with it."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.config.settings import ConfigError, load
from beemon.devices.ask import resolve_devices
from beemon.doctor.findings import Finding, ok, problem
from beemon.doctor.machine import Machine

_WHY = "The service does not use it."
_NEXT = "correct the line; then: beemon config check"


def check(machine: Machine) -> Iterator[Finding]:
    """Load it, and ask the drivers."""
    try:
        settings = load(machine.config)
    except ConfigError as error:
        yield from (problem(str(one), _WHY, _NEXT) for one in error.problems)
        return
    _, problems = resolve_devices(settings.devices)
    yield from (problem(str(one), _WHY, _NEXT) for one in problems)
    if not problems:
        yield ok(f"the config is valid, with {len(settings.devices)} devices")
