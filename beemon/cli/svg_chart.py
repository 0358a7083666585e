"""SVG chart: a series as one picture of its own, which follows a dark or a light screen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from xml.sax.saxutils import escape

from beemon.cli.series import Point, Series, period, time_ticks, value_ticks

WIDTH, HEIGHT = 960, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 940, 50, 350
_STYLE = """
text { font: 13px sans-serif; fill: #222; } .name { font-size: 16px; }
.ground { fill: #fff; } .grid { stroke: #ddd; } .band { fill: #c77700; opacity: 0.25; }
.line { fill: none; stroke: #b35900; stroke-width: 1.5; stroke-linecap: round; }
@media (prefers-color-scheme: dark) {
text { fill: #ddd; } .ground { fill: #181818; } .grid { stroke: #3a3a3a; }
.line { stroke: #ffb44d; } .band { fill: #ffb44d; }
}
"""


def draw(series: Series, zone: tzinfo) -> str:
    """Return a chart as the text of an SVG file."""
    title, when = escape(series.title), escape(period(series, zone))
    unit = f" in {escape(series.unit)}" if series.unit else ""
    return "\n".join([
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{title}</title>',
        f'<desc id="desc">{title}{unit}, {when}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="name" x="{_LEFT}" y="28">{title}{unit}</text>',
        *_Chart(series, zone).elements(),
        f'<text x="{_LEFT}" y="{HEIGHT - 10}">{when}</text>',
        "</svg>", "",
    ])


class _Chart:
    """The axes and the lines of a series."""

    def __init__(self, series: Series, zone: tzinfo) -> None:
        self._series, self._zone = series, zone
        self._ticks = value_ticks(series, 8)

    def elements(self) -> Iterator[str]:
        """Return the elements from the back to the front."""
        for tick in self._ticks:
            y = self._y(tick.at)
            yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>'
            yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick.label}</text>'
        for tick in time_ticks(self._series, self._zone, 12):
            x = self._x(tick.at)
            yield f'<path class="grid" d="M{x:.1f} {_TOP}V{_BOTTOM}"/>'
            yield f'<text x="{x:.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{tick.label}</text>'
        for piece in self._series.pieces:
            yield from self._piece(piece)

    def _piece(self, piece: list[Point]) -> Iterator[str]:
        at = [f"{self._x(point.utc_us):.1f}" for point in piece]
        if any(point.low < point.high for point in piece):
            over = [f"{x} {self._y(point.high):.1f}" for x, point in zip(at, piece, strict=True)]
            under = [f"{x} {self._y(point.low):.1f}" for x, point in zip(at, piece, strict=True)]
            yield f'<path class="band" d="M{"L".join([*over, *reversed(under)])}Z"/>'
        line = [f"{x} {self._y(point.value):.1f}" for x, point in zip(at, piece, strict=True)]
        end = "h0.1" if len(line) == 1 else ""  # a single value is a dot
        yield f'<path class="line" d="M{"L".join(line)}{end}"/>'

    def _x(self, utc_us: float) -> float:
        span_us = max(self._series.end_us - self._series.begin_us, 1)
        return _LEFT + (utc_us - self._series.begin_us) / span_us * (_RIGHT - _LEFT)

    def _y(self, value: float) -> float:
        low, high = self._ticks[0].at, self._ticks[-1].at
        return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)
