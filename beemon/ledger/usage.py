"""Usage: the disk space that each day took, from the ledger."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from pathlib import Path

from beemon.base.moments import US_PER_DAY
from beemon.base.values import value_class
from beemon.ledger import wal
from beemon.ledger.ledger import LOG_BYTES, NAME

MOST_DAYS = 7

_RECORDINGS = (
    "SELECT device, size, start_us FROM recordings"
    " WHERE clock <> 'unsure' AND start_us > ? AND start_us <= ?"
)


@value_class
class Usage:
    """A number of bytes in a number of days."""

    bytes: int
    days: float

    @property
    def bytes_a_day(self) -> float:
        """The mean."""
        return self.bytes / self.days


def recordings(db: sqlite3.Connection, now_us: int) -> dict[str, Usage]:
    """The bytes recorded by each device in the last days, if there is at least one day."""
    sizes: dict[str, int] = defaultdict(int)
    first: dict[str, int] = {}
    since = now_us - MOST_DAYS * US_PER_DAY
    for device, size, start_us in db.execute(_RECORDINGS, (since, now_us)):
        sizes[device] += size
        first[device] = min(start_us, first.get(device, start_us))
    spans = {device: (now_us - start) / US_PER_DAY for device, start in first.items()}
    return {name: Usage(sizes[name], days) for name, days in spans.items() if days >= 1}


def ledger(db: sqlite3.Connection, archive: Path, now_us: int) -> Usage | None:
    """The bytes of the ledger since its first run, if that is at least a day ago.

    It includes the part of the log beyond its usual length.
    """
    (started_us,) = db.execute(
        "SELECT min(started_us) FROM runs WHERE clock <> 'unsure'"
    ).fetchone()
    days = 0.0 if started_us is None else (now_us - started_us) / US_PER_DAY
    too_long = max(0, wal.size(archive) - LOG_BYTES)
    size = (archive / NAME).stat().st_size + too_long
    return Usage(size, days) if days >= 1 else None
