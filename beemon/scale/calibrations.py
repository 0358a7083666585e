"""Calibrations: the Orchestrator's knowledge of the scales, kept from step to step and across runs.

A beekeeper measures points: the empty scale (``zero``), a known weight (``weight``), the standing
hive (``standing``), or a known weight added to it (``added``). Each point is a job, and
its result is a calibration in the ledger. A calibration with only a zero or only a standing hive is
incomplete, and yields no values until the next point.

The latest calibration is used: the worker gets it with every ``read``. A step continues the
previous one if that is at most an hour old, because a load cell's zero drifts with the weather.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, fields, replace
from pathlib import Path

from beemon.base import clock
from beemon.base.clock import Stamp
from beemon.base.moments import iso
from beemon.base.readings import GRAMS, WEIGHT, Calibration, Sampled
from beemon.base.values import value_class
from beemon.ledger import calibrations, quarantine, rows
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import LedgerReader
from beemon.scale.points import NotMovedError, Point, under_load, with_weight

CONTINUED_SECONDS = 3600.0
"""Maximum age in seconds of a point that the next step of a calibration uses."""
STEADIEST = {"mV/V": 0.001, "V": 5e-6}
"""Maximum movement of a scale while a point is measured, in the unit of its converter. It is half a
thousandth of the output of most load cells at full load, 2 mV/V (with 5 V at the bridge, 10 mV)."""

class UncalibratedError(ValueError):
    """A step that made no calibration; ``reason`` is a word of ``outcomes.REASONS``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@value_class
class Step:
    """One step of a calibration: of which sensor, under which load.

    ``grams`` are known within ``tolerance``. ``is_in_config`` returns whether the config calibrates
    a quantity.
    """

    sensor: str
    name: str
    grams: float | None = None
    tolerance: float = 0.0
    is_in_config: Callable[[str], bool] = lambda _: False


@value_class
class _Scale:
    """The state of a scale: the quantity, the points by name with their times, and the calibration.

    Times are microseconds since 1970.
    """

    of: str
    points: Mapping[str, Point]
    measured_us: Mapping[str, int]
    calibration: Calibration | None
    made_us: int


@value_class
class Told:
    """The result of a step: the measurement, and its effect on the scale.

    ``mean``, ``spread`` and ``raw`` are in the converter's ``unit``. ``grams`` is the weight shown
    under this load, and ``uncertainty`` its uncertainty.
    """

    quantity: str
    mean: float
    unit: str
    spread: float
    raw: float
    samples: int
    zero: float | None = None
    factor: float | None = None
    grams: float | None = None
    uncertainty: float | None = None


class Calibrations:
    """The calibrations of all scales, starting with those ``kept`` in the ledger."""

    def __init__(self, kept: Iterable[Made], now: Callable[[], Stamp] = clock.stamp) -> None:
        self._now = now
        self._scales: dict[str, _Scale] = {}
        self.take_over(kept)

    def take_over(self, kept: Iterable[Made]) -> None:
        """Put in force what an earlier run kept."""
        weights = (made for made in kept if made.quantity == WEIGHT)
        self._scales |= dict(rows.readable(weights, lambda made: (made.sensor, _read(made))))

    def of(self, sensor: str) -> dict[str, Calibration]:
        """The calibration that is in force, by the quantity that the sensor measures."""
        scale = self._scales.get(sensor)
        return {scale.of: scale.calibration} if scale and scale.calibration else {}

    def last_made(self, sensor: str) -> str | None:
        """The time of the calibration in force; None: there is none."""
        scale = self._scales.get(sensor)
        return iso(scale.made_us) if scale and scale.calibration else None

    def take_step(
        self, job: int, step: Step, sampled: Sequence[Sampled]
    ) -> tuple[Made, Told]:
        """Make a calibration from the measurement of a step, put it in use, and return the result.

        Raises :class:`UncalibratedError`.
        """
        one = _converter(step, sampled)
        if step.is_in_config(one.quantity):
            raise UncalibratedError(
                "config-calibrates",
                f"the config has a calibration of {step.sensor} {one.quantity}: remove it there, "
                "then reload",
            )
        _check_steady(one)
        at = self._now()
        point = Point(one.raw, one.uncertainty, one.noise, step.grams, step.tolerance)
        before = self._scales.get(step.sensor)
        if before is None or before.of != one.quantity:
            before = _Scale(one.quantity, {}, {}, None, at.utc_us)
        calibration = _calibration(before, step.name, point, at.utc_us)
        if calibration is not None:
            calibration = replace(calibration, job=job)
        scale = _Scale(
            one.quantity, {**before.points, step.name: point},
            {**before.measured_us, step.name: at.utc_us}, calibration, at.utc_us,
        )
        self._scales[step.sensor] = scale
        return _made(job, step, scale, at), _told(one, scale)


def kept_calibrations(archive: Path) -> list[Made]:
    """The calibrations of earlier runs that are in use.

    Raises ``sqlite3.DatabaseError``. If it means damage, the ledger is marked for the next start.
    """
    try:
        with closing(LedgerReader(archive)) as reader:
            return calibrations.in_force(reader.db)
    except sqlite3.DatabaseError as error:
        if quarantine.is_damage(error):
            quarantine.mark(archive, str(error))
        raise


def _calibration(
    before: _Scale, step: str, point: Point, now_us: int
) -> Calibration | None:
    """The calibration from a point, or None while more points are needed."""
    known = before.calibration
    try:
        if step == "zero":  # the factor stays, where there is one
            return known and replace(
                known, zero=point.raw, zero_uncertainty=point.uncertainty, covariance=0.0
            )
        if step == "standing":  # it waits for what is added
            return known
        if step == "weight":
            return with_weight(_recent(before, "zero", now_us), point)
        return _under_load(before, point, now_us)
    except NotMovedError as error:
        raise UncalibratedError("not-moved", str(error)) from error


def _under_load(before: _Scale, added: Point, now_us: int) -> Calibration:
    standing, known = _recent(before, "standing", now_us), before.calibration
    if standing.grams is not None:
        return under_load(standing, added, None)
    zero = before.points.get("zero")
    if known is not None:
        zero = Point(known.zero, known.zero_uncertainty or 0.0, known.noise or 0.0)
    if zero is None:
        raise UncalibratedError(
            "no-zero",
            "the zero of this scale is not known; give the weight of the standing hive (`standing "
            "38kg 1kg`: within 1 kg), or start with the empty scale (`zero`)",
        )
    return under_load(standing, added, zero)


def _recent(before: _Scale, name: str, now_us: int) -> Point:
    """The point on which a step builds. Raises :class:`UncalibratedError`."""
    point, measured_us = before.points.get(name), before.measured_us.get(name, 0)
    if point is None or abs(now_us - measured_us) > CONTINUED_SECONDS * 1e6:
        when = "not measured yet" if point is None else f"too old, from {iso(measured_us)}"
        raise UncalibratedError("no-zero", f"measure `{name}` first: it is {when}")
    return point


def _converter(step: Step, sampled: Sequence[Sampled]) -> Sampled:
    """The one quantity that can be calibrated. Raises :class:`UncalibratedError`."""
    if len(sampled) == 1:
        return sampled[0]
    has = ", ".join(one.quantity for one in sampled) or "none"
    raise UncalibratedError(
        "not-a-scale",
        f"{step.sensor} must have exactly one converter with a raw number, but has: {has}"
        + ("; choose one with `channels` in the config" if sampled else ""),
    )


def _check_steady(one: Sampled) -> None:
    most = STEADIEST.get(one.unit)
    if most is not None and one.spread > most:
        raise UncalibratedError(
            "unsteady",
            f"{one.quantity} moved by {one.spread:.2g} {one.unit} in {one.samples} samples, "
            f"more than {most:g}; wait until the wind is calm and nobody touches the scale",
        )


def _made(job: int, step: Step, scale: _Scale, at: Stamp) -> Made:
    points = {
        name: {**asdict(point), "utc_us": scale.measured_us[name]}
        for name, point in scale.points.items()
    }
    known = scale.calibration
    numbers = asdict(known) if known else {"zero": None, "factor": None}
    return Made(step.sensor, WEIGHT, at.utc_us, at.quality, {
        **numbers, "job": job, "of": scale.of, "unit": GRAMS, "step": step.name, "points": points,
    })


def _read(made: Made) -> _Scale:
    """A scale as the ledger keeps it."""
    facts = made.facts
    points = {name: dict(said) for name, said in facts["points"].items()}
    measured_us = {name: said.pop("utc_us") for name, said in points.items()}
    numbers = {f.name: facts[f.name] for f in fields(Calibration) if f.name in facts}
    return _Scale(
        facts["of"], {name: Point(**said) for name, said in points.items()}, measured_us,
        Calibration(**numbers) if facts["factor"] is not None else None, made.made_us,
    )


def _told(one: Sampled, scale: _Scale) -> Told:
    told = Told(
        quantity=one.quantity, mean=_short(one.value), unit=one.unit,
        spread=_short(one.spread, 2), raw=_short(one.raw, 9), samples=one.samples,
    )
    known = scale.calibration
    if known is None:
        return told
    unsure = known.uncertainty(one.raw, one.uncertainty)
    return replace(
        told, zero=_short(known.zero, 9), factor=_short(known.factor),
        grams=round(known.value(one.raw), 1),
        uncertainty=None if unsure is None else _short(unsure, 2),
    )


def _short(value: float, digits: int = 6) -> float:
    """As far as a person reads it; the ledger's calibration keeps all of it."""
    return float(f"{value:.{digits}g}")
