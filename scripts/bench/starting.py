"""From the start of the process to READY=1, against a bare-bones daemon."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from services import HERE, Beemon, started
from table import Row

TARGET = 4.0


def measure(beemon: Beemon, rounds: int) -> list[Row]:
    """Files and compiled modules are in the page cache: a first start of each is not counted."""
    bare = [sys.executable, str(HERE / "daemon.py")]
    mine, theirs = [], []
    for _ in range(rounds + 1):
        theirs.append(_milliseconds_to_ready(bare, beemon.folder))
        mine.append(_milliseconds_to_ready(beemon.command(), beemon.folder))
    ratio = statistics.median(a / b for a, b in zip(mine[1:], theirs[1:], strict=True))
    ours, bares = statistics.median(mine[1:]), statistics.median(theirs[1:])
    return [Row("start to READY", ours, "ms", "bare daemon", bares, ratio, TARGET)]


def _milliseconds_to_ready(command: Sequence[str], folder: Path) -> float:
    began = time.perf_counter()
    with started(command, folder):
        return (time.perf_counter() - began) * 1e3
