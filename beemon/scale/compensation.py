"""Compensation: the weight corrected for the temperature drift of its scale, as a second quantity.

A weight is never changed. ``weight_compensated`` beside it is the weight at the mean temperature of
the fit. It names the fit (:mod:`beemon.scale.drift`), and its raw number is the weight. A fit is
made only on command, so that the series does not change by itself. A new fit applies to later
readings only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from beemon.base.clock import Quality, Stamp
from beemon.base.facts import JsonObject
from beemon.base.moments import US_PER_HOUR, US_PER_SECOND, iso
from beemon.base.readings import GRAMS, WEIGHT, Calibration, Reading
from beemon.base.values import value_class
from beemon.config.settings import DeviceSettings, Weighing
from beemon.ledger import calibrations, events, hours, rows
from beemon.ledger import readings as series
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import Ledger
from beemon.scale.drift import Fit, Hour, NoFitError, fit

QUANTITY = "weight_compensated"
FRESH_SECONDS = 900.0
"""Maximum age in seconds of a temperature used to compensate a weight."""
FITTED_HOURS = 90 * 24
"""The hours that a fit looks back: load cells age, and the year's weather changes."""
SETTLED_HOURS, LAST_HOURS = 2, 8
"""The hours of a night to use. They begin two hours after sunset, when the bees are in and the
day's nectar has lost its first water. At most eight hours before sunrise are used, because a long
night loses weight less evenly."""
WET_HOURS = 12
"""So long after rain a hive still dries."""

_FIELDS = tuple(Fit.__dataclass_fields__)


@value_class
class _Kept:
    """A fit with the job that made it, and its temperature sensor."""

    fit: Fit
    job: int
    temperature: tuple[str, str]


class Compensation:
    """The fits of all scales, starting with those ``kept`` in the ledger, and the latest
    temperatures."""

    def __init__(self, kept: Iterable[Made], devices: Mapping[str, DeviceSettings]) -> None:
        self._fits: dict[str, _Kept] = {}
        self._warmth: dict[tuple[str, str], Reading] = {}
        self._weighing = _weighing_of(devices)
        self.take_over(kept)

    def take_over(self, kept: Iterable[Made]) -> None:
        """Put in force the fits that an earlier run kept."""
        for _ in rows.readable((made for made in kept if made.quantity == QUANTITY), self.use_fit):
            pass

    def change(self, devices: Mapping[str, DeviceSettings]) -> None:
        """Take over other devices."""
        self._weighing = _weighing_of(devices)

    def use_fit(self, made: Made) -> None:
        """Put a fit in force."""
        facts = made.facts
        temperature, quantity = facts["temperature"].split()
        found = Fit(**{name: facts[name] for name in _FIELDS})
        self._fits[made.sensor] = _Kept(found, facts["job"], (temperature, quantity))

    def compensate(self, readings: Iterable[Reading]) -> list[Reading]:
        """The compensated weight for each weight among these readings."""
        readings = list(readings)
        self._warmth |= {(reading.sensor, reading.quantity): reading for reading in readings}
        weights = [r for r in readings if (r.quantity, r.unit) == (WEIGHT, GRAMS)]
        return [
            self._compensated(weight, kept) for weight in weights
            if (kept := self._fit_for(weight.sensor)) is not None
        ]

    def _fit_for(self, scale: str) -> _Kept | None:
        """The fit of a scale, if the config still names its temperature."""
        kept, weighing = self._fits.get(scale), self._weighing.get(scale)
        return kept if kept and weighing and weighing.temperature == kept.temperature else None

    def _compensated(self, weight: Reading, kept: _Kept) -> Reading:
        warmth = self._warmth.get(kept.temperature)
        reason = weight.reason
        if reason is None and not _is_fresh(warmth, weight.at):
            reason = "no-temperature"
        if weight.value is None or warmth is None or warmth.value is None or reason:
            return Reading(weight.sensor, QUANTITY, GRAMS, None, reason, weight.at)
        drift = kept.fit.drift(warmth.value)
        unsure = kept.fit.uncertainty(warmth.value, weight.uncertainty)
        return Reading(
            weight.sensor, QUANTITY, GRAMS, round(weight.value - drift, 3), None, weight.at,
            weight.quality, weight.value, Calibration(drift, 1.0, kept.job),
            None if unsure is None else float(f"{unsure:.2g}"),
        )


def _weighing_of(devices: Mapping[str, DeviceSettings]) -> dict[str, Weighing]:
    return {name: device.weighing for name, device in devices.items() if device.weighing}


def _is_fresh(warmth: Reading | None, at: Stamp) -> bool:
    if warmth is None or warmth.value is None:
        return False
    return abs(at.monotonic - warmth.at.monotonic) <= FRESH_SECONDS


def fitted(
    ledger: Ledger, name: str, weighing: Weighing, is_day: Callable[[float], bool], job: int
) -> Made:
    """Fit a scale's drift to the nights in the ledger.

    Raises :class:`~beemon.scale.drift.NoFitError`, and ``ValueError`` if no temperature is named.
    """
    if weighing.temperature is None:
        raise ValueError(f"{name} does not name a temperature")
    now = ledger.clock.stamp()
    if now.quality is Quality.UNSURE:
        raise NoFitError("the clock is unsure, so the nights are not known")
    until = now.utc_us // US_PER_HOUR
    nights = _nights(ledger, name, weighing, is_day, until)
    found = fit(nights)
    looked = [hour.hour for night in nights for hour in night]
    facts: JsonObject = {
        **asdict(found), "job": job, "of": WEIGHT, "unit": GRAMS, "step": "temperature",
        "temperature": " ".join(weighing.temperature),
        "from": iso(looked[0] * US_PER_HOUR), "until": iso((looked[-1] + 1) * US_PER_HOUR),
    }
    return Made(name, QUANTITY, now.utc_us, now.quality, facts)


def _nights(
    ledger: Ledger, name: str, weighing: Weighing, is_day: Callable[[float], bool], until: int
) -> list[list[Hour]]:
    """The whole hours of each dry night without a step, before the hour ``until``."""
    assert weighing.temperature is not None
    first = until - FITTED_HOURS
    grams = _means(ledger, name, WEIGHT, first)
    celsius = _means(ledger, *weighing.temperature, first)
    spoiled = _spoiled(ledger, name, weighing, first)

    def is_night(hour: int) -> bool:
        begin = hour * 3600.0
        before = [begin - 3600.0 * hours_ago for hours_ago in range(SETTLED_HOURS + 1)]
        if any(is_day(at) for at in (*before, begin + 3599.0)):
            return False
        return any(is_day(begin + 3600.0 * later) for later in range(1, LAST_HOURS + 1))

    return [
        [Hour(hour, grams[hour], celsius[hour]) for hour in night]
        for night in _groups(sorted(grams.keys() & celsius.keys()), is_night)
        if not spoiled.intersection(range(night[0], night[-1] + 1))
    ]


def _groups(numbers: list[int], is_night: Callable[[int], bool]) -> list[list[int]]:
    """The hours that there are of each night."""
    nights: list[list[int]] = []
    for hour in filter(is_night, numbers):
        together = nights and all(is_night(h) for h in range(nights[-1][-1] + 1, hour))
        if together:
            nights[-1].append(hour)
        else:
            nights.append([hour])
    return nights


def _means(ledger: Ledger, sensor: str, quantity: str, first: int) -> dict[int, float]:
    found = series.find(ledger.db, sensor, quantity)
    if found is None:
        return {}
    rows = hours.since(ledger.db, found["series"], first * US_PER_HOUR, FITTED_HOURS + 1)
    return {row["hour"]: row["mean"] for row in rows if row["mean"] is not None}


def _spoiled(ledger: Ledger, name: str, weighing: Weighing, first: int) -> set[int]:
    """The hours in which something else than the temperature moved the weight."""
    found = {
        made_us // US_PER_HOUR
        for made_us in calibrations.made_since(ledger.db, name, first * US_PER_HOUR)
    }
    for event in events.since(ledger, first * US_PER_HOUR, 10_000, "weight"):
        if event.device == name:
            begin = event.at.utc_us // US_PER_HOUR
            end = (event.at.utc_us + event.facts["seconds"] * US_PER_SECOND) // US_PER_HOUR
            dries = WET_HOURS if event.facts["step"] == "rain" else 0
            found.update(range(begin, end + 1 + dries))
    if weighing.rain is not None:
        for hour, mean in _means(ledger, weighing.rain, "rain", first - WET_HOURS).items():
            if mean > 0:
                found.update(range(hour, hour + 1 + WET_HOURS))
    return found
