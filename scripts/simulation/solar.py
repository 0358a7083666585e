"""A hive's supply in winter: a small panel, a lead battery that the cold makes smaller, and clouds.

Every figure is a datasheet's or somebody's measurement, and rounded. The weather is a pure function
of the seed and the time, so that two runs with different settings have the same winter.
"""

from __future__ import annotations

import math
import random

LATITUDE, LONGITUDE = 52.0, 10.0
TILT = 65.0
"""Degrees of the panel, to the south: steep, as for the winter's sun."""
WATTS, WATT_HOURS = 20.0, 144.0
"""A panel of 40 cm by 45 cm, and a sealed lead battery of 12 V and 12 Ah."""

# A Raspberry Pi Zero 2 with its network idles at 120 mA of 5 V (cnx-software.com, 2021); a camera
# that is open adds 100 mA on a Zero (quietsche-entchen.de, 2021), and recording costs some more; a
# USB microphone 30 mA. What comes from a battery passes a converter that keeps 15 % of it. A HAT
# that waits for its alarm takes a few milliampere.
IDLE_WATTS, ASLEEP_WATTS = 0.7, 0.02
RECORDING_WATTS = {"camera": 0.9, "microphone": 0.2}
START_WATTS, START_SECONDS = 1.5, 30.0
"""What a boot takes, and for how long."""

CHARGED = 0.8
"""The share of the panel's yield that the battery gives back."""
OVERCAST = 0.12
"""The share of a clear sky's yield that the thickest clouds leave."""
CUT_OFF_VOLTS, RECOVERED_VOLTS = 11.5, 12.4
"""Where a charge controller disconnects its load, and connects it again: Morningstar's SunSaver at
11.5 and 12.6 V, of which the current of the charge makes up 0.2 V."""
VOLTS = (10.5, 11.31, 11.58, 11.75, 11.9, 12.06, 12.2, 12.32, 12.42, 12.5, 12.7)
"""By tenths of the charge that it can have (Renogy's manual of a PWM controller)."""
DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000


class Weather:
    """Clouds that come and go in spells of days, and the temperature."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def cloud(self, utc_us: int) -> float:
        """How overcast it is, from 0 to 1; a December of Germany has five days of seven without
        sun."""
        spell = self._curve("spell", utc_us / (4 * DAY_US))
        hour = self._curve("hour", utc_us / (3 * HOUR_US))
        return min(1.0, max(0.0, 0.3 + 1.1 * spell + 0.4 * (hour - 0.5)))

    def celsius(self, utc_us: int) -> float:
        """The air: 6 °C in November, 0 in January; clear nights are cold."""
        season = math.cos(2 * math.pi * (_day_of_year(utc_us) - 20) / 365.25)
        warm = 6.0 * self._curve("warm", utc_us / (3 * DAY_US))
        daily = 2.0 * math.cos(2 * math.pi * (utc_us % DAY_US / DAY_US - 15 / 24))
        return 5.0 - 8.0 * season + warm + daily

    def _curve(self, name: str, at: float) -> float:
        """A smooth random curve between 0 and 1."""
        number, part = divmod(at, 1.0)
        before, after = (
            random.Random(f"{self._seed} {name} {int(number) + i}").random() for i in (0, 1)
        )
        return before + (after - before) * part * part * (3 - 2 * part)


class Supply:
    """The battery with its panel: full at first. What it gained and gave is in watt-hours."""

    def __init__(self, weather: Weather, watts: float, watt_hours: float) -> None:
        self.gained = self.given = 0.0
        self._weather, self._watts, self._watt_hours = weather, watts, watt_hours
        self._charge = self._capacity = watt_hours

    @property
    def is_low(self) -> bool:
        """Whether the charge controller disconnects the machine."""
        return self._rest_volts < CUT_OFF_VOLTS

    @property
    def is_recovered(self) -> bool:
        """Whether it connects the machine again."""
        return self._rest_volts >= RECOVERED_VOLTS

    def volts(self, chance: random.Random) -> float:
        """What a sensor measures, to 10 mV."""
        return round(self._rest_volts + chance.gauss(0.0, 0.01), 2)

    def pass_time(self, utc_us: int, seconds: float, watts: float) -> None:
        """Charge by the sun, and feed what takes so many watts."""
        weather = self._weather
        clear = 1 - (1 - OVERCAST) * weather.cloud(utc_us)
        gained = CHARGED * self._watts * clear * sunshine(utc_us) * seconds / 3600
        used = watts * seconds / 3600
        self.gained += gained
        self.given += used
        self._capacity = self._watt_hours * _share_when_cold(weather.celsius(utc_us))
        self._charge = min(self._capacity, max(0.0, self._charge + gained - used))

    @property
    def _rest_volts(self) -> float:
        return _between(VOLTS, self._charge / self._capacity)


def sunshine(utc_us: int) -> float:
    """The yield of the panel under a clear sky, as a share of its watts."""
    season = 2 * math.pi * (_day_of_year(utc_us) + 10) / 365.25  # since the winter solstice
    declination = math.radians(-23.44) * math.cos(season)
    hour = 2 * math.pi * (utc_us % DAY_US / DAY_US + LONGITUDE / 360 - 0.5)
    height = _cosine(declination, hour, LATITUDE)
    if height <= 0.02:
        return 0.0
    direct = 1.35 * 0.7 ** (height ** -0.678)  # Meinel's formula for the air on the way, kW/m²
    return direct * max(0.0, _cosine(declination, hour, LATITUDE - TILT)) + 0.1 * direct


def _cosine(declination: float, hour: float, latitude: float) -> float:
    """Of the angle between the sun and what lies flat at that latitude."""
    at = math.radians(latitude)
    flat = math.cos(at) * math.cos(declination) * math.cos(hour)
    return math.sin(at) * math.sin(declination) + flat


def _day_of_year(utc_us: int) -> float:
    return utc_us / DAY_US % 365.25


def _share_when_cold(celsius: float) -> float:
    """A lead battery at a low current: all at 25 °C, 85 % at 0, and 70 % at -15."""
    return min(1.0, 1.0 - 0.006 * max(0.0, 25.0 - celsius))


def _between(points: tuple[float, ...], share: float) -> float:
    """The value between evenly spaced points."""
    at = min(max(share, 0.0), 1.0) * (len(points) - 1)
    number = min(int(at), len(points) - 2)
    return points[number] + (points[number + 1] - points[number]) * (at - number)
