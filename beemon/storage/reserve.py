"""Reserve: a few files that occupy space and inodes, for the ledger to use on a full disk.

They are then removed, so that outcomes can still be entered. They are created again when there is
enough space.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from beemon.storage import space
from beemon.storage.space import Space

FOLDER = "reserve"
FILES = 8
_NAMES = frozenset(map(str, range(FILES)))
FILE_BYTES = 1_048_576
SMALLEST_SHARE = 256
"""On a small disk a file is this part of it."""
FULL_BYTES = 524_288
FULL_INODES = 4
"""With less than these free, SQLite may not be able to extend its files."""


def is_full(found: Space) -> bool:
    """Whether so little is free that the ledger itself is in danger."""
    no_inode = found.free_inodes is not None and found.free_inodes < FULL_INODES
    return found.free_bytes < FULL_BYTES or no_inode


def is_whole(archive: Path) -> bool:
    """Whether nothing of it has been used. Raises ``OSError``."""
    try:
        return {file.name for file in (archive / FOLDER).iterdir()} >= _NAMES
    except FileNotFoundError:
        return False


def make(archive: Path, found: Space) -> None:
    """Make what is missing of it, on a disk with that much space. Raises ``OSError``."""
    (archive / FOLDER).mkdir(exist_ok=True)
    size = min(FILE_BYTES, found.total_bytes // SMALLEST_SHARE)
    for file in _files(archive):
        if not file.exists():
            _allocate(file, size)


def release(archive: Path) -> bool:
    """Give all of it up; whether there was any. Raises ``OSError``."""
    released = False
    for file in _files(archive):
        with contextlib.suppress(FileNotFoundError):
            file.unlink()
            released = True
    return released


def release_if_full(archive: Path) -> bool:
    """Give it up where the disk is full; whether that gave anything. Never raises ``OSError``."""
    try:
        return is_full(space.measure_space(archive)) and release(archive)
    except OSError:  # what is wrong with the disk is found out by who writes to it
        return False


def _files(archive: Path) -> list[Path]:
    return [archive / FOLDER / name for name in sorted(_NAMES)]


def _allocate(file: Path, size: int) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640)
    try:
        os.posix_fallocate(descriptor, 0, max(1, size))
    except OSError:
        file.unlink()
        raise
    finally:
        os.close(descriptor)
