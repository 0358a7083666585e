"""A day's readings of one sensor as AppMAIS writes them: ``"14-00-00", 87, 53``, a line each.

The time is local; the columns behind it have no heading. A value that could not be had is ``nan``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import BinaryIO

from beemon.base.quoting import shown
from beemon.base.units import USUAL

KNOWN = {
    "temp": ("temperature:F", "humidity:%"),
    "cpu": ("cpu_temperature:F",),
}
"""The known columns of a folder: a quantity and its unit."""

LARGEST = 1e300
"""No value is larger; its conversion must not overflow either."""
LONGEST_LINE = 4096
MOST_TOLD = 10
"""The number of unreadable lines of a file that are reported one by one."""

_TIME = re.compile(r"\d\d-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COLUMN = re.compile(r"(?P<quantity>[a-z][a-z0-9_]*):(?P<unit>\S*)")


@dataclass(frozen=True)
class Column:
    """One column: a quantity, in the unit that it is written in."""

    quantity: str
    written_in: str

    @property
    def unit(self) -> str:
        """The unit that its values have here."""
        return USUAL.get(self.written_in, (self.written_in, float))[0]

    def value(self, written: float) -> tuple[float, float | None]:
        """A value in :attr:`unit`, and the original number if it differs."""
        if self.written_in not in USUAL:
            return written, None
        return USUAL[self.written_in][1](written), written


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
            raise ValueError(f'"{text}" is not a column (quantity:unit) such as weight:lb')
        found.append(Column(match["quantity"], match["unit"]))
    return tuple(found)


def read(path: Path, expected: Sequence[Column]) -> Iterator[Line | str]:
    """A file's lines; a sentence for each that makes no sense, and for the first that says more
    than expected. Of many such lines the first few are reported, and how many more there are."""
    is_told, wrong = False, 0
    with path.open("rb") as file:
        for number, written in enumerate(_lines(file), 1):
            try:
                cells = _cells(written)
                if not cells:
                    continue
                moment, values = _moment(cells[0]), tuple(map(_number, cells[1:]))
            except ValueError as error:
                wrong += 1
                if wrong <= MOST_TOLD:
                    yield f"line {number}: {error}"
                continue
            if len(values) > len(expected) and not is_told:
                is_told = True
                yield (f"line {number}: it has {len(values)} values, and it was said what "
                       f"{len(expected)} are; the others are left out, in all lines")
            yield Line(number, moment, values[: len(expected)])
    if wrong > MOST_TOLD:
        yield f"{wrong - MOST_TOLD} more lines cannot be read"


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines; a line that is too long for readings is cut."""
    while line := file.readline(LONGEST_LINE):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE)
        yield line


def _cells(line: bytes) -> list[str]:
    """The cells of a line; none if it is empty. Raises ``ValueError``."""
    if b"\0" in line:
        raise ValueError("it contains NUL characters, probably after a power cut")
    if len(line) == LONGEST_LINE:
        raise ValueError("it is too long for a line of readings")
    text = line.decode(errors="replace").lstrip("\ufeff").strip()
    try:
        return next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _moment(cell: str) -> time:
    if not _TIME.fullmatch(cell.strip()):
        raise ValueError(f'"{shown(cell)}" is not a time such as 14-00-00')
    return time.fromisoformat(cell.strip().replace("-", ":"))


def _number(cell: str) -> float | None:
    if cell.strip().lower() == "nan":
        return None
    if not _NUMBER.fullmatch(cell.strip()) or abs(float(cell)) > LARGEST:
        raise ValueError(f'"{shown(cell)}" is not a measurement')
    return float(cell)
