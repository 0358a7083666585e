"""Sun: the times of sunrise and sunset at a place, to the minute.

The sun is up while its upper edge is above a level horizon in ordinary air. Its centre is then at
-50 minutes of arc or higher: 34 for refraction and 16 for the radius (U.S. Naval Observatory,
"Rise, Set, and Twilight Definitions"). ephem calculates the position of the sun. Rise and set
follow from its hour angle (Meeus, "Astronomical Algorithms", chapter 15).

On a day without a sunset, the sun counts as rising and setting at midnight by the mean sun. Each
sunset is then the next day's sunrise. No day begins before that midnight, or ends after the next
one. On a day without a sunrise, both count as being at noon.
These are the limits that the days before approach.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

_HORIZON = math.radians(-50 / 60)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_KEPT_DAYS = 4096


class Place(NamedTuple):
    """Degrees, WGS 84: north and east are positive."""

    latitude: float
    longitude: float


class SunTimes(NamedTuple):
    """Both in UTC; the setting is the first one after the rising, if there is any."""

    sunrise: datetime
    sunset: datetime


def is_known() -> bool:
    """Whether ephem is there to ask, and can be loaded."""
    try:
        import ephem  # noqa: F401
    except ImportError:
        return False
    return True


def times(place: Place, day: date, civil_noon: datetime) -> SunTimes:
    """The sun's times on a day whose noon, by the clock, is ``civil_noon`` (aware).

    Raises ``ImportError`` where ephem is not installed.
    """
    mean_noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(
        hours=place.longitude / 15
    )
    apart = (mean_noon - civil_noon) % _DAY  # the day's noon by the sun is the nearest one
    noon = civil_noon + (apart if apart < _DAY / 2 else apart - _DAY)
    return _times(place, noon.astimezone(UTC))


@lru_cache(_KEPT_DAYS)
def _times(place: Place, mean_noon: datetime) -> SunTimes:
    angle, declination = _position(place, mean_noon)
    noon = mean_noon - _turn(angle)
    half = _half_day(place, declination)
    first, last = mean_noon - _DAY / 2, mean_noon + _DAY / 2
    if half == math.pi:
        rising, setting = first, last
    elif half == 0.0:
        rising = setting = noon
    else:
        rising = max(first, _refined(place, noon - _turn(half), -1))
        setting = min(last, _refined(place, noon + _turn(half), 1))
    return SunTimes(_whole_minute(rising), _whole_minute(setting))


def _refined(place: Place, at: datetime, side: int) -> datetime:
    """The moment again, with the declination that the sun has then and not at noon."""
    angle, declination = _position(place, at)
    return at + _turn(side * _half_day(place, declination) - angle)


def _half_day(place: Place, declination: float) -> float:
    """The sun's hour angle at sunset: 0 on a day without a sunrise, pi on a day without a sunset.
    """
    latitude = math.radians(max(-89.99, min(place.latitude, 89.99)))
    cosine = (math.sin(_HORIZON) - math.sin(latitude) * math.sin(declination)) / (
        math.cos(latitude) * math.cos(declination)
    )
    return math.acos(max(-1.0, min(cosine, 1.0)))


def _position(place: Place, at: datetime) -> tuple[float, float]:
    """The sun's hour angle (-pi to pi, 0 at noon) and declination."""
    import ephem  # only a window by the sun needs it

    observer, sun = ephem.Observer(), ephem.Sun()  # new ones, as several threads may ask
    observer.pressure = 0  # the refraction is in the horizon
    observer.lat, observer.lon = math.radians(place.latitude), math.radians(place.longitude)
    observer.date = at.replace(tzinfo=None)
    sun.compute(observer)
    angle = float(observer.sidereal_time()) - float(sun.ra)
    return math.remainder(angle, math.tau), float(sun.dec)


def _turn(angle: float) -> timedelta:
    return timedelta(days=angle / math.tau)


def _whole_minute(at: datetime) -> datetime:
    """Rounded, so that a newer ephem finds the same moments."""
    beyond = timedelta(seconds=at.second, microseconds=at.microsecond)
    return at - beyond + (_MINUTE if beyond >= _MINUTE / 2 else timedelta())
