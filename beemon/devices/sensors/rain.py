"""A tipping-bucket rain gauge on a GPIO pin: a magnet passes a reed contact at each tip.

The amount of rain per tip depends on the gauge. Take it from the data sheet, or pour a known volume
through the gauge and count the tips. The millimetres per tip are then

    millilitres / (area of the funnel in cm²) x 10 / tips
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

    It measures ``rain``, in mm since the previous reading, and ``interval``, the time in seconds
    that the rain covers.

        [sensor.rain]
        driver = "rain"
        pin = 23
        mm_per_tip = 0.2794
    """

    mm_per_tip: float = option(
        minimum=0.001, maximum=100.0,
        doc="rain per tip of the bucket, in mm, from the gauge's data sheet: 0.2794 or 0.2 for "
        "many gauges",
    )
    debounce: float = option(
        0.02, parse=duration, doc="debounce time: shorter changes are ignored"
    )
    blocked_after: float | None = option(
        3600.0, parse=duration, doc="time after which a closed contact counts as a stuck gauge"
    )


class Driver(CountingSensor):
    """The rain since the read before; ``interval`` are the seconds in which it fell."""

    settings: Settings

    def read(self) -> Sequence[Measurement | Refusal]:
        return self._counter.take("rain", "mm", self.settings.mm_per_tip)
