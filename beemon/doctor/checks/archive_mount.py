"""The disk of the archive: mounted, if /etc/fstab names one, and of a fitting kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError
from beemon.ledger.access import OWNERLESS, mount_of


def check(machine: Machine) -> Iterator[Finding]:
    """Compare /etc/fstab with the mounts."""
    mounts = machine.read("/proc/self/mountinfo")
    if machine.archive is None or not mounts:
        yield skipped("no archive is known")
        return
    archive = machine.archive.resolve()
    wanted, found = _wanted(machine, archive), mount_of(archive, mounts)
    if wanted and found.point != wanted:
        yield problem(f"the disk of {wanted} is not mounted",
                      "Recordings fill the system's disk instead.", f"sudo mount {wanted}")
    elif found.kind in OWNERLESS:
        yield warning(f"the archive is on a disk of the kind {found.kind}",
                      "A power cut can damage it, and it knows no owners.",
                      "use a disk with ext4")
    elif found.kind in ("tmpfs", "overlay", "ramfs"):
        yield warning(f"the archive is on {found.kind}", "It may be lost at a restart.",
                      "set path under [archive] to a folder on a disk")
    else:
        yield ok(f"the archive is on the disk at {found.point} ({found.kind})")


def _wanted(machine: Machine, archive: Path) -> Path | None:
    """The mount point of /etc/fstab that holds the archive; None if it is the system's disk."""
    lines = [line.split() for line in (machine.read("/etc/fstab") or "").splitlines()]
    points = [Path(words[1]) for words in lines
              if len(words) > 2 and not words[0].startswith("#") and words[1].startswith("/")]
    holding = [point for point in points if archive.is_relative_to(point) and point != Path("/")]
    return max(holding, key=lambda point: len(point.parts), default=None)


def fix(machine: Machine) -> str:
    """Mount it."""
    wanted = _wanted(machine, machine.archive.resolve()) if machine.archive else None
    if wanted is None:
        raise NotFixedError("this disk is a choice of yours: see path under [archive]")
    machine.change("mount", str(wanted))
    machine.change("systemctl", "restart", "beemon.service")
    return f"the disk of {wanted} is mounted"
