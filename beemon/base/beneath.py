"""Beneath: open a file of a folder, whatever links somebody has put there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath


def open_beneath(folder: Path, relative: PurePosixPath) -> int:
    """Open a regular file beneath a folder for reading, and return its descriptor.

    No link beneath the folder is followed, and no pipe is waited for. Raises ``OSError``, and
    ``ValueError`` for a path with a NUL.
    """
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise PermissionError(errno.EPERM, "it is not a file beneath the folder", str(relative))
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    at = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        for part in relative.parts[:-1]:
            inner = os.open(part, flags | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = inner
        file = os.open(relative.parts[-1], flags, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise PermissionError(errno.EPERM, "it is not a regular file", str(relative))
    return file
