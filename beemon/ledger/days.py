"""Days: the counts of each past day (UTC), so that a long span is a sum of days and its two ends.

Triggers (:mod:`beemon.ledger.schema`) delete the counts of a day, and note the day, within the
transaction that changes a job or a skipped slot of it. A day without counts is counted by its rows.
So neither a power cut nor a damaged row makes a sum wrong, only slower.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from beemon.base.moments import US_PER_DAY
from beemon.ledger import rows
from beemon.ledger.counts import AFTER_ALL_US, Counts, long_skips
from beemon.ledger.ledger import Ledger

if TYPE_CHECKING:
    from beemon.ledger.local_days import LocalDay

_EPOCH = date(1970, 1, 1).toordinal()
_FIRST = 1  # a division of times before 1970 rounds up
_HAS_DAYS = "SELECT 1 FROM temp.sqlite_master WHERE name = 'sound_days'"

_Kept = tuple[int, Counts]


def count(db: sqlite3.Connection, since_us: int, *, by_rows: bool = False) -> Counts:
    """The counts of all slots later than ``since_us``; ``by_rows``, without those of whole days."""
    counts = Counts()
    after_us = since_us
    for day, kept in () if by_rows else _kept(db, since_us):
        if after_us < day * US_PER_DAY - 1:
            counts.add_rows(db, after_us, day * US_PER_DAY)
        _add(counts, kept)
        after_us = (day + 1) * US_PER_DAY - 1
    counts.add_rows(db, after_us)
    for skip in long_skips(db, since_us):
        counts.add_skip(skip, since_us, skip.last_us)
    return counts


def of_each(db: sqlite3.Connection, local: Sequence[LocalDay]) -> list[Counts]:
    """The counts of consecutive local days.

    They are those of the UTC day of the same date, less and more what lies between its midnights
    and those of the local day.
    """
    if not local:
        return []
    from_us = local[0].from_us
    kept, skips = dict(_kept(db, from_us - US_PER_DAY)), long_skips(db, from_us - 1)
    found, head = [], _edge(db, from_us, _utc_day(local[0]))
    for one in local:
        tail = _edge(db, one.until_us, _utc_day(one) + 1)
        counts = kept.get(_utc_day(one))
        if counts is None:
            counts = Counts()
            counts.add_rows(db, one.from_us - 1, one.until_us)
        else:
            _add(counts, head)
            _add(counts, tail, -1)
        for skip in skips:
            counts.add_skip(skip, one.from_us - 1, one.until_us - 1)
        found.append(counts)
        head = tail
    return found


def _utc_day(local: LocalDay) -> int:
    """The UTC day of the same date, in days since 1970."""
    return local.day.toordinal() - _EPOCH


def _edge(db: sqlite3.Connection, local_us: int, utc_day: int) -> Counts:
    """The counts between a local midnight and that of UTC; negative if that one is the earlier."""
    utc_us, rows_between, edge = utc_day * US_PER_DAY, Counts(), Counts()
    rows_between.add_rows(db, min(local_us, utc_us) - 1, max(local_us, utc_us))
    _add(edge, rows_between, 1 if local_us < utc_us else -1)
    return edge


def reckon(ledger: Ledger, now_us: int) -> bool:
    """Count one of the days that changed and are over, within a transaction.

    Return whether more may be waiting.
    """
    (day,) = ledger.db.execute(
        "SELECT max(day) FROM uncounted WHERE day >= ? AND day < ?", (_FIRST, now_us // US_PER_DAY)
    ).fetchone()
    if day is None:
        return False
    counts = Counts()
    counts.add_rows(ledger.db, day * US_PER_DAY - 1, (day + 1) * US_PER_DAY)
    ledger.db.execute("INSERT OR REPLACE INTO days VALUES (?, ?)", (day, _to_text(counts)))
    ledger.db.execute("DELETE FROM uncounted WHERE day = ?", (day,))
    return True


def _kept(db: sqlite3.Connection, since_us: int) -> list[_Kept]:
    """The counts of whole days later than a time, in their order; those that can be read."""
    if not db.execute(_HAS_DAYS).fetchone():  # the ledger of an older beemon
        return []
    found = db.execute(
        "SELECT day, counts FROM sound_days WHERE day >= ? AND day < ? ORDER BY day",
        (max(_FIRST, since_us // US_PER_DAY + 1), AFTER_ALL_US // US_PER_DAY),
    )
    return list(rows.readable(found, _of_row))


def _add(counts: Counts, more: Counts, times: int = 1) -> None:
    for device, states in more.devices.items():
        for state, slots in states.items():
            counts.devices[device][state] += times * slots
    for outcome, jobs in more.unslotted.items():
        counts.unslotted[outcome] += times * jobs


def _to_text(counts: Counts) -> str:
    devices = {
        device: [[*state, slots] for state, slots in states.items()]
        for device, states in counts.devices.items()
    }
    return json.dumps({"devices": devices, "unslotted": counts.unslotted})


def _of_row(row: sqlite3.Row) -> _Kept:
    """Raises one of :data:`~beemon.ledger.rows.UNREADABLE`."""
    told = rows.parse(row["counts"])
    counts = Counts(unslotted=Counter(told["unslotted"]))
    for device, states in told["devices"].items():
        for outcome, reason, slots in states:
            counts.devices[device][outcome, reason] += slots
    return row["day"], counts
