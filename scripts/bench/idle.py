"""What the service takes while it has nothing to record: processor time and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from services import Beemon
from table import Row

CPU_TARGET = 0.5  # % of one core
PSS_TARGET = 60.0  # MB
_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def measure(beemon: Beemon, seconds: float) -> list[Row]:
    """Devices configured, sensors read once a minute by their schedule, nothing recorded."""
    with beemon.running() as process:
        beemon.ask(f"wait {beemon.ask('read')['job']}")  # the sensors' worker runs now, and stays
        cpu, began = _cpu_seconds(process.pid), time.monotonic()
        time.sleep(seconds)
        used = (_cpu_seconds(process.pid) - cpu) / (time.monotonic() - began)
        family = list(_family(process.pid))
        pss = sum(map(_pss_megabytes, family))
    among = f"{len(family)} processes"
    return [
        Row(f"processor, {seconds:g} s idle", used * 100, "%", among, target=CPU_TARGET),
        Row("memory (PSS) then", pss, "MB", among, target=PSS_TARGET),
    ]


def _family(pid: int) -> Iterator[int]:
    """A process and everything that descends from it."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        if (stat := _stat(int(entry.name))) is not None:
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:  # it grows while it is walked
        found += children.get(parent, [])
    return iter(found)


def _stat(pid: int) -> list[str] | None:
    """The fields of proc(5)'s stat, from the state on; the name before it may hold anything."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _cpu_seconds(pid: int) -> float:
    """Of the family, with those of its members that have ended and were waited for."""
    stats = [stat for stat in map(_stat, _family(pid)) if stat is not None]
    return sum(int(ticks) for stat in stats for ticks in stat[11:15]) / _TICK


def _pss_megabytes(pid: int) -> float:
    for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
