"""Files named by a person: read completely, without waiting for a device or a pipe."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read(path: Path) -> tuple[bytes, os.stat_result]:
    """The content of a regular file, and its state. Raises ``OSError``, for a FIFO too.

    A FIFO would be waited for, a device may never end, and to open one can be an act.
    """
    _check(path.stat())
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        state = os.fstat(file.fileno())  # it may be another one by now
        _check(state)
        return file.read(), state


def _check(state: os.stat_result) -> None:
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "it is a FIFO, a socket or a device, not a file")
