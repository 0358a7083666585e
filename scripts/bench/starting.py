"""From the start of the process to READY=1, against a bare-bones daemon; and to a first reading."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Sequence

import usage
from services import HERE, Beemon, started
from table import Row

TARGET = 4.0
FIRST_READING_TARGET = 1.0  # s, from the command to the reading, with the start of the worker
SENSOR = "sensor.brood"

Figures = tuple[float, float]
"""Milliseconds to READY, and those that all processes together have computed by then."""


def measure(beemon: Beemon, rounds: int) -> Iterator[Row]:
    """Files and compiled modules are in the page cache: a first start of each is not counted."""
    mine, theirs = [], []
    for _ in range(rounds + 1):
        theirs.append(_start(beemon, [sys.executable, str(HERE / "daemon.py")]))
        mine.append(_start(beemon, beemon.command()))
    named = (("start to READY", TARGET), ("  computed by then, all processes", None))
    for at, (name, target) in enumerate(named):
        ours, bares = [one[at] for one in mine[1:]], [one[at] for one in theirs[1:]]
        ratio = statistics.median(a / b for a, b in zip(ours, bares, strict=True))
        yield Row(name, statistics.median(ours), "ms", "bare daemon", statistics.median(bares),
                  ratio, target)
    waits = [_first_reading(beemon) for _ in range(rounds)]
    yield Row("READY to a first reading, asked for at once", statistics.median(waits), "s",
              target=FIRST_READING_TARGET)


def _start(beemon: Beemon, command: Sequence[str]) -> Figures:
    began = time.perf_counter()
    with started(command, beemon.folder) as process:
        took = time.perf_counter() - began
        computed = sum(usage.computed_seconds(one.pid) for one in usage.processes(process.pid))
    return took * 1e3, computed * 1e3


def _first_reading(beemon: Beemon) -> float:
    """Seconds; the sensor's worker has its own start in them."""
    with beemon.running():
        began = time.perf_counter()
        job = beemon.ask(f"wait {beemon.ask(f'read {SENSOR}')['job']}")
        took = time.perf_counter() - began
    if job["outcome"] != "done":
        raise RuntimeError(f"no reading: {job}")
    return took
