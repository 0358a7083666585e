"""A reading: what a sensor said of one quantity at one moment, as a value or as a reason.

There is no third case and no stand-in number: a reading without a value says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from beemon.clock import Stamp
from beemon.outcomes import REASONS

UNKNOWN_QUANTITY = "reading"
"""Stands for a sensor's quantities, in a reading without a value, until the sensor named them."""


QUALITIES = {
    "good": "as it was measured",
    "heated": "measured while the chip was warm from its own heater",
    "few-samples": "some of the samples were refused; it is the mean of the others",
    "inspection": "measured while the hive was open",
}
"""Every quality that a value can have, and what it means."""


@dataclass(frozen=True)
class Calibration:
    """How a raw number becomes a value: what is above ``zero``, times ``factor``."""

    zero: float
    factor: float

    def value(self, raw: float) -> float:
        """The value of a raw number."""
        return (raw - self.zero) * self.factor


@dataclass(frozen=True)
class Reading:
    """One quantity of one sensor: ``value`` in ``unit``, or the ``reason`` there is none.

    ``at`` is the moment; ``reason`` is a word of :data:`beemon.outcomes.REASONS`, ``quality`` one
    of :data:`QUALITIES`: ``good``, or what should make a reader careful; ``raw`` is what the
    hardware said, where the value was calculated from it, and ``calibration`` the one that was
    used for that.
    """

    sensor: str
    quantity: str
    unit: str
    value: float | None
    reason: str | None
    at: Stamp
    quality: str = "good"
    raw: float | None = None
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a reading has either a value or a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.value} is no reading; say the reason instead")
        if self.reason not in (None, *REASONS) or self.quality not in QUALITIES:
            raise ValueError(f"no such reason or quality: {self.reason or self.quality}")
