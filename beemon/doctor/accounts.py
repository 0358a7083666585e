"""The service's user, by the machine's own lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from beemon.doctor.machine import Machine

USER = "beemon"


@dataclass(frozen=True)
class Account:
    """A user by number, and the numbers of its groups."""

    uid: int
    gid: int
    groups: frozenset[int]

    def may(self, path: Path, needed: int) -> bool:
        """Whether its permissions on a path, by mode alone, include ``needed`` (as in 0o5)."""
        bits = self.bits(path, needed)
        return path.stat().st_mode & bits == bits

    def bits(self, path: Path, needed: int) -> int:
        """The bits of a path's mode that give it ``needed``."""
        found = path.stat()
        if found.st_uid == self.uid:
            return needed << 6
        return needed << 3 if found.st_gid in self.groups else needed


def account_of(machine: Machine, user: str = USER) -> Account | None:
    """The account of a user; None if there is none."""
    for line in (machine.read("/etc/passwd") or "").splitlines():
        words = line.split(":")
        if words[0] == user and len(words) > 3:
            gid = int(words[3])
            return Account(int(words[2]), gid, frozenset({gid, *_added(machine, user)}))
    return None


def group_number(machine: Machine, group: str = USER) -> int | None:
    """The number of a group; None if there is none."""
    return next((gid for name, gid, _ in _groups(machine) if name == group), None)


def members(machine: Machine, group: str = USER) -> frozenset[str]:
    """The users that a group names."""
    return frozenset(one for name, _, users in _groups(machine) if name == group for one in users)


def _added(machine: Machine, user: str) -> list[int]:
    return [gid for _, gid, users in _groups(machine) if user in users]


def _groups(machine: Machine) -> list[tuple[str, int, list[str]]]:
    lines = [line.split(":") for line in (machine.read("/etc/group") or "").splitlines()]
    return [(words[0], int(words[2]), words[3].split(",")) for words in lines if len(words) == 4]
