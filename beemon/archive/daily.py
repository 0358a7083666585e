"""A day's readings of one sensor as AppMAIS writes them: ``"14-00-00", 87, 53``, a line each.

The time is local; the columns behind it have no heading. A value that could not be had is ``nan``.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path

from beemon.archive.appmais import to_celsius

KNOWN = {
    "temp": ("temperature:F", "humidity:%"),
    "cpu": ("cpu_temperature:F",),
}
"""What the columns in a folder are, as far as it is known: a quantity and its unit."""

_CONVERSIONS: dict[str, tuple[str, Callable[[float], float]]] = {
    "F": ("°C", to_celsius),
    "°F": ("°C", to_celsius),
    "C": ("°C", float),
    "lb": ("g", lambda pounds: pounds * 453.59237),
    "kg": ("g", lambda kilograms: kilograms * 1000),
}
"""What a unit becomes here; another one stays as it is."""
_COLUMN = re.compile(r"(?P<quantity>[a-z][a-z0-9_]*):(?P<unit>\S*)")


@dataclass(frozen=True)
class Column:
    """One column: a quantity, in the unit that it is written in."""

    quantity: str
    written_in: str

    @property
    def unit(self) -> str:
        """The unit that its values have here."""
        return _CONVERSIONS.get(self.written_in, (self.written_in, float))[0]

    def value(self, written: float) -> tuple[float, float | None]:
        """A value in :attr:`unit`, and what was written, where that is something else."""
        if self.written_in not in _CONVERSIONS:
            return written, None
        return _CONVERSIONS[self.written_in][1](written), written


@dataclass(frozen=True)
class Line:
    """One line: the local time, and for each column what was written; None for ``nan``."""

    number: int
    moment: time
    values: tuple[float | None, ...]


def columns(said: Iterable[str]) -> tuple[Column, ...]:
    """Columns such as ``weight:lb``. Raises ``ValueError``."""
    found = []
    for text in said:
        match = _COLUMN.fullmatch(text)
        if match is None:
            raise ValueError(f'"{text}" is no column such as weight:lb (a quantity and its unit)')
        found.append(Column(match["quantity"], match["unit"]))
    return tuple(found)


def read(path: Path, expected: Sequence[Column]) -> Iterator[Line | str]:
    """A file's lines; a sentence for each that makes no sense, and for the first that says more
    than expected."""
    is_told = False
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for number, cells in enumerate(csv.reader(file, skipinitialspace=True), 1):
            if not cells:
                continue
            try:
                moment, values = _moment(cells[0]), tuple(map(_number, cells[1:]))
            except ValueError as error:
                yield f"{path}, line {number}: {error}"
                continue
            if len(values) > len(expected) and not is_told:
                is_told = True
                yield (f"{path}, line {number}: it has {len(values)} values, and it was said what "
                       f"{len(expected)} are; the others are left out, in all lines")
            yield Line(number, moment, values[: len(expected)])


def _moment(cell: str) -> time:
    if not re.fullmatch(r"\d\d-\d\d-\d\d", cell.strip()):
        raise ValueError(f'"{cell[:20]}" is no time such as 14-00-00')
    return time.fromisoformat(cell.strip().replace("-", ":"))


def _number(cell: str) -> float | None:
    value = float(cell)
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise ValueError(f"{cell.strip()} is no measurement")
    return value
