"""Weighing: from raw numbers under known weights to a scale's calibration and its uncertainty.

The raw number r of a load cell's converter is linear in the weight: W = (r - z) f. An empty scale
gives the zero z, and a known weight gives the factor f. There is no need to lift a hive: a known
weight added on top of it gives the factor. The zero is then the one measured earlier, or follows
from the known weight of the hive.

All uncertainties are standard uncertainties. They follow the law of propagation of uncertainty
(JCGM 100:2008, "Guide to the expression of uncertainty in measurement", 5.1.2). Zero and factor
come from the same numbers, so their covariance is kept (F.1.2.3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from beemon.base.readings import Calibration
from beemon.base.values import value_class

LEAST_RATIO = 100.0
"""A known weight must move the scale by this many times the movement's uncertainty, so that the
factor is known to 1 % or better."""


class NotMovedError(ValueError):
    """The known weight did not move the scale, or no further than the scale moves by itself."""


@value_class
class Point:
    """The converter's output under one load: the mean ``raw`` number and its standard uncertainty.

    ``noise`` is the standard deviation of a single sample. ``grams`` is the weight on the scale, or
    the weight added, if it is known. ``tolerance`` is the largest error of that weight, in grams.
    """

    raw: float
    uncertainty: float
    noise: float
    grams: float | None = None
    tolerance: float = 0.0

    @property
    def grams_uncertainty(self) -> float:
        """Anything within the tolerance is as likely (JCGM 100:2008, 4.3.7)."""
        return self.tolerance / math.sqrt(3)


class _Input(NamedTuple):
    """An input quantity: its uncertainty, and the derivatives of zero and factor with respect to
    it."""

    uncertainty: float
    of_zero: float
    of_factor: float


def with_weight(zero: Point, weight: Point) -> Calibration:
    """From the empty scale and a known weight on it. Raises :class:`NotMovedError`."""
    grams = _grams(weight)
    moved = _moved(zero, weight)
    factor = grams / moved
    return _calibration(zero.raw, factor, weight.noise, [
        _Input(zero.uncertainty, 1.0, factor / moved),
        _Input(weight.uncertainty, 0.0, -factor / moved),
        _Input(weight.grams_uncertainty, 0.0, 1 / moved),
    ])


def under_load(standing: Point, added: Point, zero: Point | None) -> Calibration:
    """The calibration from the standing hive and a known weight added to it.

    The zero is taken from ``zero``, an empty scale. Without one, it follows from the weight of the
    hive, the ``grams`` of ``standing``. Raises :class:`NotMovedError`.
    """
    grams = _grams(added)
    moved = _moved(standing, added)
    factor = grams / moved
    inputs = [
        _Input(standing.uncertainty, 0.0, factor / moved),
        _Input(added.uncertainty, 0.0, -factor / moved),
        _Input(added.grams_uncertainty, 0.0, 1 / moved),
    ]
    if zero is not None:
        inputs.append(_Input(zero.uncertainty, 1.0, 0.0))
        return _calibration(zero.raw, factor, added.noise, inputs)
    weight = _grams(standing)
    by_factor = weight / factor**2  # the zero is standing.raw - weight / factor
    inputs = [
        known._replace(of_zero=by_factor * known.of_factor + (1.0 if known is inputs[0] else 0.0))
        for known in inputs
    ]
    inputs.append(_Input(standing.grams_uncertainty, -1 / factor, 0.0))
    return _calibration(standing.raw - weight / factor, factor, added.noise, inputs)


def _calibration(
    zero: float, factor: float, noise: float, inputs: Sequence[_Input]
) -> Calibration:
    of_zero = math.fsum((known.of_zero * known.uncertainty) ** 2 for known in inputs)
    of_factor = math.fsum((known.of_factor * known.uncertainty) ** 2 for known in inputs)
    both = math.fsum(known.of_zero * known.of_factor * known.uncertainty**2 for known in inputs)
    return Calibration(
        zero, factor, noise=noise, zero_uncertainty=math.sqrt(of_zero),
        factor_uncertainty=math.sqrt(of_factor), covariance=both,
    )


def _grams(point: Point) -> float:
    if point.grams is None:
        raise ValueError("the weight measured there is not known")
    return point.grams


def _moved(before: Point, after: Point) -> float:
    moved = after.raw - before.raw
    unsure = math.hypot(before.uncertainty, after.uncertainty)
    if abs(moved) <= LEAST_RATIO * unsure:
        raise NotMovedError(
            f"the weight moved the raw number by {moved:.6g}, which is only accurate to "
            f"±{unsure:.2g}"
        )
    return moved
