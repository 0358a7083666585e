"""What processes take: processor time and memory, by proc(5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process: its name (15 bytes of it), and the seconds that it has computed.

    Its children's count once they have ended and were waited for.
    """

    pid: int
    name: str
    cpu: float


def processes(pid: int) -> list[Process]:
    """A process and everything that descends from it."""
    found = [(member, _stat(member)) for member in _family(pid)]
    return [
        Process(member, name, sum(map(int, fields[11:15])) / _TICK)
        for member, stat in found if stat is not None for name, fields in [stat]
    ]


def cpu_seconds(pid: int) -> float:
    """Of the whole family."""
    return sum(process.cpu for process in processes(pid))


def computed_seconds(pid: int) -> float:
    """What :func:`cpu_seconds` says, to the microsecond: by the scheduler's own account."""
    files = (_PROC / str(pid)).glob("task/[0-9]*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def pss_megabytes(pid: int) -> float:
    """Its own memory, and its share of what it shares."""
    for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _family(pid: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        if (stat := _stat(int(entry.name))) is not None:
            children.setdefault(int(stat[1][1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:  # it grows while it is walked
        found += children.get(parent, [])
    return iter(found)


def _stat(pid: int) -> tuple[str, list[str]] | None:
    """The name, which may hold anything, and the fields of proc(5)'s stat from the state on."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    head, _, rest = text.rpartition(")")
    return head.partition("(")[2], rest.split()
