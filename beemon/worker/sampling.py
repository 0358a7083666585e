"""Sampling: from the samples of a sensor's driver to a reliable reading.

A noisy sensor is read several times, and the reading is the trimmed mean: the mean without the
lowest and highest tenth (Tukey, "The Future of Data Analysis", Ann. Math. Statist. 33, 1962). A
dead sensor often repeats its last value. If a value stays the same for longer than is possible for
a working sensor, the reading has no value, and its reason is ``stuck``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from beemon.base import clock
from beemon.base.readings import GRAMS, WEIGHT, Calibration, Sampled
from beemon.devices._base import (
    Conversion,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    LibraryMissingError,
    Measurement,
    Refusal,
    Sensor,
    SensorSettings,
)

Said = Measurement | Refusal

TRIM_SHARE = 10
"""One sample in this many is left out at either end, and at least one of three or more."""

RESOLUTION = 1 / math.sqrt(12)
"""The standard uncertainty of a number that was rounded to an integer (JCGM 100:2008, F.2.2.1)."""
CALIBRATION_SAMPLES = 30
"""Minimum number of samples whose mean is a point of a calibration."""

_HOPELESS = (DeviceLostError, DeviceMissingError, LibraryMissingError)


class Sampler:
    """Reads one sensor as its ``settings`` ask. It outlives the driver's being opened again."""

    def __init__(self, monotonic: Callable[[], float] = lambda: clock.now().monotonic) -> None:
        self._monotonic = monotonic
        self._still_since: dict[str, tuple[float, float]] = {}

    def read(
        self, sensor: Sensor, measured: Mapping[str, Calibration] | None = None
    ) -> Sequence[Said]:
        """The readings of the sensor. Raises :class:`DeviceError` if there are none.

        ``measured`` are the calibrations made at the hive, by quantity: they convert a converter's
        number to the weight. Those in the config take precedence.
        """
        settings = sensor.settings
        if not isinstance(settings, SensorSettings):
            return sensor.read()
        samples = settings.samples
        said = sensor.read() if samples == 1 else _average(_samples(sensor, samples))
        live = [self._unless_stuck(one, settings.stuck_after) for one in said]
        given = settings.calibration or {}
        return [
            _converted(one, given[one.quantity]) if one.quantity in given
            else _weighed(one, (measured or {}).get(one.quantity), samples)
            for one in live
        ]

    def measure(self, sensor: Sensor) -> list[Sampled]:
        """The raw numbers of the sensor's converters for a calibration, with their spread.

        Raises :class:`DeviceError` if there are none.
        """
        settings = sensor.settings
        if not isinstance(settings, SensorSettings):
            raise DeviceError(f"{settings.name} is a counter and has nothing to calibrate")
        samples = _samples(sensor, max(settings.samples, CALIBRATION_SAMPLES))
        found = []
        for name, said in _by_quantity(samples).items():
            one = _average_one(said)
            if isinstance(one, Measurement) and one.raw is not None:
                found.append(_sampled(name, [m for m in said if isinstance(m, Measurement)]))
        return found

    def _unless_stuck(self, said: Said, stuck_after: float | None) -> Said:
        if isinstance(said, Refusal):
            return said
        limit = said.stuck_after if stuck_after is None else stuck_after
        seen, now = said.value if said.raw is None else said.raw, self._monotonic()
        before, since = self._still_since.get(said.quantity, (None, now))
        if seen != before:
            since = now
        self._still_since[said.quantity] = (seen, since)
        if limit is None or now - since < limit:
            return said
        message = f"{said.quantity} has been {seen:.12g} for {_span(now - since)}"
        return Refusal(said.quantity, said.unit, "stuck", message, raw=said.raw)


def _converted(said: Said, conversion: Conversion) -> Said:
    """The quantity after the config's conversion; without a raw number the value is the raw one."""
    named = replace(said, quantity=conversion.quantity, unit=conversion.unit)
    if isinstance(named, Refusal):
        return named
    raw = raw_of(named)
    calibration = Calibration(conversion.zero, conversion.factor)
    return replace(named, value=calibration.value(raw), raw=raw, calibration=calibration)


def _weighed(said: Said, calibration: Calibration | None, samples: int) -> Said:
    """The weight by a measured calibration, with its uncertainty.

    One sample has no spread of its own. The spread at the calibration is used for it (a pooled
    estimate, JCGM 100:2008, 4.2.4).
    """
    if calibration is None:
        return said
    named = replace(said, quantity=WEIGHT, unit=GRAMS)
    if isinstance(named, Refusal):
        return named
    raw, known = raw_of(named), named.raw_uncertainty
    if known is None and calibration.noise is not None:
        known = calibration.noise / math.sqrt(samples)
    return replace(
        named, value=round(calibration.value(raw), 3), raw=raw, calibration=calibration,
        uncertainty=_two_digits(calibration.uncertainty(raw, known)),
    )


def raw_of(said: Measurement) -> float:
    """The converter's number where the driver tells it, else the value."""
    return said.value if said.raw is None else said.raw


def _two_digits(value: float | None) -> float | None:
    """As many as an uncertainty is worth (JCGM 100:2008, 7.2.6); whole ones take little room."""
    return None if value is None else float(f"{value:.2g}")


def trimmed_mean(values: Sequence[float]) -> float:
    """The mean without the lowest and the highest tenth, and of three or more without two."""
    drop = max(1, len(values) // TRIM_SHARE) if len(values) > 2 else 0
    kept = sorted(values)[drop : len(values) - drop]
    return math.fsum(kept) / len(kept)


def standard_error(values: Sequence[float]) -> float | None:
    """The standard uncertainty of :func:`trimmed_mean`; None for fewer than eight values.

    It is s / ((1 - 2 g) sqrt(n)). Here g is the share left out at either end. s is the standard
    deviation after each value left out is replaced by the nearest one kept. See Tukey and
    McLaughlin, "Less vulnerable confidence and significance procedures", Sankhya A 25, 1963.
    """
    count = len(values)
    if count < 8:
        return None
    import statistics  # with decimals and fractions, which few sensors need

    drop = max(1, count // TRIM_SHARE)
    kept = sorted(values)[drop : count - drop]
    pulled_in = [kept[0]] * drop + kept + [kept[-1]] * drop
    return statistics.stdev(pulled_in) / ((1 - 2 * drop / count) * math.sqrt(count))


def _samples(sensor: Sensor, count: int) -> list[Sequence[Said]]:
    """As many samples as were asked for, or nearly; more than half of them say something."""
    samples: list[Sequence[Said]] = []
    refusals: list[DeviceError] = []
    for _ in range(count):
        try:
            samples.append(sensor.read())
        except _HOPELESS:
            raise
        except DeviceError as error:
            refusals.append(error)
            if len(refusals) * 2 >= count:
                raise
    quantities = {said.quantity: said.unit for sample in samples for said in sample}
    for refusal in refusals:
        samples.append(
            [Refusal(name, unit, refusal.reason, str(refusal)) for name, unit in quantities.items()]
        )
    return samples


def _average(samples: Sequence[Sequence[Said]]) -> list[Said]:
    return [_average_one(said) for said in _by_quantity(samples).values()]


def _by_quantity(samples: Sequence[Sequence[Said]]) -> dict[str, list[Said]]:
    by_quantity: dict[str, list[Said]] = {}
    for sample in samples:
        for said in sample:
            by_quantity.setdefault(said.quantity, []).append(said)
    return by_quantity


def _sampled(quantity: str, measured: Sequence[Measurement]) -> Sampled:
    """More than half of :data:`CALIBRATION_SAMPLES`, in the order of time."""
    import statistics

    values, raws = [one.value for one in measured], [raw_of(one) for one in measured]
    step = RESOLUTION if all(float(raw).is_integer() for raw in raws) else 0.0
    half, root = len(values) // 2, math.sqrt(len(values))
    moved = abs(statistics.median(values[half:]) - statistics.median(values[:half]))
    error = standard_error(raws) or 0.0
    return Sampled(
        quantity, measured[0].unit, trimmed_mean(values), trimmed_mean(raws),
        uncertainty=math.hypot(error, step), noise=math.hypot(error * root, step),
        spread=max((standard_error(values) or 0.0) * root, moved), samples=len(values),
    )


def _average_one(said: list[Said]) -> Said:
    """The trimmed mean of one quantity, where more than half of the samples have it."""
    measured = [one for one in said if isinstance(one, Measurement)]
    refused = [one for one in said if isinstance(one, Refusal)]
    if len(measured) <= len(refused):
        return refused[0]
    raws = [one.raw for one in measured if one.raw is not None]
    return replace(
        measured[0],
        value=trimmed_mean([one.value for one in measured]),
        raw=trimmed_mean(raws) if len(raws) == len(measured) else None,
        raw_uncertainty=standard_error([raw_of(one) for one in measured]),
        quality="few-samples" if refused else measured[0].quality,
    )


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
