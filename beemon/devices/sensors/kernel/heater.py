"""The heater within an SHT4x, which dries it (Documentation/hwmon/sht4x.rst).

In a hive the humidity sensor gets wet and then measures 100 % for days. A pulse of its heater (200
mW for 1 s) removes the water. The data sheet allows the heater at most a tenth of the time.
Readings in the minute after a pulse come from a warm chip, so they have the quality ``heated``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from beemon.devices._base import DeviceError, DeviceMissingError, Measurement, Refusal
from beemon.devices.sensors._sysfs import write_text

COOL_SECONDS = 60.0
"""For how long after a pulse readings are of a warm chip."""


class Heater:
    """Gives a pulse where the humidity is at least ``above`` %, one ``every`` seconds at most."""

    def __init__(
        self, above: float, every: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._above, self._every = above, every
        self._monotonic = monotonic
        self._heated_at = -math.inf

    @property
    def quality(self) -> str:
        """The quality of a measurement made now."""
        return "heated" if self._monotonic() < self._heated_at + COOL_SECONDS else "good"

    def look(self, chip: Path, humidity: float | None) -> Measurement | Refusal:
        """Heat if it is time to; ``heater`` is then 1, or has the reason why it failed."""
        wet = humidity is not None and humidity >= self._above
        if not wet or self._monotonic() < self._heated_at + self._every:
            return Measurement("heater", 0.0, "")
        try:
            self._pulse(chip / "heater_enable")
        except DeviceError as error:
            return Refusal("heater", "", error.reason, str(error))
        return Measurement("heater", 1.0, "")

    def _pulse(self, switch: Path) -> None:
        if not switch.exists():  # else writing would make a file, were this no sysfs
            raise DeviceMissingError(
                f"{switch.parent} has no {switch.name}: it takes an SHT4x, and Linux 6.13 or later"
            )
        write_text(switch, "1\n")
        self._heated_at = self._monotonic()
