"""Files beside the config that are not part of it, although they may be meant to be."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, warning
from beemon.doctor.machine import Machine

_LEFT = (".dpkg-dist", ".dpkg-new", ".dpkg-old", ".ucf-dist")
_KEPT = ".before-beemon-"


def check(machine: Machine) -> Iterator[Finding]:
    """Look for names that no start reads, and for the leftovers of a package."""
    folder = machine.config.parent
    added = folder / "conf.d"
    ignored = [path.name for path in sorted(added.iterdir()) if path.suffix != ".toml"
               and _KEPT not in path.name] if added.is_dir() else []
    left = [path.name for path in sorted(folder.iterdir()) if path.name.endswith(_LEFT)] \
        if folder.is_dir() else []
    for name in ignored:
        yield warning(f"{added / name} is not read: its name does not end in .toml",
                      "Its options have no effect.", "rename it, or delete it")
    for name in left:
        yield warning(f"an upgrade left {folder / name}", "It may have options that are new.",
                      f"compare it with {machine.config}, then delete it")
    if not ignored and not left:
        yield ok("every file of the config is read")
