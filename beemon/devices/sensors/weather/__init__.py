"""The weather: from a station of the owner's, or from a model of the weather.

Nothing is asked that the owner did not name. A source that is slow or wrong costs its own readings
alone: weather sensors have a worker for themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from beemon.base.options import (
    BadOptionError,
    absolute_path,
    duration_within,
    in_toml,
    option,
    suggestion,
)
from beemon.base.readings import MODELLED
from beemon.devices._base import (
    BadReadingError,
    DeviceError,
    Measurement,
    Refusal,
    Sensor,
    SensorSettings,
)
from beemon.devices.sensors.weather import answers, sources
from beemon.devices.sensors.weather.answers import Lookup
from beemon.devices.sensors.weather.sources import Source

OPEN_METEO = "open-meteo"
AHEAD = 600.0
"""The time in seconds by which a source's clock may be ahead of this one."""


class Scale(NamedTuple):
    """The conversion of a unit: (number - ``zero``) times ``factor``."""

    factor: float
    zero: float = 0.0


class Quantity(NamedTuple):
    """A quantity of the weather: its unit, its possible values, and other units that it has."""

    unit: str
    least: float
    most: float
    others: Mapping[str, Scale] = {}

    def convert(self, value: float, unit: str) -> float:
        """The value in the quantity's unit. Raises :class:`BadReadingError`."""
        scale = self.others.get(unit, Scale(1.0))
        found = float(f"{(value - scale.zero) * scale.factor:.10g}")
        if not self.least <= found <= self.most:
            raise BadReadingError("out-of-range", f"{found:g} {self.unit} is impossible")
        return found


    def check_unit(self, told: str, unit: str) -> None:
        """Raise :class:`BadReadingError` if the unit of an answer is another one of this quantity.

        Any other text after a number is not known as a unit, and is left out.
        """
        known = {one.strip("°").lower(): one for one in (self.unit, *self.others)}
        found = known.get(told.strip("°").lower(), unit)
        if found != unit:
            raise BadReadingError(
                "not-a-number", f"its unit is {found}, and not {unit}: name the unit in `units`"
            )


QUANTITIES: Mapping[str, Quantity] = {
    "temperature": Quantity("°C", -70.0, 60.0, {"°F": Scale(1 / 1.8, 32.0), "K": Scale(1, 273.15)}),
    "humidity": Quantity("%", 0.0, 100.0),
    "pressure": Quantity("Pa", 30_000.0, 120_000.0, {
        "hPa": Scale(100.0), "mbar": Scale(100.0), "kPa": Scale(1000.0), "inHg": Scale(3386.389),
    }),
    "rain_rate": Quantity("mm/h", 0.0, 2000.0, {
        "mm/15min": Scale(4.0), "mm/10min": Scale(6.0), "mm/5min": Scale(12.0), "in/h": Scale(25.4),
    }),
    "wind_speed": Quantity("m/s", 0.0, 120.0, {
        "km/h": Scale(1 / 3.6), "mph": Scale(0.44704), "kn": Scale(1852 / 3600),
    }),
    "wind_direction": Quantity("°", 0.0, 360.0),
    "radiation": Quantity("W/m²", 0.0, 2000.0),
}


def _source(value: object) -> str | Path:
    """The name of Open-Meteo, the address of a server, or the path of a file."""
    if value == OPEN_METEO:
        return OPEN_METEO
    is_web = isinstance(value, str) and value.partition("://")[0] in ("http", "https")
    return _address(value) if is_web else absolute_path(value)


def _address(value: object) -> str:
    from beemon.base.web_client import web_address  # it brings TLS, which a file does not need

    return web_address(value)


def _texts(value: object) -> dict[str, str]:
    """A table of texts by quantity."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise BadOptionError(f"must be a table of texts, not {in_toml(value)}")
    for name in value:
        if name not in QUANTITIES:
            raise BadOptionError(f'does not know "{name}"{suggestion(name, QUANTITIES)}')
    return value


def _units(value: object) -> dict[str, str]:
    units = _texts(value)
    for name, unit in units.items():
        known = (QUANTITIES[name].unit, *QUANTITIES[name].others)
        if unit not in known:
            raise BadOptionError(f"has {in_toml(unit)} for {name}; known: {', '.join(known)}")
    return units


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """The weather, from a file or a server.

    The file or the answer is JSON or a table (CSV). In JSON, ``fields`` names a value by its keys,
    with dots in between: ``data.conditions.0.temp``. In a table it names a column, and the last
    line counts. The quantities are ``temperature`` (°C), ``humidity`` (%), ``pressure`` (Pa),
    ``rain_rate`` (mm/h), ``wind_speed`` (m/s), ``wind_direction`` (°) and ``radiation`` (W/m²).

    The service cannot see files below /home, /root and /tmp. It reaches this machine and the local
    network only. If the source is on the Internet, type ``sudo systemctl edit beemon``, add the
    lines ``[Service]`` and ``IPAddressAllow=any``, and restart beemon.

    With the source ``open-meteo``, a weather service on the Internet gets the position, rounded to
    0.1 degrees, and no other data. Its values come from models of the weather.

        [sensor.weather]
        driver = "weather"
        source = "http://192.168.1.20/v1/current_conditions"
        time = "data.ts"
        units = { temperature = "°F" }
        [sensor.weather.fields]
        temperature = "data.conditions.0.temp"
        humidity = "data.conditions.0.hum"
    """

    source: str | Path = option(
        parse=_source,
        doc="the path of a file, the address of a server (``http://`` or ``https://``), or "
        "``open-meteo``",
    )
    fields: dict[str, str] | None = option(
        None, parse=_texts, doc="the field of each quantity in the answer"
    )
    units: dict[str, str] | None = option(
        None, parse=_units,
        doc="the units of fields that have another unit than the quantity: "
        + "; ".join(f"{name} ``{'``, ``'.join(one.others)}``"
                    for name, one in QUANTITIES.items() if one.others),
    )
    time: str | None = option(
        None, doc="the field with the time of the values, in ISO 8601 or since 1970. Without it, "
        "the time at which a file was written counts",
    )
    time_zone: Literal["utc", "local"] = option("utc", doc="the zone of a time without one")
    stale_after: float = option(
        3600.0, parse=duration_within("1m", "7d"), doc="maximum age of the values"
    )
    modelled: bool = option(
        False, doc="the source calculates its values from a model, or for another place. They get "
        "the quality ``modelled``",
    )
    latitude: float | None = option(
        None, minimum=-90, maximum=90, doc="the latitude for ``open-meteo``, in degrees"
    )
    longitude: float | None = option(
        None, minimum=-180, maximum=180, doc="the longitude for ``open-meteo``, in degrees"
    )
    wait: float = option(
        10.0, parse=duration_within("1s", "5m"), doc="maximum time for an answer"
    )
    timeout: float = option(
        30.0, parse=duration_within("0.1s", "10m"), doc="maximum time for one reading"
    )
    server: str = option(
        sources.OPEN_METEO, parse=_address,
        doc="the address for ``open-meteo``, if you run its server yourself",
    )

    def __post_init__(self) -> None:
        if self.timeout <= self.wait:
            raise BadOptionError(f'"timeout" must be longer than "wait" ({self.wait:g} s)')
        if self.is_open_meteo:
            self._check_position()
        elif not self.fields:
            raise BadOptionError('"fields" must name the field of at least one quantity')
        elif odd := set(self.units or {}) - set(self.fields):
            raise BadOptionError(f'"units" has {", ".join(sorted(odd))}, and "fields" does not')

    def _check_position(self) -> None:
        if self.latitude is None or self.longitude is None:
            raise BadOptionError(f'"{OPEN_METEO}" needs "latitude" and "longitude"')
        if self.fields or self.units or self.time:
            raise BadOptionError(f'"{OPEN_METEO}" has its own "fields", "units" and "time"')

    @property
    def is_open_meteo(self) -> bool:
        """Whether the source is Open-Meteo."""
        return self.source == OPEN_METEO

    @property
    def field_names(self) -> Mapping[str, str]:
        """The field of each quantity."""
        return sources.OPEN_METEO_FIELDS if self.is_open_meteo else self.fields or {}

    @property
    def unit_names(self) -> Mapping[str, str]:
        """The unit of each field that has another one than its quantity."""
        return sources.OPEN_METEO_UNITS if self.is_open_meteo else self.units or {}

    @property
    def time_field(self) -> str | None:
        """The field with the time of the values."""
        return sources.OPEN_METEO_TIME if self.is_open_meteo else self.time

    @property
    def quality(self) -> str:
        """The quality of the values."""
        return MODELLED if self.modelled or self.is_open_meteo else "good"

    @property
    def measures(self) -> Sequence[str]:
        return tuple(self.field_names)


class Driver(Sensor):
    """Asks its source at each reading."""

    group = "weather"
    settings: Settings

    def absent(self) -> str | None:
        source = self.settings.source
        return f"{source} is missing" if isinstance(source, Path) and not source.exists() else None

    def read(self) -> Sequence[Measurement | Refusal]:
        source = self._ask()
        lookup = answers.parse(source.text)
        self._check_age(lookup, source.written)
        said = [self._measure(name, lookup) for name in self.settings.field_names]
        errors = [one for one in said if isinstance(one, DeviceError)]
        if len(errors) == len(said):
            raise errors[0]
        return [
            Refusal(name, QUANTITIES[name].unit, one.reason, str(one))
            if isinstance(one, DeviceError) else one
            for name, one in zip(self.settings.field_names, said, strict=True)
        ]

    def _ask(self) -> Source:
        settings = self.settings
        if isinstance(settings.source, Path):
            return sources.read_file(settings.source)
        address = settings.source
        if settings.latitude is not None and settings.longitude is not None \
                and settings.is_open_meteo:
            address = sources.open_meteo_address(
                settings.server, settings.latitude, settings.longitude
            )
        return sources.fetch(address, settings.wait)

    def _check_age(self, lookup: Lookup, written: float | None) -> None:
        """Raise :class:`BadReadingError` for values that are too old, or not of this time."""
        field, made = self.settings.time_field, written
        if field is not None:
            made = answers.moment(lookup(field), self._zone)
        if made is None:
            return
        age = time.time() - made
        if age > self.settings.stale_after:
            raise BadReadingError("stale", f"its values are {age / 60:.0f} min old")
        if age < -AHEAD:
            raise BadReadingError(
                "stale", f"the time of its values is {-age / 60:.0f} min ahead of the clock here"
            )

    @property
    def _zone(self) -> Callable[[datetime], datetime]:
        return answers.as_utc if self.settings.time_zone == "utc" else answers.as_local

    def _measure(self, name: str, lookup: Lookup) -> Measurement | BadReadingError:
        quantity = QUANTITIES[name]
        try:
            told = lookup(self.settings.field_names[name])
            unit = self.settings.unit_names.get(name, quantity.unit)
            quantity.check_unit(answers.unit(told), unit)
            value = quantity.convert(answers.number(told), unit)
        except BadReadingError as error:
            return error
        return Measurement(name, value, quantity.unit, quality=self.settings.quality)
