"""A reading: one quantity of a sensor at one moment, as a value or as a reason for its absence.

There is no third case and no substitute number: a reading without a value has a reason.
"""

from __future__ import annotations

import math

from beemon.base.clock import Stamp
from beemon.base.explanation import Explanation
from beemon.base.outcomes import REASONS
from beemon.base.values import value_class

UNKNOWN_QUANTITY = "reading"
"""Stands for a sensor's quantities, in a reading without a value, until the sensor named them."""

WEIGHT, GRAMS = "weight", "g"
"""The quantity and the unit into which a calibration converts a converter's number."""

MODELLED = "modelled"
"""The quality of a value that nobody measured at the hive."""

QUALITIES = {
    "good": Explanation(
        "measured as usual",
        "Use it.",
    ),
    "heated": Explanation(
        "measured while the chip was warm from its own heater",
        "Leave it out, or use the next one: `beemon readings SENSOR`.",
    ),
    "few-samples": Explanation(
        "the mean of some samples only, because the others were invalid",
        "Use it with care. If it happens often, check the sensor's wires.",
    ),
    MODELLED: Explanation(
        "calculated by a model of the weather, or for another place: not measured at the hive",
        "Use it with care: it can differ from the weather at the hive by several degrees.",
    ),
    "estimated": Explanation(
        "calculated from pictures by a method that was measured on simulated bees alone",
        "Use it to compare times of the same camera, not as an exact number.",
    ),
    "inspection": Explanation(
        "measured while the hive was open",
        "Leave it out of calculations about the bees.",
    ),
}
"""Every quality that a value can have."""


@value_class
class Calibration:
    """The conversion of a raw number to a value: (raw - ``zero``) times ``factor``.

    One that was measured (``beemon calibrate``) also has the ``job`` that made it, and the standard
    deviation of one raw sample (``noise``). It has the standard uncertainties of ``zero`` (raw) and
    ``factor``, and their ``covariance``. A calibration in the config has none of these.
    """

    zero: float
    factor: float
    job: int | None = None
    noise: float | None = None
    zero_uncertainty: float | None = None
    factor_uncertainty: float | None = None
    covariance: float = 0.0

    def value(self, raw: float) -> float:
        """The value of a raw number."""
        return (raw - self.zero) * self.factor

    def uncertainty(self, raw: float, raw_uncertainty: float | None) -> float | None:
        """The standard uncertainty of the value of a raw number, in the value's unit.

        The value is W = (r - z) f. By the law of propagation of uncertainty for correlated input
        quantities (JCGM 100:2008, 5.2.2, equation 13; annex H.3 is such a calibration curve):

            u²(W) = f² u²(r) + f² u²(z) + (r - z)² u²(f) - 2 f (r - z) u(z, f)

        Without an uncertainty of the calibration or of the raw number, there is no result (None).
        """
        known = self.zero_uncertainty, self.factor_uncertainty, raw_uncertainty
        if known[0] is None or known[1] is None or known[2] is None:
            return None
        above = raw - self.zero
        variance = (
            (self.factor * known[2]) ** 2 + (self.factor * known[0]) ** 2
            + (above * known[1]) ** 2 - 2 * self.factor * above * self.covariance
        )
        return math.sqrt(max(0.0, variance))


@value_class
class Sampled:
    """One quantity of a converter over many samples.

    ``value`` is their trimmed mean in ``unit``, and ``raw`` that of the raw numbers. ``raw`` has a
    standard uncertainty, and a single raw number the standard deviation ``noise``. ``spread``, in
    ``unit``, is the larger of two numbers. One is the standard deviation of the samples without
    outliers. The other is the difference between the medians of the earlier and the later half.
    """

    quantity: str
    unit: str
    value: float
    raw: float
    uncertainty: float
    noise: float
    spread: float
    samples: int


@value_class
class Reading:
    """One quantity of one sensor: ``value`` in ``unit``, or the ``reason`` why there is none.

    ``at`` is the time. ``reason`` is a word of ``outcomes.REASONS``. ``quality`` is one of
    :data:`QUALITIES`: ``good``, or a warning to the reader. If the value was calculated, ``raw`` is
    the number from the hardware, and ``calibration`` the calibration used. ``uncertainty`` is the
    value's standard uncertainty in ``unit``, if it is known.
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
    uncertainty: float | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a reading has either a value or a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.value} is no reading; say the reason instead")
        if self.reason not in (None, *REASONS) or self.quality not in QUALITIES:
            raise ValueError(f"no such reason or quality: {self.reason or self.quality}")
