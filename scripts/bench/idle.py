"""What the service takes while it has nothing to record: processor time and memory."""

from __future__ import annotations

import time

import usage
from services import Beemon
from table import Row

CPU_TARGET = 0.5  # % of one core
PSS_TARGET = 60.0  # MB


def measure(beemon: Beemon, seconds: float) -> list[Row]:
    """Devices configured, sensors read once a minute by their schedule, nothing recorded."""
    with beemon.running() as process:
        beemon.ask(f"wait {beemon.ask('read')['job']}")  # the sensors' worker runs now, and stays
        cpu, began = usage.cpu_seconds(process.pid), time.monotonic()
        time.sleep(seconds)
        used = (usage.cpu_seconds(process.pid) - cpu) / (time.monotonic() - began)
        family = usage.processes(process.pid)
        pss = sum(usage.pss_megabytes(member.pid) for member in family)
    among = f"{len(family)} processes"
    return [
        Row(f"processor, {seconds:g} s idle", used * 100, "%", among, target=CPU_TARGET),
        Row("memory (PSS) then", pss, "MB", among, target=PSS_TARGET),
    ]
