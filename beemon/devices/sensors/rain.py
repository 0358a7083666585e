"""A tipping-bucket rain gauge on a GPIO pin: a magnet passes a reed contact at each tip.

How much rain a tip is depends on the gauge; it is on its data sheet, or is found by pouring a
known volume through it: millimetres = millilitres / (area of the funnel in cm²) x 10 / tips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from beemon.base.options import duration, option
from beemon.devices._base import Measurement, Refusal
from beemon.devices.sensors._switch import CounterSettings, CountingSensor


@dataclass(frozen=True, kw_only=True)
class Settings(CounterSettings):
    """A tipping-bucket rain gauge on a pin.

    It gives ``rain``, in mm since the reading before, and ``interval``, the seconds in which it
    fell.
    """

    mm_per_tip: float = option(
        minimum=0.001, maximum=100.0,
        doc="how much rain one tip of the bucket is, in mm. Its data sheet says so: 0.2794 or 0.2 "
        "for many",
    )
    debounce: float = option(
        0.02, parse=duration, doc="how long the contact must be closed or open, to be no bounce"
    )
    blocked_after: float | None = option(
        3600.0, parse=duration, doc="how long the contact may stay closed before the gauge is stuck"
    )


class Driver(CountingSensor):
    """The rain since the read before; ``interval`` are the seconds in which it fell."""

    settings: Settings

    def read(self) -> Sequence[Measurement | Refusal]:
        return self._counter.take("rain", "mm", self.settings.mm_per_tip)
