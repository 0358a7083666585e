"""The kernel's messages about the power of USB devices, and about those that disconnect."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, unknown, warning
from beemon.doctor.machine import Machine

_MANY = 5


def check(machine: Machine) -> Iterator[Finding]:
    """Look for them since the start."""
    if machine.kernel_log is None:
        yield unknown("the kernel's messages cannot be read", "sudo beemon doctor usb_power")
        return
    over = machine.kernel_lines(r"over-?current|insufficient available bus power|EMI\?")
    gone = machine.kernel_lines(r"usb .*: USB disconnect")
    if over:
        yield problem(
            f"a USB device draws too much current: {over[-1]}",
            "All devices on the same bus can fail.", "use a USB hub with its own power supply",
        )
    elif len(gone) >= _MANY:
        yield warning(
            f"USB devices have disconnected {len(gone)} times, the last: {gone[-1]}",
            "Each time, recordings are lost.", "use another cable or a hub with its own supply",
        )
    else:
        yield ok("the kernel has reported no problem with USB")
