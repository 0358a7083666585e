"""Comparable: the values of a day that were measured in the same way.

If the calibration of a sensor changes, its values change without the hive. A day keeps the values
by the calibration in force at its begin. Those by an earlier or a later one are not compared with
them, and count as not measured. Values in another unit are converted first. A later look at the
day thus finds no less than an earlier one.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, overload

from beemon.base.readings import Calibration
from beemon.base.units import USUAL
from beemon.insights.hive_day import Value

Key = tuple[str, str]
"""A device and a quantity."""

class Measure(NamedTuple):
    """The way in which values came about, the same for comparable ones, and their ``conversion`` to
    the usual unit, if they need one."""

    way: tuple[str, ...]
    convert: Callable[[float], float] | None = None

    @classmethod
    def of(cls, unit: str, number: int | None, calibration: Calibration | None) -> Measure:
        """The measure of values in a unit by a calibration of a number. That cannot be read if only
        the number is known."""
        unit, convert = USUAL.get(unit, (unit, None))
        if number is None:
            return cls((unit,), convert)
        if calibration is None:
            return cls((unit, f"calibration {number}"), convert)
        usually = convert or float
        factor = calibration.factor * (usually(1.0) - usually(0.0))
        line = factor, usually(calibration.value(0.0))
        # the conversion of a unit changes only later digits
        return cls((unit, *(f"{number:.9g}" for number in line)), convert)


class Values(Sequence[Value]):
    """Values in the order of time, in 24 bytes each."""

    __slots__ = ("_at", "_uncertainty", "_value")

    def __init__(self, *columns: array[float]) -> None:
        self._at, self._value, self._uncertainty = columns or (array("d"), array("d"), array("d"))

    def __len__(self) -> int:
        return len(self._at)

    @overload
    def __getitem__(self, index: int) -> Value: ...

    @overload
    def __getitem__(self, index: slice) -> Values: ...

    def __getitem__(self, index: int | slice) -> Value | Values:
        at, value, uncertainty = self._at[index], self._value[index], self._uncertainty[index]
        if isinstance(index, slice):
            return Values(at, value, uncertainty)  # type: ignore[arg-type]
        known = None if uncertainty != uncertainty else uncertainty
        return Value(at, value, known)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Value]:
        for at, value, uncertainty in zip(self._at, self._value, self._uncertainty, strict=True):
            yield Value(at, value, None if uncertainty != uncertainty else uncertainty)

    def append(self, at: float, value: float, uncertainty: float | None) -> None:
        """Add a later value."""
        self._at.append(at)
        self._value.append(value)
        self._uncertainty.append(float("nan") if uncertainty is None else uncertainty)


class Comparable:
    """Collects the ``values`` of a quantity in the order of time, as far as they are comparable
    with those at the ``begin`` of the day.

    ``changed`` is the time from which on they are not, in seconds since 1970.
    """

    def __init__(self, begin: float) -> None:
        self.values = Values()
        self.changed: float | None = None
        self._begin = begin
        self._way: tuple[str, ...] = ()

    def add(self, measure: Measure, at: float, value: float, uncertainty: float | None) -> None:
        """Add a value, or leave it out."""
        if self.changed is not None:
            return
        if measure.way != self._way:
            if self._way and at > self._begin:
                self.changed = at
                return
            self.values, self._way = Values(), measure.way
        if measure.convert is not None:
            if uncertainty is not None:
                uncertainty = measure.convert(uncertainty) - measure.convert(0.0)
            value = measure.convert(value)
        self.values.append(at, value, uncertainty)
