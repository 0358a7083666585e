"""The processes of the drilled service, found by what they hold."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def others() -> Iterator[Path]:
    """The folders in /proc of all processes but this one."""
    own = str(os.getpid())
    yield from (f for f in Path("/proc").glob("[0-9]*") if f.name != own)


def holder(file: Path) -> int | None:
    """The first process that has the file open."""
    for folder in others():
        with contextlib.suppress(OSError):
            for descriptor in (folder / "fd").iterdir():
                if descriptor.readlink() == file:
                    return int(folder.name)
    return None


def parent_of(folder: Path) -> int:
    """The process id of a process's parent."""
    stat = (folder / "stat").read_text()
    return int(stat.rpartition(") ")[2].split()[1])
