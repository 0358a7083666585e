"""The memory of the service against its limit."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_SHARE = 0.9


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd."""
    found = unit.facts(machine) or {}
    used = unit.number(found, "MemoryCurrent")
    if used is None:
        yield skipped("systemd does not count the memory of beemon.service")
        return
    limits = [unit.number(found, name) for name in ("MemoryHigh", "MemoryMax")]
    most = min((limit for limit in limits if limit), default=None)
    if most and used > _SHARE * most:
        yield warning(f"the service uses {used >> 20} of {most >> 20} MB of memory",
                      "Beyond it, the kernel slows it down or ends a worker.",
                      "beemon status; record smaller pictures, or fewer devices at once")
    else:
        yield ok(f"the service uses {used >> 20} MB of memory")
