"""Series: the values of one quantity over time, with the ticks of both axes of a chart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, time, timedelta, tzinfo
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from beemon.base.facts import Json
from beemon.base.moments import clock_text, from_iso, to_datetime, to_microseconds
from beemon.cli.numbers import larger_unit
from beemon.protocol.replies import History

_LONGEST_STEP = 3
"""The number of usual steps from which on a time without a value is a gap."""
_HOURS = (1, 3, 6, 12, 24, 48, 168, 336, 720, 1440, 2160, 4320, 8760)


class Point(NamedTuple):
    """One value, or the mean of an hour from its ``low`` to its ``high``."""

    utc_us: int
    value: float
    low: float
    high: float


class Tick(NamedTuple):
    """A position on an axis with its label."""

    at: float
    label: str


class Series(NamedTuple):
    """Points without a gap in each piece; ``begin_us`` to ``end_us`` is the period of a chart."""

    title: str
    unit: str
    pieces: list[list[Point]]
    begin_us: int
    end_us: int

    @property
    def points(self) -> Iterator[Point]:
        """All points, in order of time."""
        return (point for piece in self.pieces for point in piece)


def make_series(told: History, begin_us: int, now_us: int) -> Series:
    """Return the series of a reply; without any value, it has no pieces."""
    rows = [row for row in map(_point, told.rows) if row is not None]
    largest = max((abs(point.value) for point in rows if isinstance(point, Point)), default=0.0)
    factor, unit = larger_unit(largest, told.unit)
    times = [row.utc_us if isinstance(row, Point) else row for row in rows]
    return Series(
        f"{told.device} {told.quantity}", unit, [*_pieces(rows, times, factor)],
        min([begin_us, *times[:1]]), max([now_us, *times[-1:]]),
    )


def _point(row: tuple[Json, ...]) -> Point | int | None:
    """A row as a point; as its time alone if it has no value."""
    utc, value, *rest = row
    at = from_iso(str(utc))
    if not isinstance(value, int | float):
        return at
    low, high = rest[:2] if len(row) > 4 else (value, value)
    extremes = (low, high) if isinstance(low, int | float) and isinstance(high, int | float) \
        else (value, value)
    return Point(at, value, *extremes)


def _pieces(rows: list[Point | int], times: list[int], factor: float) -> Iterator[list[Point]]:
    steps = [after - before for before, after in pairwise(times)]
    longest = _LONGEST_STEP * median(steps) if steps else 0
    piece: list[Point] = []
    before = 0
    for row, at in zip(rows, times, strict=True):
        if piece and (not isinstance(row, Point) or at - before > longest):
            yield piece
            piece = []
        if isinstance(row, Point):
            piece.append(Point(at, row.value / factor, row.low / factor, row.high / factor))
        before = at
    if piece:
        yield piece


def value_ticks(series: Series, most: int) -> list[Tick]:
    """Return at most ``most`` round values that enclose all values of a series."""
    low = min(point.low for point in series.points)
    high = max(point.high for point in series.points)
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-3):
        low, high = low - max(abs(low) * 0.01, 0.01), high + max(abs(high) * 0.01, 0.01)
    for step in _round_steps((high - low) / most):
        first, last = math.floor(low / step), math.ceil(high / step)
        if last - first < most:
            break
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [Tick(at * step, f"{at * step:.{decimals}f}") for at in range(first, last + 1)]


def _round_steps(least: float) -> Iterator[float]:
    power = 10.0 ** math.floor(math.log10(least))
    while True:
        yield from (power * digit for digit in (1, 2, 5))
        power *= 10


def time_ticks(series: Series, zone: tzinfo, most: int) -> list[Tick]:
    """Return at most ``most`` round local times within the period, in microseconds since 1970."""
    hours = (series.end_us - series.begin_us) / 3.6e9
    step = next((step for step in _HOURS if hours / step < most), _HOURS[-1])
    begin = to_datetime(series.begin_us, zone)
    moment = datetime.combine(begin.date(), time(), zone)
    found: list[Tick] = []
    while (at := to_microseconds(moment)) <= series.end_us:
        is_skipped = to_datetime(at, zone).hour != moment.hour  # in spring there is no such time
        if at >= series.begin_us and not is_skipped:
            is_day = step >= 24 or (moment.hour == 0 and moment.minute == 0)
            found.append(Tick(at, f"{moment:%m-%d}" if is_day else f"{moment:%H:%M}"))
        moment += timedelta(hours=step)
    return found


def period(series: Series, zone: tzinfo) -> str:
    """Return the period of a series as local times with their offset."""
    begin, end = (to_datetime(at, zone) for at in (series.begin_us, series.end_us))
    return f"{clock_text(begin)} to {clock_text(end)}"
