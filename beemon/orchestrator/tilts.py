"""Tilts: sees in the readings when a hive was moved or fell over, and has its day looked at."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

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

    def take(self, readings: Iterable[Reading]) -> None:
        """Take the readings of a command, among them perhaps some of an accelerometer."""
        for reading in readings:
            if self._looks.guard(LOOK, partial(self._is_news, reading), otherwise=False):
                self._hurry(reading.at.utc_us)

    def _is_news(self, reading: Reading) -> bool:
        if reading.quantity != TILT or reading.value is None:
            return False
        from beemon.insights.hive_day import Value  # READY does not wait for it
        from beemon.insights.tilt import changes_of

        latest = self._latest[reading.sensor]
        latest.append(Value(reading.at.utc_us / US_PER_SECOND, reading.value))
        return any(change.told == latest[-1].at for change in changes_of(list(latest)))
