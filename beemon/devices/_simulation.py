"""What the simulated devices share: their options, and a stream paced by the real clock."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from threading import Event

from beemon.devices._faults import FaultSettings
from beemon.options import option


@dataclass(frozen=True, kw_only=True)
class SimulatedSettings(FaultSettings):
    """The options of every simulated device; the same seed gives the same hive."""

    seed: int = option(1, minimum=0, maximum=2**32 - 1, doc="which hive is simulated")
    speed: float = option(
        1.0, minimum=0.1, maximum=100_000.0, doc="seconds of hive for one real second"
    )


class Stream:
    """Numbered items (samples, frames) of which ``rate`` are due in each second of hive.

    Item 0 is due when the stream is made; an item that was waited for is never early.
    """

    def __init__(self, rate: float, speed: float) -> None:
        self._pace = rate * speed
        self._origin = time.monotonic()

    def next_due(self) -> int:
        """The number of the first item that is not yet due."""
        return math.ceil((time.monotonic() - self._origin) * self._pace)

    def utc_us(self, number: int) -> int:
        """When an item was or will be due, by what the wall clock says now."""
        return time.time_ns() // 1000 + round(self._seconds_until(number) * 1e6)

    def wait(self, number: int, cancelled: Event) -> None:
        """Return when an item is due, or ``cancelled`` is set."""
        seconds = self._seconds_until(number)
        if seconds > 0:
            cancelled.wait(seconds)

    def _seconds_until(self, number: int) -> float:
        return self._origin + number / self._pace - time.monotonic()
