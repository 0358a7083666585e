"""Common parts of simulated devices: options, a recorder, and a stream paced by the real clock."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from threading import Event

from beemon.base.options import option
from beemon.devices._base import DeviceError, Recorder
from beemon.devices._faults import Faults, FaultSettings


@dataclass(frozen=True, kw_only=True)
class SimulatedSettings(FaultSettings):
    """The options of every simulated device; the same seed gives the same hive."""

    seed: int = option(
        1, minimum=0, maximum=2**32 - 1, doc="which hive is simulated", for_tests=True
    )
    speed: float = option(
        1.0, minimum=0.1, maximum=100_000.0, doc="seconds of hive for one real second",
        for_tests=True,
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

    def due(self, number: int) -> float:
        """When an item was or will be due, in seconds of the monotonic clock."""
        return self._origin + number / self._pace

    def wait(self, number: int, cancelled: Event) -> None:
        """Return when an item is due, or ``cancelled`` is set."""
        seconds = self._seconds_until(number)
        if seconds > 0:
            cancelled.wait(seconds)

    def _seconds_until(self, number: int) -> float:
        return self.due(number) - time.monotonic()


class SimulatedRecorder(Recorder):
    """A recorder of a stream, with faults on request; the stream begins again at each opening."""

    settings: SimulatedSettings

    def __init__(self, settings: SimulatedSettings) -> None:
        super().__init__(settings)
        self._faults = Faults(settings)
        self._stream: Stream | None = None
        self._end: int | None = None
        self._is_dead = False

    def close(self) -> None:
        self._stream = None

    def _begin_stream(self, rate: float) -> None:
        self._stream = Stream(rate, self.settings.speed)
        self._end = None

    def _is_to_fail(self) -> bool:
        """Count a request; whether its fault is to be shown. A dead device continues as if well."""
        strikes = self._faults.strikes()
        self._is_dead = strikes and self.settings.fault == "dead"
        return strikes and not self._is_dead

    def _opened(self) -> Stream:
        if self._stream is None:
            raise DeviceError(f"{self.settings.name} is not open")
        return self._stream

    def _first(self, stream: Stream, *, follows: bool) -> int:
        """The number at which a recording begins: now, or where the one before it ended."""
        return self._end if follows and self._end is not None else stream.next_due()
