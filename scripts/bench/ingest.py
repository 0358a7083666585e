"""What a minute's readings of ten sensors cost until they are durable: time, and bytes at the disk.

A scheduled reading is one transaction: its slot, its job, its readings and its outcome. Beside it
stands a bare table with the same pragmas and pages, and a file that a line is appended to and
synced.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from disk import small_disk
from table import Row

from beemon.base import outcomes
from beemon.base.clock import Moment, Quality, Stamp
from beemon.base.moments import US_PER_MINUTE
from beemon.base.readings import Reading
from beemon.ledger import readings as series
from beemon.ledger import slots
from beemon.ledger.ledger import PAGE_BYTES, WAL_PAGES, Ledger

SENSORS = 10
IN_A_ROUND = 60
WARM_UP = 600  # so that all write into a log that no longer grows
BATCHES_FOR_BYTES = 2000
TIME_TARGET = 1 / 0.8
BYTES_TARGET = 4.0
KILOBYTES_TARGET = 20.0
MINUTES_A_DAY = 1440
CARD_BYTES = 100e12
AMPLIFICATION = 10
"""Assumed bytes of flash that a card writes for each byte it is sent, because it writes whole pages
of some 16 kB and moves others to erase a block. No card tells its own number."""
BEGAN_US = 1_780_000_000_000_000
COMMAND = f"read {' '.join(f'sensor.s{number}' for number in range(SENSORS))}"


def measure(folder: Path, rounds: int) -> Iterator[Row]:
    """In turns, so that a disk that becomes slower does so for both."""
    ours, bare = Beemon(folder), Bare(folder)
    for minute in range(WARM_UP):
        ours(minute)
        bare(minute)
    whole, plain = [], []
    for number in range(rounds):
        first = WARM_UP + number * IN_A_ROUND
        times = [_in_turns(ours, bare, minute) for minute in range(first, first + IN_A_ROUND)]
        entered, insert = (statistics.median(each) * 1e3 for each in zip(*times, strict=True))
        whole.append(entered)
        plain.append(insert)
    name = f"{SENSORS} readings made durable"
    yield _time_row(name, whole, plain, TIME_TARGET)
    ours.close()
    if os.geteuid() == 0:
        yield from _bytes_rows(folder)
    else:
        print("the bytes at the disk are left out (they take root)")


class Beemon:
    """The ledger, as the Orchestrator's writer fills it."""

    def __init__(self, folder: Path) -> None:
        self._clock = _Clock()
        self._ledger = Ledger(folder, clock=self._clock)
        self._ledger.prepare()
        with self._ledger.transaction() as ledger:
            ledger.begin_run()

    def measured(self, minute: int) -> list[Reading]:
        """What the workers say; on a Pi they take their time for it."""
        return [
            Reading(f"sensor.s{number}", "temperature", "°C", value, None, _stamp(minute),
                    raw=value * 1000)
            for number, value in enumerate(_values(minute))
        ]

    def end(self, minute: int, readings: list[Reading]) -> None:
        """Enter the slot, its job, the readings and the outcome."""
        at = self._clock.at = _stamp(minute)
        tick = slots.Tick(at, [slots.Due(COMMAND, at.utc_us)], accounted_us=at.utc_us)
        said = {f"{reading.sensor} {reading.quantity}": reading.value for reading in readings}
        with self._ledger.transaction() as ledger:
            job = ledger.next_job()
            series.keep(ledger, job, readings)
            slots.enter_ended(ledger, tick, job, outcomes.done(readings=said))

    def __call__(self, minute: int) -> None:
        self.end(minute, self.measured(minute))

    def close(self) -> None:
        """Let go of the file."""
        self._ledger.close()


class Bare:
    """A table of times, series and values."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "bare.db", isolation_level=None)
        for pragma in (f"page_size={PAGE_BYTES}", "journal_mode=WAL", "synchronous=FULL",
                       f"wal_autocheckpoint={WAL_PAGES}"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE readings (utc_us INTEGER, series INTEGER, value REAL,"
                         " PRIMARY KEY (utc_us, series)) WITHOUT ROWID")

    def __call__(self, minute: int) -> None:
        at = _stamp(minute).utc_us
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(
            "INSERT INTO readings VALUES (?, ?, ?)",
            [(at, number, value) for number, value in enumerate(_values(minute))],
        )
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


class Appended:
    """A file of lines; each is synced."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "readings.csv").open("a")

    def __call__(self, minute: int) -> None:
        self._file.write(f"{_stamp(minute).utc_us},{','.join(map(str, _values(minute)))}\n")
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SUBJECTS = Beemon, Appended, Bare


def _bytes_rows(folder: Path) -> Iterator[Row]:
    """Bytes at the device: of the commits alone, and with all that the kernel writes in a minute.

    The kernel also writes the times of the files and, for SQLite, the pages of the index of its
    log (``-shm``) that changed.
    """
    ours, appended, bare = (_kilobytes(make, folder) for make in SUBJECTS)
    name = "  the same, at the disk"
    yield Row(name, ours, "kB", target=KILOBYTES_TARGET)
    yield Row(name, ours, "kB", "bare SQLite", bare, ours / bare)
    yield Row(name, ours, "kB", "append and sync", appended, ours / appended, BYTES_TARGET)
    ours, appended, bare = (_kilobytes(make, folder, idle=True) for make in SUBJECTS)
    name = "  with what the kernel adds each minute"
    yield Row(name, ours, "kB", "bare SQLite", bare, ours / bare)
    yield Row(name, ours, "kB", "append and sync", appended, ours / appended)
    ours, appended = (each * MINUTES_A_DAY / 1e3 for each in (ours, appended))
    yield Row("  a day of that", ours, "MB", "append and sync", appended, ours / appended)
    name = f"  a card of {CARD_BYTES / 1e12:.0f} TBW, each byte written {AMPLIFICATION} times"
    ours, appended = _years(ours), _years(appended)
    yield Row(name, ours, "years", "append and sync", appended, ours / appended)


def _years(megabytes_a_day: float) -> float:
    """How long the card lasts."""
    return CARD_BYTES / (megabytes_a_day * 1e6 * AMPLIFICATION * 365.25)


def _kilobytes(
    make: type[Beemon | Appended | Bare], folder: Path, *, idle: bool = False
) -> float:
    """What one minute's batch writes to the device, in the mean of many.

    ``idle``: nothing else happens in the minute, so that the kernel writes all it holds.
    """
    with small_disk(folder) as disk:
        subject = make(disk.folder)
        for minute in range(WARM_UP):
            subject(minute)
        before = disk.bytes_written()
        for minute in range(WARM_UP, WARM_UP + BATCHES_FOR_BYTES):
            subject(minute)
            if idle:
                disk.write_back()
        written = disk.bytes_written() - before
        subject.close()
    return written / BATCHES_FOR_BYTES / 1e3


def _time_row(name: str, ours: list[float], bare: list[float], target: float | None) -> Row:
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    return Row(name, statistics.median(ours), "ms", "bare SQLite", statistics.median(bare), ratio,
               target)


def _in_turns(ours: Beemon, bare: Bare, minute: int) -> tuple[float, float]:
    readings = ours.measured(minute)
    return _timed(lambda: ours.end(minute, readings)), _timed(lambda: bare(minute))


def _timed(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


class _Clock:
    """The time of the minute that is entered."""

    def __init__(self) -> None:
        self.at = _stamp(0)

    def now(self) -> Moment:
        """The moment of the last stamp."""
        return Moment(self.at.utc_us, self.at.monotonic)

    def stamp(self) -> Stamp:
        """The same, with the quality of the clock."""
        return self.at

    def boot_id(self) -> str:
        """The name of a boot."""
        return "a-boot"


def _stamp(minute: int) -> Stamp:
    return Stamp(BEGAN_US + minute * US_PER_MINUTE, minute * 60.0, Quality.SYNCHRONISED)


def _values(minute: int) -> list[float]:
    """Numbers with three decimals that are never the same twice."""
    return [(minute * 7919 + number * 104_729) % 100_003 / 1000 for number in range(SENSORS)]
