"""The calendar: the scheduled jobs of each day (UTC), those done, and why others were not."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import date, timedelta

from beemon.base.moments import US_PER_DAY
from beemon.base.outcomes import Outcome
from beemon.ledger import days
from beemon.ledger.counts import OPEN, Counts
from beemon.protocol.views import Calendar, DayCount

MOST_DAYS = 400
_EPOCH = date(1970, 1, 1)


def calendar(db: sqlite3.Connection, count: int, now_us: int) -> Calendar:
    """The last ``count`` days, up to today, of all devices together."""
    today = now_us // US_PER_DAY
    first = max(0, today - min(count, MOST_DAYS) + 1)
    return Calendar(tuple(
        _described(day, counts) for day, counts in days.of_each(db, first, today)
    ))


def _described(day: int, counts: Counts) -> DayCount:
    due, done, reasons = 0, 0, Counter[str]()
    for states in counts.devices.values():
        for (outcome, reason), slots in states.items():
            due += slots
            done += slots if outcome == Outcome.DONE else 0
            if outcome != Outcome.DONE:
                reasons[reason or (OPEN if outcome == OPEN else outcome)] += slots
    return DayCount(str(_EPOCH + timedelta(days=day)), due, done, dict(reasons.most_common()))
