"""Space: the free space on the archive's disk, and the part of it that is reserved.

A disk is full when it has no free bytes, or no free inodes: small files use up the inodes first.
Some file systems create inodes on demand (btrfs, vfat) and can be short of bytes only.
"""

from __future__ import annotations

import os
from pathlib import Path

from beemon.base.values import value_class

MOST_SHARE = 0.25
"""No more than this share of a disk is kept free, however small the disk is."""
AGAIN = 1.25
"""Measures against low space end when this many times the limit is free."""


@value_class
class Space:
    """A disk as a user without privileges finds it; inodes are None where none are counted."""

    free_bytes: int
    total_bytes: int
    free_inodes: int | None = None
    total_inodes: int | None = None


@value_class
class Limits:
    """The space to keep free."""

    bytes: float
    inodes: float

    def on(self, space: Space) -> Limits:
        """The same for a disk that may be too small for it."""
        return Limits(
            min(self.bytes, MOST_SHARE * space.total_bytes),
            min(self.inodes, MOST_SHARE * (space.total_inodes or 0)),
        )

    def times(self, factor: float) -> Limits:
        """A multiple."""
        return Limits(self.bytes * factor, self.inodes * factor)

    def lack(self, space: Space) -> tuple[float, float]:
        """The missing bytes and inodes; 0 if there are enough."""
        free_inodes = self.inodes if space.free_inodes is None else space.free_inodes
        return max(0.0, self.bytes - space.free_bytes), max(0.0, self.inodes - free_inodes)

    def exceed(self, space: Space) -> bool:
        """Whether less than that is free."""
        return any(self.lack(space))


def measure_space(folder: Path) -> Space:
    """The disk under a folder just now. Raises ``OSError``."""
    found = os.statvfs(folder)
    counted = found.f_files > 0
    return Space(
        free_bytes=found.f_bavail * found.f_frsize,
        total_bytes=found.f_blocks * found.f_frsize,
        free_inodes=found.f_favail if counted else None,
        total_inodes=found.f_files if counted else None,
    )
