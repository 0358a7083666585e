"""Every query of the archive's reader, with one year stored and with more.

Where nothing but the number of years differs, so should nothing but an answer of years. The times
are those of the processor: all pages are in memory, and other programs may be running.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import stored
from table import Row

from beemon.base.clock import MACHINE, Moment, Stamp
from beemon.base.moments import US_PER_DAY
from beemon.ledger.reader import ArchiveReader

MOST_MS = 50.0
MOST_RATIO = 1.3
SENSOR, QUANTITY = "sensor.s3", "temperature"
JOBS_AGO = 100_000  # some two months


@dataclass(frozen=True)
class Stock:
    """An archive, its reader, and the moment at which it ends."""

    name: str
    reader: ArchiveReader
    now_us: int
    last_job: int
    run: int

    def since(self, days: int) -> int:
        """So many days before the end."""
        return self.now_us - days * US_PER_DAY


class EndOf:
    """The clock of the moment at which an archive ends."""

    boot_id = staticmethod(MACHINE.boot_id)

    def __init__(self, utc_us: int) -> None:
        self._utc_us = utc_us

    def now(self) -> Moment:
        """That moment, but the monotonic time of this machine, for deadlines."""
        return Moment(self._utc_us, MACHINE.now().monotonic)

    def stamp(self) -> Stamp:
        """The same for a record."""
        return Stamp(*self.now(), MACHINE.stamp().quality)


Query = Callable[[Stock], object]

QUERIES: dict[str, Query] = {
    "job, of two months ago": lambda a: a.reader.job(a.last_job - JOBS_AGO),
    "jobs 20": lambda a: a.reader.jobs(20),
    "jobs 1000": lambda a: a.reader.jobs(1000),
    "has_done_work": lambda a: a.reader.has_done_work(a.run),
    "recordings of a day": lambda a: a.reader.recordings(a.since(2), a.since(1)),
    "recordings of a day, one device": lambda a: a.reader.recordings(
        a.since(2), a.since(1), stored.MICROPHONE
    ),
    "latest": lambda a: a.reader.latest(),
    "quantities": lambda a: a.reader.quantities(SENSOR),
    "history of a day": lambda a: a.reader.history(SENSOR, QUANTITY, a.since(1)),
    "history of 30 days": lambda a: a.reader.history(SENSOR, QUANTITY, a.since(30)),
    "calibrations": lambda a: a.reader.calibrations(()),
    "events of a day": lambda a: a.reader.events(a.since(1), 1000, None),
    "events of a week, one kind": lambda a: a.reader.events(a.since(7), 1000, "clock"),
    "event_kinds": lambda a: a.reader.event_kinds(),
    "changes, the first page": lambda a: a.reader.changes(None),
    "changes, the last page": lambda a: _last_changes(a),
    "usage": lambda a: a.reader.usage(),
    "completeness of a day": lambda a: a.reader.completeness(a.since(1)),
    "completeness of 30 days": lambda a: a.reader.completeness(a.since(30)),
}
OF_A_YEAR: dict[str, Query] = {
    "history of a year": lambda a: a.reader.history(SENSOR, QUANTITY, a.since(365)),
    "completeness of a year": lambda a: a.reader.completeness(a.since(365)),
}


def measure(archives: Mapping[str, Path], rounds: int) -> Iterator[Row]:
    """Each query of each archive in turns; the first is the one that others are compared with."""
    stocks = [_open(name, archive) for name, archive in archives.items()]
    try:
        for name, query in (QUERIES | OF_A_YEAR).items():
            yield from _rows(name, query, stocks, rounds)
    finally:
        for stock in stocks:
            stock.reader.close()


def _rows(name: str, query: Query, stocks: Sequence[Stock], rounds: int) -> Iterator[Row]:
    times: list[list[float]] = [[] for _ in stocks]
    for _ in range(rounds + 1):  # the first of each fills the caches
        for stock, taken in zip(stocks, times, strict=True):
            began = time.thread_time()
            query(stock)
            taken.append((time.thread_time() - began) * 1e3)
    first, *others = (statistics.median(taken[1:]) for taken in times)
    few, *more = stocks
    yield Row(f"{name}, {few.name}", first, "ms", target=_most(name))
    for stock, median in zip(more, others, strict=True):
        yield Row(f"  {stock.name}", median, "ms", target=_most(name))
        yield Row("", median, "ms", few.name, first, median / first, MOST_RATIO)


def _most(name: str) -> float | None:
    return None if name in OF_A_YEAR else MOST_MS


def _open(name: str, archive: Path) -> Stock:
    now_us = stored.until_us(archive)
    reader = ArchiveReader(archive, EndOf(now_us))
    with reader.one_moment() as ledger:
        (run,) = ledger.db.execute("SELECT max(run) FROM runs").fetchone()
    return Stock(name, reader, now_us, reader.jobs(1)[0].job, run)


def _last_changes(stock: Stock) -> object:
    """As a reader asks that follows the archive, 1,000 changes behind."""
    cursor = stock.reader.changes(None).cursor
    with stock.reader.one_moment() as ledger:
        (latest,) = ledger.db.execute("SELECT max(change) FROM changes").fetchone()
    page = type(cursor)(cursor.ledger, latest - 1000)
    return stock.reader.changes(page)
