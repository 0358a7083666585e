"""From the start of the process to READY=1, with nothing stored and with many recordings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import stored
from services import Beemon, started
from table import Row

from beemon.base.moments import US_PER_DAY
from beemon.ledger.ledger import Ledger

TARGET = 1.2
PER_DAY = 288  # one in five minutes
DEVICE = "microphone.brood"
BEGAN_US = 1_750_000_000_000_000


def measure(folder: Path, rounds: int, counts: Sequence[int]) -> Iterator[Row]:
    """The same service over archives with so many recordings."""
    stocked = {
        f"{count:,} recordings stored": _stocked(folder / f"stock-{count}", count)
        for count in counts
    }
    empty = _stocked(folder / "stock-0", 0)
    yield from _rows("start to READY, nothing stored", empty, stocked, rounds)


def measure_years(folder: Path, rounds: int, archives: Mapping[str, Path]) -> Iterator[Row]:
    """The same service over these archives of :mod:`stored`."""
    full = {
        f"{name} stored": stored.service(folder / f"years-{number}", archive)
        for number, (name, archive) in enumerate(archives.items(), 1)
    }
    empty = stored.service(folder / "years-0", None)
    yield from _rows("start to READY, eleven devices, nothing stored", empty, full, rounds)


def _rows(name: str, empty: Beemon, full: Mapping[str, Beemon], rounds: int) -> Iterator[Row]:
    """The starts of each, in turns."""
    times: dict[str, list[float]] = {name: [], **{other: [] for other in full}}
    for _ in range(rounds + 1):  # the first start of each compiles and fills the page cache
        for subject, beemon in {name: empty, **full}.items():
            began = time.perf_counter()
            with started(beemon.command(), beemon.folder):
                times[subject].append((time.perf_counter() - began) * 1e3)
    without = times.pop(name)[1:]
    yield Row(name, statistics.median(without), "ms")
    for other, taken in times.items():
        ratio = statistics.median(a / b for a, b in zip(taken[1:], without, strict=True))
        yield Row(f"  {other}", statistics.median(taken[1:]), "ms", "empty",
                  statistics.median(without), ratio, TARGET)


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
