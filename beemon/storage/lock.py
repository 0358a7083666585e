"""The lock of an archive: only one service can hold it, and it names the holder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

NAME = "lock"


class ArchiveBusyError(BlockingIOError):
    """Another beemon has the archive; the text names it."""


class ArchiveLock:
    """Holds the archive until it is closed, or until this process ends, however that happens."""

    def __init__(self, archive: Path) -> None:
        archive.mkdir(parents=True, exist_ok=True)
        self._file = (archive / NAME).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read(40).strip() or "unknown"
            self._file.close()
            raise ArchiveBusyError(
                f"the archive {archive} is in use by another beemon (process {holder}); "
                "stop that one first, or set another path under [archive]"
            ) from error
        with contextlib.suppress(OSError):  # on a full disk it holds all the same, without a name
            os.ftruncate(self._file.fileno(), 0)
            os.write(self._file.fileno(), f"{os.getpid()}\n".encode())

    def close(self) -> None:
        """Let the next one have it."""
        self._file.close()

    def __enter__(self) -> ArchiveLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def holder(archive: Path) -> int | None:
    """The process that holds the archive, by the kernel's list of locks; None if nobody does.

    To ask is not to take it, even for a moment: a service that starts just then gets it.
    """
    try:
        said = (archive / NAME).read_text().strip()
        inode = str((archive / NAME).stat().st_ino)
    except FileNotFoundError:
        return None
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()  # 1: FLOCK ADVISORY WRITE <process> <device>:<inode> 0 EOF
        if words[1] == "FLOCK" and words[4] == said and words[5].rpartition(":")[2] == inode:
            return int(said)
    return None
