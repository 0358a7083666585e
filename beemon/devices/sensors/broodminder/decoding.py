"""Decoding: the advertisement of a BroodMinder as measurements, after the maker's description.

The data follow the company's number. They have a place for each number (see below). Of numbers of
two bytes, the low byte is first. Some numbers mean that there is no value.

A SubHub repeats the advertisements of other sensors at its own address. Three bytes, one of them
the realtime temperature's, then hold the ID of the sensor, as it is printed on it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from beemon.devices._base import BadReadingError, Measurement, Refusal

COMPANY = 0x028D
SUBHUB = 52

_LEAST_BYTES, _WHOLE_BYTES = 15, 21
_BATTERY, _SAMPLE, _TEMPERATURE, _HUMIDITY = 4, 5, 7, 14
_ORIGIN = (3, 9, 20)
_NO_TEMPERATURE, _NO_WEIGHT = 0xFFFF, (0x7FFF, 0x8005, 0xFFFF)
_ZERO_WEIGHT = 32767

Said = Measurement | Refusal


class Model(NamedTuple):
    """A model: ``cells`` are the places of its weights in the data.

    If it ``is_old``, its temperature is the number of an older chip.
    """

    name: str
    is_old: bool = False
    has_humidity: bool = False
    cells: tuple[int, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """The quantities."""
        weights = ("weight", *(f"weight_{n}" for n in range(1, len(self.cells) + 1)))
        return (
            "temperature", *(("humidity",) if self.has_humidity else ()),
            *(weights if self.cells else ()), "battery",
        )


MODELS: Mapping[int, Model] = {
    41: Model("T", is_old=True),
    42: Model("TH", is_old=True, has_humidity=True),
    43: Model("W", is_old=True, cells=(10, 12)),
    47: Model("T2"),
    49: Model("W3", cells=(10, 12, 15, 17)),
    SUBHUB: Model("SubHub"),
    56: Model("TH2", has_humidity=True),
    57: Model("W2", cells=(10, 12)),
    58: Model("DIY scale", cells=(10, 12, 15, 17)),
}
"""By the first two digits of the ID. The models 41, 47, 49 and 52 send 0 as a humidity, which they
do not measure; of the other scales nothing is known about it."""


class Advertisement(NamedTuple):
    """One advertisement. ``origin`` is the ID of the sensor, if a SubHub repeats it."""

    model: Model
    sample: int
    origin: str
    said: Sequence[Said]


def decode(data: bytes, grams: float) -> Advertisement:
    """Decode the data of a company; one unit of its weights is ``grams``.

    Raises :class:`BadReadingError` for an unknown model, or for data that are too short.
    """
    model = MODELS.get(data[0]) if len(data) >= _LEAST_BYTES else None
    if model is None or len(data) < max((cell + 2 for cell in model.cells), default=0):
        raise BadReadingError("out-of-range", f"no model of BroodMinder sends {data.hex()}")
    said = [_temperature(model, _number(data, _TEMPERATURE))]
    if model.has_humidity:
        said.append(_percent("humidity", data[_HUMIDITY]))
    if model.cells:
        said += _weights([_number(data, cell) for cell in model.cells], grams)
    said.append(_percent("battery", data[_BATTERY]))
    origin = ":".join(f"{data[place]:02X}" for place in _ORIGIN if place < len(data))
    return Advertisement(model, _number(data, _SAMPLE), origin, said)


def _number(data: bytes, place: int) -> int:
    found: int = struct.unpack_from("<H", data, place)[0]
    return found


def _temperature(model: Model, raw: int) -> Said:
    if raw == _NO_TEMPERATURE:
        return _nothing("temperature", "°C", raw)
    celsius = raw / 65536 * 165 - 40 if model.is_old else (raw - 5000) / 100
    return Measurement("temperature", round(celsius, 3), "°C", raw=raw)


def _percent(quantity: str, raw: int) -> Said:
    if raw > 100:
        return Refusal(quantity, "%", "out-of-range", f"{raw} % is impossible", raw=raw)
    return Measurement(quantity, raw, "%")


def _weights(raws: Sequence[int], grams: float) -> list[Said]:
    """The whole weight, if each cell has one, and that of each cell."""
    cells: list[Said] = [
        _nothing(f"weight_{n}", "g", raw) if raw in _NO_WEIGHT
        else Measurement(f"weight_{n}", _weight(raw, grams), "g", raw=raw)
        for n, raw in enumerate(raws, 1)
    ]
    if any(raw in _NO_WEIGHT for raw in raws):
        silent = Refusal("weight", "g", "not-a-number", "a cell of the scale sends no weight")
        return [silent, *cells]
    whole = sum(_weight(raw, grams) for raw in raws)
    return [Measurement("weight", round(whole, 3), "g"), *cells]


def _weight(raw: int, grams: float) -> float:
    return round((raw - _ZERO_WEIGHT) / 100 * grams, 3)


def _nothing(quantity: str, unit: str, raw: int) -> Refusal:
    return Refusal(
        quantity, unit, "not-a-number", f"the sensor sent 0x{raw:04X}: it has no value", raw=raw
    )
