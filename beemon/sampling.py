"""Sampling: what stands between a sensor's driver and a reading that can be believed.

A noisy sensor is read several times and gives the trimmed mean: the sorted samples without their
lowest and highest tenth (Tukey, "The Future of Data Analysis", Ann. Math. Statist. 33, 1962). A
sensor that has died often goes on saying the last thing that it said: when that has lasted longer
than a live one would stand so still, there is no value any more, and the reason is ``stuck``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from beemon import clock
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
from beemon.readings import Calibration

Said = Measurement | Refusal

TRIM_SHARE = 10
"""One in so many samples is left out at either end, and at least one of three or more."""

_HOPELESS = (DeviceLostError, DeviceMissingError, LibraryMissingError)


class Sampler:
    """Reads one sensor as its ``settings`` ask. It outlives the driver's being opened again."""

    def __init__(self, monotonic: Callable[[], float] = lambda: clock.now().monotonic) -> None:
        self._monotonic = monotonic
        self._still_since: dict[str, tuple[float, float]] = {}

    def read(self, sensor: Sensor) -> Sequence[Said]:
        """What the sensor measured. Raises :class:`DeviceError` where that is nothing."""
        settings = sensor.settings
        if not isinstance(settings, SensorSettings):
            return sensor.read()
        said = sensor.read() if settings.samples == 1 else _average(_samples(sensor, settings))
        live = [self._unless_stuck(one, settings.stuck_after) for one in said]
        return [_calibrated(one, settings.calibration or {}) for one in live]

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


def _calibrated(said: Said, conversions: Mapping[str, Conversion]) -> Said:
    """What the config makes of a quantity; without a raw number the value is the raw one."""
    conversion = conversions.get(said.quantity)
    if conversion is None:
        return said
    named = replace(said, quantity=conversion.quantity, unit=conversion.unit)
    if isinstance(named, Refusal):
        return named
    raw = named.value if named.raw is None else named.raw
    calibration = Calibration(conversion.zero, conversion.factor)
    return replace(named, value=calibration.value(raw), raw=raw, calibration=calibration)


def trimmed_mean(values: Sequence[float]) -> float:
    """The mean without the lowest and the highest tenth, and of three or more without two."""
    drop = max(1, len(values) // TRIM_SHARE) if len(values) > 2 else 0
    kept = sorted(values)[drop : len(values) - drop]
    return math.fsum(kept) / len(kept)


def _samples(sensor: Sensor, settings: SensorSettings) -> list[Sequence[Said]]:
    """As many samples as were asked for, or nearly; more than half of them say something."""
    samples: list[Sequence[Said]] = []
    refusals: list[DeviceError] = []
    for _ in range(settings.samples):
        try:
            samples.append(sensor.read())
        except _HOPELESS:
            raise
        except DeviceError as error:
            refusals.append(error)
            if len(refusals) * 2 >= settings.samples:
                raise
    quantities = {said.quantity: said.unit for sample in samples for said in sample}
    for refusal in refusals:
        samples.append(
            [Refusal(name, unit, refusal.reason, str(refusal)) for name, unit in quantities.items()]
        )
    return samples


def _average(samples: Sequence[Sequence[Said]]) -> list[Said]:
    by_quantity: dict[str, list[Said]] = {}
    for sample in samples:
        for said in sample:
            by_quantity.setdefault(said.quantity, []).append(said)
    return [_average_one(said) for said in by_quantity.values()]


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
        quality="few-samples" if refused else measured[0].quality,
    )


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
