"""The process that holds a TCP port on this machine, as far as this user may know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_LISTEN = "0A"  # TCP_LISTEN of <net/tcp_states.h>, as /proc/net/tcp prints it


def holder(port: int, proc: Path = Path("/proc")) -> str:
    """``process 123 (nginx)``, or that it is another user's process."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    for process in proc.glob("[0-9]*"):
        if sockets & set(_open_files(process)):
            return f"process {process.name}{_name(process)}"
    return "a process that this user may not see"


def is_taken(port: int, proc: Path = Path("/proc")) -> bool:
    """Whether anyone listens on a port, on any address of this machine."""
    return any(True for _ in _listening_inodes(port, proc))


def _name(process: Path) -> str:
    try:
        name = (process / "comm").read_bytes().strip()
    except OSError:
        return ""  # it ended meanwhile
    return f" ({ascii(name.decode('utf-8', 'replace'))[1:-1]})"  # a process names itself


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            if words[3] == _LISTEN and int(words[1].rpartition(":")[2], 16) == port:
                yield words[9]


def _open_files(process: Path) -> Iterator[str]:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return  # it ended, or belongs to someone else
    for descriptor in descriptors:
        with contextlib.suppress(OSError):  # closed meanwhile
            yield str(descriptor.readlink())
