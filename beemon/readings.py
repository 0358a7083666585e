"""A reading: what a sensor said of one quantity at one moment, as a value or as a reason.

There is no third case and no stand-in number: a reading without a value says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from beemon.clock import Stamp

UNKNOWN_QUANTITY = "reading"
"""Stands for a sensor's quantities, in a reading without a value, until the sensor named them."""


@dataclass(frozen=True)
class Reading:
    """One quantity of one sensor: ``value`` in ``unit``, or the ``reason`` there is none.

    ``at`` is the moment; ``quality`` is of the value: ``good``, or what should make a reader
    careful; ``raw`` is what the hardware said, where the value was calculated from it, and
    ``calibration`` the number of the calibration that did so.
    """

    sensor: str
    quantity: str
    unit: str
    value: float | None
    reason: str | None
    at: Stamp
    quality: str = "good"
    raw: float | None = None
    calibration: int | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a reading has either a value or a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.value} is no reading; say the reason instead")
