"""Metering: the bytes that a metered link may carry each day, and the hours at which it may."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from beemon.base import zone
from beemon.base.clock import MACHINE, Clock
from beemon.base.moments import US_PER_MINUTE, to_datetime
from beemon.uplink import kept
from beemon.uplink.options import UplinkSettings

log = logging.getLogger(__name__)

_SAVE_BYTES = 1_000_000
"""Bytes that are counted before the count is saved. A power cut forgets no more than these, or than
a twentieth of the budget."""
_DAYS = 4
"""The number of days whose counts are kept: a clock that is wrong after a start comes back."""


class Meter:
    """Counts what all destinations send on a day of the hive's own clock; usable by any thread.

    Only recordings and history have to ask; the newest state is sent at any time, and counted.
    """

    def __init__(self, file: Path, settings: UplinkSettings, clock: Clock = MACHINE) -> None:
        self._settings, self._clock = settings, clock
        self._keeper = kept.Keeper(file, "after a restart, today's count begins again")
        self._mutex = threading.Lock()
        found = kept.read(file).get("days")
        self._days = {
            day: count for day, count in (found if isinstance(found, dict) else {}).items()
            if isinstance(count, int)
        }
        budget = settings.daily_budget
        # Without any budget there is nothing to overdraw, and each save wears the card.
        self._most_unsaved = min(_SAVE_BYTES, budget / 20) if budget else _SAVE_BYTES
        self._unsaved = 0
        self._day = (-1, "")

    @property
    def sent_today(self) -> int:
        """The bytes that were sent since midnight."""
        with self._mutex:
            return self._days.get(self._today(), 0)

    def left(self) -> float:
        """The bytes that recordings and history may use now; infinite without a budget."""
        hours, now_us = self._settings.hours, self._clock.now().utc_us
        if hours and not any(one.end_us(now_us, zone.local()) for one in hours):
            return 0.0
        budget = self._settings.daily_budget
        return float("inf") if budget is None else max(0.0, budget - self.sent_today)

    def may_send(self, count: int = 1) -> bool:
        """Whether recordings or history of this many bytes may be sent now."""
        return self.left() >= count

    def count(self, count: int) -> None:
        """Count bytes that were sent."""
        with self._mutex:
            day = self._today()
            self._days[day] = self._days.pop(day, 0) + count
            while len(self._days) > _DAYS:
                del self._days[next(iter(self._days))]  # the one that was used least lately
            self._unsaved += count
            if self._unsaved >= self._most_unsaved:
                self._save()

    def close(self) -> None:
        """Save the count."""
        with self._mutex:
            if self._unsaved:
                self._save()

    def _today(self) -> str:
        """The day of the hive's zone, looked up once a minute: each message is counted."""
        minute = self._clock.now().utc_us // US_PER_MINUTE
        if self._day[0] != minute:
            found = to_datetime(minute * US_PER_MINUTE, zone.local()).date()
            self._day = minute, found.isoformat()
        return self._day[1]

    def _save(self) -> None:
        if not self._keeper.keep({"days": self._days}):
            log.warning("the count of bytes was not saved: %s", self._keeper.trouble)
        self._unsaved = 0
