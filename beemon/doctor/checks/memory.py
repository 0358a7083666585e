"""Memory: the free part of it, the time that programs wait for it, and programs killed for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, unknown, warning
from beemon.doctor.machine import Machine

_LEAST_SHARE = 0.08
_MOST_WAITING = 10.0  # percent of the last five minutes
_WHY = "Without memory, recordings end early."
_NEXT = "free -m; ps aux --sort=-rss | head"


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the kernel's numbers."""
    told = dict(re.findall(r"(?m)^(\w+):\s+(\d+) kB$", machine.read("/proc/meminfo") or ""))
    if "MemAvailable" not in told:
        yield unknown("the kernel does not report the memory", "free -m")
        return
    whole, free = int(told["MemTotal"]), int(told["MemAvailable"])
    waiting = re.search(r"(?m)^some .*avg300=([\d.]+)", machine.read("/proc/pressure/memory") or "")
    is_well = True
    if killed := machine.kernel_lines(r"out of memory: killed|oom-kill:"):
        is_well = False
        yield problem(f"the kernel has killed a program for memory: {killed[-1]}", _WHY, _NEXT)
    if free < _LEAST_SHARE * whole:
        is_well = False
        yield warning(f"only {free // 1024} of {whole // 1024} MB of memory are free", _WHY, _NEXT)
    if waiting and float(waiting[1]) > _MOST_WAITING:
        is_well = False
        share = f"{float(waiting[1]):.0f} % of the time"
        yield warning(f"programs wait for memory {share}", _WHY, _NEXT)
    if is_well:
        yield ok(f"{free // 1024} of {whole // 1024} MB of memory are free")
