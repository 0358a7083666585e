"""Space and inodes of the archive's disk."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.config.settings import RetentionSettings
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine
from beemon.storage import reserve
from beemon.storage.space import Limits, measure_space

_NEXT = "beemon budget; then delete other files of this disk, or use a larger one"


def check(machine: Machine) -> Iterator[Finding]:
    """Compare the free space with the limits of the config."""
    if machine.archive is None or not machine.archive.exists():
        yield skipped("no archive is known")
        return
    found = measure_space(machine.archive)
    kept = machine.settings.retention if machine.settings else RetentionSettings()
    limits = Limits(kept.min_free, kept.min_free_inodes).on(found)
    lacks_bytes, lacks_inodes = limits.times(0.5).lack(found)
    free = f"{found.free_bytes / 1e9:.1f} GB"
    if reserve.is_full(found):
        yield problem(f"the disk is full: {free} free, {found.free_inodes} inodes free",
                      "Nothing can be recorded.", _NEXT)
    elif lacks_bytes:
        yield warning(f"only {free} are free", "Recordings are deleted, or devices pause.", _NEXT)
    elif lacks_inodes:
        yield warning(f"only {found.free_inodes} inodes are free",
                      "Recordings are deleted, or devices pause.", _NEXT)
    else:
        yield ok(f"{free} are free")
