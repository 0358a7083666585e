"""The state of the kernel: whether it has met a defect since the start."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine

_DEFECTS = {
    2: "a module was unloaded by force", 4: "the hardware reported an error",
    7: "the kernel had a fatal error", 9: "the kernel met an unexpected state",
    14: "the kernel hung for a while",
}
"""Bits of /proc/sys/kernel/tainted (kernel.org, admin-guide/tainted-kernels)."""


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the bits that tell of a defect."""
    text = machine.read("/proc/sys/kernel/tainted")
    if text is None or not text.strip().isdigit():
        yield skipped("the kernel does not report its state")
        return
    found = [what for bit, what in _DEFECTS.items() if int(text) >> bit & 1]
    if found:
        yield problem(" and ".join(found), "Drivers may not work until the next start.",
                      "journalctl -k | grep -i -A5 'warning\\|bug\\|oops'; sudo reboot")
    else:
        yield ok("the kernel has met no defect")
