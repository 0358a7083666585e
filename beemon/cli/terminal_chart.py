"""Terminal chart: a series in braille characters, or in plain ones where these cannot be shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from beemon.cli.series import Series, Tick, period, time_ticks, value_ticks

_ROWS = 15
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille character, by the row and the column of their dot."""
_TIME_COLUMNS = 10


class Canvas:
    """Dots in ``columns`` times ``rows`` characters: 2 by 4 each in braille, else one each."""

    def __init__(self, columns: int, rows: int, *, is_braille: bool) -> None:
        self._columns, self._rows, self._is_braille = columns, rows, is_braille
        self.width = columns * (2 if is_braille else 1)
        self.height = rows * (4 if is_braille else 1)
        self._set: set[tuple[int, int]] = set()

    def draw(self, x0: int, y0: int, x1: int, y1: int) -> None:
        """Draw a line from one dot to another; (0, 0) is at the top left."""
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for at in range(steps + 1):
            share = at / steps
            self._set.add((round(x0 + (x1 - x0) * share), round(y0 + (y1 - y0) * share)))

    def row(self, number: int) -> str:
        """Return the characters of a row."""
        return "".join(self._character(column, number) for column in range(self._columns))

    def _character(self, column: int, row: int) -> str:
        if not self._is_braille:
            return "*" if (column, row) in self._set else " "
        bits = sum(
            _DOTS[y][x] for y in range(4) for x in range(2)
            if (2 * column + x, 4 * row + y) in self._set
        )
        return chr(_BRAILLE + bits) if bits else " "


def draw(series: Series, zone: tzinfo, width: int, *, is_braille: bool) -> Iterator[str]:
    """Return the lines of a chart, each of at most ``width`` columns."""
    values = value_ticks(series, 6)
    margin = max(len(tick.label) for tick in values)
    columns = max(10, width - margin - 2)
    canvas = Canvas(columns, _ROWS, is_braille=is_braille)
    _plot(series, canvas, values[0].at, values[-1].at)
    labels = {
        round((_ROWS - 1) * (1 - at / (len(values) - 1))): tick.label
        for at, tick in enumerate(values)
    }
    bar, corner, line = ("│", "└", "─") if is_braille else ("|", "+", "-")
    yield f"{series.title} in {series.unit}" if series.unit else series.title
    for row in range(_ROWS):
        yield f"{labels.get(row, ''):>{margin}} {bar}{canvas.row(row)}".rstrip()
    yield f"{'':{margin}} {corner}{line * columns}"
    ticks = time_ticks(series, zone, max(2, columns // _TIME_COLUMNS))
    yield f"{'':{margin + 2}}{_times(series, ticks, columns)}".rstrip()
    begin, end = period(series, zone).split(" to ")
    yield from [f"{begin} to {end}"] if 2 * len(begin) + 4 <= width else [begin, f"to {end}"]


def _plot(series: Series, canvas: Canvas, low: float, high: float) -> None:
    span_us = max(series.end_us - series.begin_us, 1)

    def across(utc_us: int) -> int:
        return round((utc_us - series.begin_us) / span_us * (canvas.width - 1))

    def down(value: float) -> int:
        return round((high - value) / (high - low) * (canvas.height - 1))

    for piece in series.pieces:
        before = piece[0]
        for point in piece:
            x = across(point.utc_us)
            canvas.draw(x, down(point.low), x, down(point.high))
            canvas.draw(across(before.utc_us), down(before.value), x, down(point.value))
            before = point


def _times(series: Series, ticks: list[Tick], columns: int) -> str:
    span_us = max(series.end_us - series.begin_us, 1)
    text = ""
    for tick in ticks:
        at = round((tick.at - series.begin_us) / span_us * (columns - 1))
        if len(text) + bool(text) <= at and at + len(tick.label) <= columns:
            text = f"{text:{at}}{tick.label}"
    return text
