"""Tilts: sees in the readings when a hive was moved or fell over, and has its day looked at.

The readings before a start are not known here, so the first minute of a run is a reason to look,
too. It shows a hive that fell while the service was stopped. The look enters only new findings.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from beemon.base.clock import Quality
from beemon.base.moments import US_PER_SECOND
from beemon.base.readings import Reading
from beemon.ledger.looks import Looks

if TYPE_CHECKING:
    from beemon.insights.hive_day import Value

LOOK = "tilt"
"""The name of its look at the data."""
TILT = "tilt"
"""The quantity that it looks at."""
LATEST = 40
"""The number of readings that it remembers of each sensor."""


class Tilts:
    """``hurry`` is called with the time, in microseconds since 1970, of the reading that shows a
    change."""

    def __init__(self, looks: Looks, hurry: Callable[[int], None]) -> None:
        self._looks, self._hurry = looks, hurry
        self._latest: dict[str, deque[Value]] = defaultdict(lambda: deque(maxlen=LATEST))
        self._begun: dict[str, float] = {}
        self._sunk: set[str] = set()

    def take(self, readings: Iterable[Reading]) -> None:
        """Take the readings of a command, among them perhaps some of an accelerometer."""
        for reading in readings:
            if self._looks.guard(LOOK, partial(self._is_news, reading), otherwise=False):
                self._hurry(reading.at.utc_us)

    def _is_news(self, reading: Reading) -> bool:
        if reading.quantity != TILT or reading.value is None:
            return False
        if reading.at.quality is Quality.UNSURE:  # its time is corrected later
            return False
        from beemon.insights.hive_day import Value  # READY does not wait for it

        value = Value(reading.at.utc_us / US_PER_SECOND, reading.value)
        self._latest[reading.sensor].append(value)
        ends = self._ends_first_minute(reading.sensor, value)
        return self._shows_change(reading.sensor, value) or ends

    def _ends_first_minute(self, sensor: str, value: Value) -> bool:
        """Whether the sensor has now been measured for a minute, for the first time in this run."""
        from beemon.insights.tilt import LONG

        begun = self._begun.setdefault(sensor, value.at)
        if value.at < begun + LONG:
            return False
        self._begun[sensor] = math.inf
        return True

    def _shows_change(self, sensor: str, value: Value) -> bool:
        """Whether it shows a change. A tilt about the limit shows a slow one only once."""
        from beemon.insights.tilt import UPRIGHT, changes_of

        if value.value < UPRIGHT:
            self._sunk.discard(sensor)
        changes = [
            change for change in changes_of(list(self._latest[sensor])) if change.told == value.at
        ]
        news = [change for change in changes if not (change.is_slow and sensor in self._sunk)]
        self._sunk |= {sensor for change in changes if change.is_slow}
        return bool(news)
