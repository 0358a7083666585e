"""A simulated hive's numbers: brood and outside temperature, humidity and weight.

Every value is a pure function of the seed and of the time in the hive, so that a run can be
repeated. The curves resemble a colony in the flying season. The brood nest is at 35 °C, and the day
is coldest before dawn. Foragers leave in the morning and bring nectar home, and water evaporates
from it at night. They leave and return all day, few in the morning and most at midday.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from beemon.base.options import BadOptionError, option
from beemon.devices._base import DeviceError, Measurement, Sensor, SensorSettings
from beemon.devices._choices import some_of
from beemon.devices._faults import Faults
from beemon.devices._simulation import SimulatedSettings

DAY = 86400.0
YEAR = 365.25 * DAY

# Weight against the evening before, in grams, at hours of the day (UTC): water evaporates
# overnight, foragers are out from eight, nectar comes home from eleven to seven.
FORAGING = ((0.0, -60.0), (7.0, -150.0), (10.0, -520.0), (13.0, -200.0), (19.0, 0.0), (24.0, -60.0))


def temperature(seed: int, seconds: float) -> float:
    """The brood nest in °C: 34.6 to 35.4, whatever the weather."""
    return 35.0 + 0.15 * _daily(seconds, warmest=16.0) + 0.25 * _drift(seed, "brood", seconds, 900)


def outside_temperature(seed: int, seconds: float) -> float:
    """The air in °C: coldest at three, warmest at three in the afternoon, no two days alike."""
    weather = 3.0 * _drift(seed, "weather", seconds, DAY)
    gusts = 0.4 * _drift(seed, "gusts", seconds, 600)
    return 16.0 + 7.0 * _daily(seconds, warmest=15.0) + weather + gusts


def humidity(seed: int, seconds: float) -> float:
    """The air in the hive in % relative humidity: 53 to 67, driest when the bees fan."""
    return 60.0 - 5.0 * _daily(seconds, warmest=14.0) + 2.0 * _drift(seed, "fanning", seconds, 1800)


def weight(seed: int, seconds: float) -> float:
    """The whole hive in grams: 27 to 43 kg with the year, and the foragers' daily curve."""
    year = 8000.0 * math.sin(2 * math.pi * seconds / YEAR)
    forage = 0.5 + 0.5 * (1 + _drift(seed, "forage", seconds, DAY)) / 2
    return 35000.0 + year + forage * _foraging(seconds) + 5.0 * _drift(seed, "wind", seconds, 120)


def tilt(seed: int, seconds: float) -> float:
    """The tilt of the hive in degrees from the vertical: 1.3 to 1.7, upright for years."""
    return 1.5 + 0.2 * _drift(seed, "tilt", seconds, 600)


def vibration(seed: int, seconds: float) -> float:
    """The vibration of the comb in dB above a thousandth of gravity: 10 to 22, most by day."""
    return 16.0 + 4.0 * _daily(seconds, warmest=14.0) + 2.0 * _drift(seed, "comb", seconds, 120)


QUANTITIES: dict[str, tuple[Callable[[int, float], float], str]] = {
    "temperature": (temperature, "°C"),
    "outside_temperature": (outside_temperature, "°C"),
    "humidity": (humidity, "%"),
    "weight": (weight, "g"),
}

COMB: dict[str, tuple[Callable[[int, float], float], str]] = {
    "tilt": (tilt, "°"),
    "vibration": (vibration, "dB"),
}
"""The quantities of an accelerometer in the comb."""

BRIDGE = "bridge"
COUNTS_AT_ZERO, COUNTS_PER_GRAM = -213_400.0, 42.0
COUNTS_PER_KELVIN = 630.0
"""The drift of a scale without compensation with the air temperature, from 20 °C: 15 g/K."""
NOISE_COUNTS = 60.0
FULL_SCALE = 2**23 * 128 / 0.5e3
"""Counts of 24 bits at gain 128 for a bridge of 1 mV/V, as an HX711 has them."""


def counts(seed: int, seconds: float, grams: float, sample: int) -> float:
    """The raw number of a scale's converter under a load, with different noise for each sample."""
    drift = COUNTS_PER_KELVIN * (outside_temperature(seed, seconds) - 20.0)
    noise = NOISE_COUNTS * _chance(f"{seed} noise {seconds:.6f} {sample}")
    return float(round(COUNTS_AT_ZERO + COUNTS_PER_GRAM * grams + drift + noise))


BEES_IN, BEES_OUT = TRAFFIC = "bees_in", "bees_out"
FIRST_FLIGHT, LAST_FLIGHT = 6.0, 20.0
"""The hours of the day (UTC) between which bees fly."""
FLIGHTS_A_DAY = 24_000.0
TRIP = 1800.0
"""The seconds that a forager is away."""


def flights(seed: int, seconds: float) -> float:
    """The bees that have left since 1970, of which most leave at midday; it never falls."""
    uneven = seconds + 120.0 * _drift(seed, "clouds", seconds, 900)  # hardly ever slower than half
    day, rest = divmod(uneven, DAY)
    flown = (rest / 3600 - FIRST_FLIGHT) / (LAST_FLIGHT - FIRST_FLIGHT)
    part = (1 - math.cos(math.pi * min(1.0, max(0.0, flown)))) / 2
    return FLIGHTS_A_DAY * (day + part)


def _daily(seconds: float, warmest: float) -> float:
    """A day's wave from -1 to 1, highest at the hour ``warmest`` (UTC)."""
    return math.cos(2 * math.pi * (seconds / DAY - warmest / 24))


def _foraging(seconds: float) -> float:
    hour = seconds % DAY / 3600
    for (start, low), (end, high) in itertools.pairwise(FORAGING):
        if hour <= end:
            return low + (high - low) * (hour - start) / (end - start)
    return FORAGING[-1][1]


def _drift(seed: int, name: str, seconds: float, step: float) -> float:
    """A smooth random curve between -1 and 1 with a new direction each ``step`` seconds."""
    number, part = divmod(seconds / step, 1.0)
    before, after = (_chance(f"{seed} {name} {int(number) + i}") for i in (0, 1))
    ease = part * part * (3 - 2 * part)
    return before + (after - before) * ease


def _chance(text: str) -> float:
    """A number from -1 to 1 that depends on the text alone."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Settings(SimulatedSettings, SensorSettings):
    """The numbers of a hive that does not exist.

    Use it to try beemon without hardware.

        [sensor.brood]
        driver = "simulated"
        quantities = ["temperature", "humidity"]
    """

    quantities: tuple[str, ...] = option(
        tuple(QUANTITIES), parse=some_of([*QUANTITIES, *COMB, *TRAFFIC, BRIDGE]),
        doc=f"the quantities to measure: {', '.join([*QUANTITIES, *COMB, *TRAFFIC, BRIDGE])}. "
        "By default the first four. The bees are counted since the previous reading. The last is "
        "the converter of a scale, for practising its calibration",
    )
    load_file: str = option(
        "", doc="a file that holds the grams on the scale, for its bridge", for_tests=True
    )

    @property
    def measures(self) -> Sequence[str]:
        return self.quantities

    def __post_init__(self) -> None:
        if self.load_file and BRIDGE not in self.quantities:
            raise BadOptionError(f'"load_file" is for a scale: quantities = ["{BRIDGE}"]')


class Driver(Sensor):
    """Reads the simulated hive; with ``speed`` its days pass faster than the clock's."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._faults = Faults(settings)
        self._samples = itertools.count()
        self._counted = self._now()

    def open(self) -> None:
        self._counted = self._now()

    def read(self) -> Sequence[Measurement]:
        self._faults.request()
        seconds, self._since = self._now(), self._counted
        self._counted = seconds
        return [self._measure(quantity, seconds) for quantity in self.settings.quantities]

    def _now(self) -> float:
        return time.time() * self.settings.speed

    def _measure(self, quantity: str, seconds: float) -> Measurement:
        if quantity in TRAFFIC:
            return Measurement(quantity, self._count(quantity, seconds), "")
        if quantity == BRIDGE:
            return self._weigh(seconds)
        curve, unit = {**QUANTITIES, **COMB}[quantity]
        return Measurement(quantity, round(curve(self.settings.seed, seconds), 3), unit)

    def _count(self, quantity: str, seconds: float) -> float:
        """The bees that passed since the read before; those that come in left a trip ago."""
        away = TRIP if quantity == BEES_IN else 0.0
        now, before = (
            math.floor(flights(self.settings.seed, at - away)) for at in (seconds, self._since)
        )
        return float(now - before)

    def _weigh(self, seconds: float) -> Measurement:
        """A scale's converter, whose number nobody has calibrated yet."""
        seed, file = self.settings.seed, self.settings.load_file
        grams = _load(Path(file)) if file else weight(seed, seconds)
        raw = counts(seed, seconds, grams, next(self._samples))
        return Measurement(BRIDGE, round(raw / FULL_SCALE, 9), "mV/V", raw=raw, stuck_after=3600.0)


def _load(file: Path) -> float:
    try:
        return float(file.read_text())
    except (OSError, ValueError) as error:
        raise DeviceError(f"{file} contains no load: {error}") from error
