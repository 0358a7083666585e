"""The kernel's messages about errors of a disk or a card."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, unknown
from beemon.doctor.machine import Machine

_ERRORS = (
    r"I/O error, dev (?!loop|fd|sr)|EXT4-fs error(?! \(device loop)"
    r"|mmc\d: (error|timeout|card .* removed|.*tuning)"
    r"|Buffer I/O error|mmcblk\d.*(error|timed out)|critical (medium|target) error"
)


def check(machine: Machine) -> Iterator[Finding]:
    """Look for them since the start."""
    if machine.kernel_log is None:
        yield unknown("the kernel's messages cannot be read", "sudo beemon doctor disk_errors")
    elif found := machine.kernel_lines(_ERRORS):
        errors = f"{len(found)} error{'s' * (len(found) != 1)}"
        yield problem(
            f"the kernel has reported {errors} of a disk, the last: {found[-1]}",
            "The disk or its supply is failing.",
            "beemon backup hive.tar.gz, then check the supply and replace the disk",
        )
    else:
        yield ok("the kernel has reported no errors of a disk")
