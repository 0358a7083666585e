"""From the start of the process to READY=1, with nothing stored and with many recordings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from services import Beemon, started
from table import Row

from beemon.base.moments import US_PER_DAY
from beemon.ledger.ledger import Ledger

TARGET = 1.2
PER_DAY = 288  # one in five minutes
DEVICE = "microphone.brood"
BEGAN_US = 1_750_000_000_000_000


def measure(folder: Path, rounds: int, counts: Sequence[int]) -> Iterator[Row]:
    """The same service over archives of different size, in turns."""
    stocked = {count: _stocked(folder / f"stock-{count}", count) for count in (0, *counts)}
    times: dict[int, list[float]] = {count: [] for count in stocked}
    for _ in range(rounds + 1):  # the first start of each compiles and fills the page cache
        for count, beemon in stocked.items():
            began = time.perf_counter()
            with started(beemon.command(), beemon.folder):
                times[count].append((time.perf_counter() - began) * 1e3)
    empty = times.pop(0)[1:]
    yield Row("start to READY, nothing stored", statistics.median(empty), "ms")
    for count, taken in times.items():
        ratio = statistics.median(a / b for a, b in zip(taken[1:], empty, strict=True))
        yield Row(f"  {count:,} recordings stored", statistics.median(taken[1:]), "ms", "empty",
                  statistics.median(empty), ratio, TARGET)


def _stocked(folder: Path, count: int) -> Beemon:
    """A service with so many recordings in its archive, files and all, each of a few bytes."""
    archive = folder / "archive"
    archive.mkdir(parents=True)
    ledger = Ledger(archive)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
        ledger.db.executemany(
            "INSERT INTO jobs (job, run, command, origin, accepted_us, accepted_monotonic, clock,"
            " device, ended_us, outcome) VALUES (?, 1, ?, 'schedule', ?, 0, 'rtc', ?, ?, 'done')",
            ((n, f"record {DEVICE} 60", _at(n), DEVICE, _at(n) + 60_000_000)
             for n in range(1, count + 1)),
        )
        ledger.db.executemany(
            "INSERT INTO recordings (job, device, path, size, sha256, start_us, seconds, clock,"
            " facts) VALUES (?, ?, ?, 4, '', ?, 60, 'rtc', '{}')",
            ((n, DEVICE, _path(n), _at(n)) for n in range(1, count + 1)),
        )
    ledger.close()
    for number in range(1, count + 1):
        path = archive / _path(number)
        if number % PER_DAY == 1:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"fLaC")
    return Beemon(folder)


def _at(number: int) -> int:
    return BEGAN_US + number * US_PER_DAY // PER_DAY


def _path(number: int) -> str:
    return f"recordings/day-{(number - 1) // PER_DAY}/{number}.{DEVICE}.flac"
