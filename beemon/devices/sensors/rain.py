"""A tipping-bucket rain gauge on a GPIO pin: a magnet passes a reed contact at each tip.

How much rain a tip is depends on the gauge; it is on its data sheet, or is found by pouring a
known volume through it: millimetres = millilitres / (area of the funnel in cm²) x 10 / tips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from beemon.devices._base import Measurement, Sensor
from beemon.devices.sensors._switch import Counter, SwitchSettings
from beemon.options import duration, option


@dataclass(frozen=True, kw_only=True)
class Settings(SwitchSettings):
    """A rain gauge's options."""

    mm_per_tip: float = option(
        minimum=0.001, maximum=100.0, doc="how much rain one tip of the bucket is, in mm"
    )
    debounce: float = option(
        0.02, parse=duration, doc="how long the contact must be closed or open, to be no bounce"
    )


class Driver(Sensor):
    """The rain since the read before; ``interval`` are the seconds in which it fell."""

    crew = "gpio"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._counter = Counter(settings, settings.debounce)

    def open(self) -> None:
        self._counter.open()

    def close(self) -> None:
        self._counter.close()

    def read(self) -> Sequence[Measurement]:
        tips, interval = self._counter.take()
        return [
            Measurement("rain", round(tips * self.settings.mm_per_tip, 6), "mm", raw=tips),
            Measurement("interval", interval, "s"),
        ]
