"""Fields: formats that have a fixed list of values, and the series that provide each of them.

Nothing is guessed. If two sensors could provide a field, or if the place of a sensor is unknown but
matters, the owner has to choose. A series without a field is left out and listed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from beemon.base.options import suggestion
from beemon.formats.measured import Series


class Place(StrEnum):
    """The place of a sensor."""

    INSIDE = "inside"
    OUTSIDE = "outside"


_PLACES: Mapping[str, Place] = {
    **dict.fromkeys(("brood", "hive", "inside", "nest", "super"), Place.INSIDE),
    **dict.fromkeys(("air", "ambient", "outdoor", "outside", "shade", "weather"), Place.OUTSIDE),
}
"""By a word of a sensor's name."""


class FieldError(ValueError):
    """A field that the format does not have, or a sensor that does not measure it."""


class Field(NamedTuple):
    """One value of a format: its name there, and the quantity, by whose unit it has a factor.

    ``place`` is where the sensor has to be; None if that does not matter.
    """

    name: str
    quantity: str
    factors: Mapping[str, float]
    place: Place | None = None

    def takes(self, series: Series) -> bool:
        """Whether a series has this quantity, in a unit that can be converted."""
        return series.quantity == self.quantity and series.unit in self.factors

    def convert(self, unit: str, value: float) -> float:
        """A value in the unit of the format, to ten digits."""
        return float(f"{value * self.factors[unit]:.10g}")


class Choice(NamedTuple):
    """The field of each series that has one, and the series that could have had one."""

    fields: Mapping[Series, Field]
    left_out: Sequence[Series]


def choose(
    fields: Sequence[Field], series: Iterable[Series], asked: Mapping[str, str]
) -> Choice:
    """The fields that these series provide; ``asked`` names the sensor of a field.

    Raises :class:`FieldError`.
    """
    known = sorted(series)
    chosen: dict[Series, Field] = {}
    for name, sensor in asked.items():
        field = _field_named(name, fields)
        found = [one for one in known if one.sensor == sensor and field.takes(one)]
        if not found:
            raise FieldError(f"{sensor} has no {field.quantity} for {name} in this period")
        chosen |= dict.fromkeys(found, field)
    claims: dict[str, list[tuple[Series, Field]]] = defaultdict(list)
    for one in known:
        if field_of_one := _field_of(one, [f for f in fields if f.name not in asked]):
            claims[field_of_one.name].append((one, field_of_one))
    for claimed in claims.values():
        sensors = {one.sensor for one, _ in claimed}
        if len(sensors) == 1:
            chosen |= {one: field for one, field in claimed if one not in chosen}
    left_out = [
        one for one in known if one not in chosen and any(field.takes(one) for field in fields)
    ]
    return Choice(chosen, left_out)


def _field_named(name: str, fields: Sequence[Field]) -> Field:
    by_name = {field.name: field for field in fields}
    if name not in by_name:
        raise FieldError(f'there is no field "{name}"{suggestion(name, by_name)}')
    return by_name[name]


def _field_of(series: Series, fields: Sequence[Field]) -> Field | None:
    """The field of a series by its quantity, its unit and the name of its sensor."""
    kind, _, name = series.sensor.partition(".")
    if kind != "sensor":
        return None
    places = {_PLACES.get(word) for word in re.split(r"[^a-z]+", name.lower())} - {None}
    for field in fields:
        if field.takes(series) and (field.place is None or places == {field.place}):
            return field
    return None
