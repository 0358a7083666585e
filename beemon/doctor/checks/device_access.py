"""The device nodes that the service's user needs: their group and mode."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine

USER = "beemon"
_GROUPS = {
    "video": ("/dev/video*", "/dev/media*", "/dev/dma_heap/*"),
    "audio": ("/dev/snd/pcm*", "/dev/snd/control*"),
    "gpio": ("/dev/gpiochip*",),
    "i2c": ("/dev/i2c-*",),
    "spi": ("/dev/spidev*",),
}


def check(machine: Machine) -> Iterator[Finding]:
    """Compare the groups of the nodes with those of the user."""
    if USER not in (machine.read("/etc/passwd") or ""):
        yield skipped(f"there is no user {USER}; the package makes it")
        return
    closed, lacking = _closed(machine), _lacking(machine)
    if lacking:
        yield problem(
            f"the user {USER} is not in the groups {', '.join(lacking)}",
            "The service cannot open the devices of these groups.",
            f"sudo usermod -aG {','.join(lacking)} {USER}; sudo systemctl restart beemon",
        )
    elif closed:
        shown = ", ".join(machine.shown(node) for node in closed[:3])
        yield problem(
            f"the user {USER} may not open {shown}", "The service cannot use the device.",
            "sudo udevadm control --reload; sudo udevadm trigger",
        )
    else:
        yield ok(f"the user {USER} may open the devices")


def _closed(machine: Machine) -> list[Path]:
    """The nodes that the user may not open."""
    groups = _groups(machine)
    return [node for node in _nodes(machine) if not _may_use(node, groups)]


def _nodes(machine: Machine) -> Iterator[Path]:
    for patterns in _GROUPS.values():
        for pattern in patterns:
            yield from machine.glob(pattern)


def _groups(machine: Machine) -> dict[int, list[str]]:
    """The members of each group, by its number; the user's own group has it as a member."""
    found = {}
    for line in (machine.read("/etc/group") or "").splitlines():
        name, _, number, members = [*line.split(":"), "", "", ""][:4]
        if number.isdigit():
            found[int(number)] = [*members.split(","), name]
    return found


def _may_use(node: Path, groups: dict[int, list[str]]) -> bool:
    state = node.stat()
    is_member = USER in groups.get(state.st_gid, ())
    wanted = stat.S_IRGRP | stat.S_IWGRP
    return (is_member and state.st_mode & wanted == wanted) or state.st_mode & 0o006 == 0o006


def _lacking(machine: Machine) -> list[str]:
    """The groups that exist, that a node belongs to, and that the user is not in."""
    members = {line.split(":")[0]: line.split(":")[3].split(",")
               for line in (machine.read("/etc/group") or "").splitlines() if line.count(":") > 2}
    return [name for name, patterns in _GROUPS.items()
            if any(machine.glob(pattern) for pattern in patterns)
            and name in members and USER not in members[name]]


def fix(machine: Machine) -> str:
    """Add the user to the groups; if a node is closed even then, let udev set its mode again."""
    lacking = _lacking(machine)
    if lacking:
        machine.change("usermod", "--append", "--groups", ",".join(lacking), USER)
    if _closed(machine):
        machine.change("udevadm", "trigger")
    return f"{USER} may open the devices after: sudo systemctl restart beemon"
