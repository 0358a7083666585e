"""File systems: errors that ext4 counted, and mounts that became read-only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from beemon.doctor.findings import Finding, ok, problem
from beemon.doctor.machine import Machine
from beemon.ledger.access import mount_of

_WHY = "The data on it are at risk."


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the counters and the mounts."""
    is_well = True
    for path in machine.glob("/sys/fs/ext4/*/errors_count"):
        if (count := int(machine.read(path) or 0)) > 0:
            is_well = False
            yield problem(
                f"the file system on {path.parent.name} has had errors ({count} so far)", _WHY,
                "beemon backup hive.tar.gz; then sudo touch /forcefsck and sudo reboot",
            )
    mounts = machine.read("/proc/self/mountinfo") or ""
    for place in dict.fromkeys((Path("/"), machine.archive or Path("/"))):
        if mounts and {"ro"} & (mount_of(place, mounts).options
                                | mount_of(place, mounts).disk_options):
            is_well = False
            yield problem(f"the disk of {place} is mounted read-only",
                          "Nothing can be recorded there.", "journalctl -k | grep -i ext4")
    if is_well:
        yield ok("the file systems have no errors")
