"""How often processes wake up, and how long they compute, by proc(5): counted switch by switch and
in nanoseconds, because clock ticks are too coarse for a service at rest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import usage

_PROC = Path("/proc")
_SWITCHES = "voluntary_ctxt_switches:"


@dataclass(frozen=True)
class Rest:
    """One process while nothing happens: wake-ups a second, and the share of a core in percent."""

    name: str
    wakes: float
    cpu: float


@dataclass(frozen=True)
class _Thread:
    """A thread of a process, and what it has done so far."""

    pid: int
    name: str
    switches: int
    nanoseconds: int


def watch_all(pids: Mapping[str, int], seconds: float) -> dict[str, list[Rest]]:
    """How processes and their descendants rest for the same seconds.

    What a thread did is lost if it began and ended between the two looks.
    """
    before, began = {name: _look(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    after, took = {name: _look(pid) for name, pid in pids.items()}, time.monotonic() - began
    return {name: _changes(before[name], after[name], took) for name in pids}


def _changes(
    before: Mapping[int, _Thread], after: Mapping[int, _Thread], seconds: float
) -> list[Rest]:
    """One for each process, the first that started first."""
    found: dict[int, Rest] = {}
    for number, thread in after.items():
        was = before.get(number, _Thread(thread.pid, thread.name, 0, 0))
        so_far = found.get(thread.pid, Rest(thread.name, 0.0, 0.0))
        found[thread.pid] = Rest(
            so_far.name,
            so_far.wakes + (thread.switches - was.switches) / seconds,
            so_far.cpu + (thread.nanoseconds - was.nanoseconds) / seconds / 1e7,
        )
    return list(found.values())


def _look(pid: int) -> dict[int, _Thread]:
    """Every thread of a process and its descendants, by its number."""
    return {
        number: _Thread(process.pid, process.name, *counts)
        for process in usage.processes(pid) for number, counts in _threads(process.pid)
    }


def _threads(pid: int) -> Iterator[tuple[int, tuple[int, int]]]:
    for folder in (_PROC / str(pid) / "task").glob("*"):
        try:
            status = (folder / "status").read_text()
            computed = (folder / "schedstat").read_text()
        except OSError:  # it has ended
            continue
        line = next(line for line in status.splitlines() if line.startswith(_SWITCHES))
        yield int(folder.name), (int(line.split()[1]), int(computed.split()[0]))
