"""The kernel's messages about a low supply."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, unknown, warning
from beemon.doctor.machine import Machine


def check(machine: Machine) -> Iterator[Finding]:
    """Count the messages since the start."""
    if machine.kernel_log is None:
        yield unknown("the kernel's messages cannot be read", "sudo beemon doctor power_messages")
    elif found := machine.kernel_lines(r"under-?voltage detected"):
        yield warning(
            f"the kernel has reported a low supply {len(found)} times since the start",
            "Each time, the SD card can lose data.",
            "use the official power supply and a short, thick cable",
        )
    else:
        yield ok("the kernel has reported no low supply")
