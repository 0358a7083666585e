"""Drift: the effect of temperature on a scale's weight, from nights when nothing else moves it.

At night the bees are in the hive. They eat and evaporate water, so the hive gets lighter at an even
rate. The rest of the change is the drift of the load cell. To find it, a linear trend is removed
from the weight and from the temperature of each night. The slope, in g/K, is then a least-squares
regression through all nights. Removing both trends first does not change the slope (Frisch and
Waugh, Econometrica 1, 1933). The caller leaves out nights with rain or a step.

HiveControl fits from 50 night samples and a spread of 5 °F (2.8 K). beemon requires this and seven
nights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from beemon.base.values import value_class

LEAST_NIGHTS = 7
LEAST_HOURS = 50
LEAST_SPREAD = 2.8
"""In K, between the coldest hour and the warmest."""
LEAST_R2 = 0.5
NIGHT_HOURS = 5
"""Shorter nights tell nothing: a line takes two of their hours."""
JUMP = 300.0
"""A night whose weight changes by this many grams from one hour to the next had a step."""


class Hour(NamedTuple):
    """The means of an hour of a night: its number, the weight in g, the temperature in °C."""

    hour: int
    grams: float
    celsius: float


class NoFitError(ValueError):
    """The nights do not tell how the weight follows the temperature; the text says why not."""


@value_class
class Fit:
    """A fit: the weight changes by ``slope``, in g/K, with the uncertainty ``slope_uncertainty``.

    At ``reference``, in °C, the mean of the hours, the compensation is zero. ``r2`` is the share of
    the weight's variance in the nights that the temperature explains. ``residual`` is the standard
    deviation of the rest, in g.
    """

    slope: float
    slope_uncertainty: float
    reference: float
    r2: float
    residual: float
    nights: int
    hours: int

    def drift(self, celsius: float) -> float:
        """The grams by which the weight is too high at a temperature."""
        return self.slope * (celsius - self.reference)

    def uncertainty(self, celsius: float, weight_uncertainty: float | None) -> float | None:
        """The standard uncertainty of a compensated weight, in g: that of the weight, of the slope,
        and what the fit leaves open (JCGM 100:2008, 5.1.2); None where the weight's is unknown."""
        if weight_uncertainty is None:
            return None
        by_slope = self.slope_uncertainty * (celsius - self.reference)
        return math.hypot(weight_uncertainty, by_slope, self.residual)


def fit(nights: Sequence[Sequence[Hour]]) -> Fit:
    """The slope through nights, each a series of hours. Raises :class:`NoFitError`."""
    used = [night for night in nights if _is_still(night)]
    hours = [hour for night in used for hour in night]
    _check_enough(used, hours)
    parts = [_levelled(night) for night in used]
    together = math.fsum(_dot(part.grams, part.celsius) for part in parts)
    warmth = math.fsum(_dot(part.celsius, part.celsius) for part in parts)
    weight = math.fsum(_dot(part.grams, part.grams) for part in parts)
    if warmth == 0 or weight == 0:
        raise NoFitError("the nights show only a steady change")
    slope = together / warmth
    rest = max(0.0, weight - slope * together)
    residual = math.sqrt(rest / (len(hours) - 2 * len(used) - 1))
    r2 = 1 - rest / weight
    if r2 < LEAST_R2:
        raise NoFitError(
            f"the temperature explains {r2:.0%} of the weight's changes in {len(used)} nights "
            f"(R²), but {LEAST_R2:.0%} is required; the slope would be {slope:.1f} g/K"
        )
    reference = math.fsum(hour.celsius for hour in hours) / len(hours)
    unsure = _slope_uncertainty(parts, slope, warmth)
    return Fit(slope, unsure, reference, r2, residual, len(used), len(hours))


class _Levelled(NamedTuple):
    """The weights and temperatures of a night, each after subtraction of a fitted line."""

    grams: list[float]
    celsius: list[float]


def _levelled(night: Sequence[Hour]) -> _Levelled:
    times = [float(hour.hour) for hour in night]
    return _Levelled(
        _without_line(times, [hour.grams for hour in night]),
        _without_line(times, [hour.celsius for hour in night]),
    )


def _slope_uncertainty(parts: Sequence[_Levelled], slope: float, warmth: float) -> float:
    """The uncertainty of the slope from the differences between nights.

    The hours of one night are not independent of each other (Liang and Zeger, Biometrika 73, 1986).
    ``warmth`` is the sum of all squared temperatures.
    """
    scores = [_dot(p.celsius, p.grams) - slope * _dot(p.celsius, p.celsius) for p in parts]
    return math.sqrt(_dot(scores, scores) * len(parts) / (len(parts) - 1)) / warmth


def _is_still(night: Sequence[Hour]) -> bool:
    jumps = [abs(after.grams - before.grams) for before, after in pairwise(night)]
    return len(night) >= NIGHT_HOURS and max(jumps) < JUMP


def _check_enough(nights: Sequence[Sequence[Hour]], hours: Sequence[Hour]) -> None:
    if len(nights) < LEAST_NIGHTS or len(hours) < LEAST_HOURS:
        raise NoFitError(
            f"there are only {len(nights)} complete nights with {len(hours)} hours without rain or "
            f"a step; {LEAST_NIGHTS} nights with {LEAST_HOURS} hours are required"
        )
    warmths = [hour.celsius for hour in hours]
    spread = max(warmths) - min(warmths)
    if spread < LEAST_SPREAD:
        raise NoFitError(
            f"the nights' temperatures are within {spread:.1f} K, but {LEAST_SPREAD} K are required"
        )


def _without_line(times: Sequence[float], values: Sequence[float]) -> list[float]:
    """The values after subtraction of the line fitted to them."""
    import statistics  # with decimals and fractions, which only scales need

    slope, start = statistics.linear_regression(times, values)
    return [value - start - slope * time for time, value in zip(times, values, strict=True)]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))
