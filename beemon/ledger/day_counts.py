"""The calendar: the scheduled jobs of each local day, those done, and why others were not."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import date, tzinfo

from beemon.base.moments import US_PER_DAY
from beemon.base.outcomes import Outcome
from beemon.ledger import days
from beemon.ledger.counts import OPEN, Counts
from beemon.ledger.local_days import local_days
from beemon.protocol.views import Calendar, DayCount

MOST_DAYS = 400


def calendar(db: sqlite3.Connection, count: int, now_us: int, zone: tzinfo) -> Calendar:
    """The last ``count`` days, up to today, of all devices together."""
    count = min(count, MOST_DAYS)
    local = list(local_days(now_us - count * US_PER_DAY, now_us + 1, zone, count))
    counts = days.of_each(db, local)
    return Calendar(tuple(
        _described(day.day, one) for day, one in zip(local, counts, strict=True)
    ))


def _described(day: date, counts: Counts) -> DayCount:
    due, done, reasons = 0, 0, Counter[str]()
    for states in counts.devices.values():
        for (outcome, reason), slots in (+states).items():
            due += slots
            done += slots if outcome == Outcome.DONE else 0
            if outcome != Outcome.DONE:
                reasons[reason or (OPEN if outcome == OPEN else outcome)] += slots
    return DayCount(str(day), due, done, dict(reasons.most_common()))
