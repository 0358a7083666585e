"""Thinning: a line of many points with fewer of them, that keeps its extremes and its gaps.

The line is cut into equal spans of time. Of each span the lowest and the highest point remain, and
the first gap. A chart of the rest looks the same, because a span is narrower than a pixel or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple, TypeVar

_OF_A_SPAN = 3  # the lowest, the highest and a gap


class Point(NamedTuple):
    """A point of a line: its time, its value or the reason for none, and how sure the value is.

    A gap has neither value nor reason.
    """

    utc_us: int
    value: float | None
    reason: str | None = None
    uncertainty: float | None = None


class Hour(NamedTuple):
    """Some hours of a line: their begin, mean, lowest and highest value, and how many values."""

    utc_us: int
    mean: float | None
    low: float | None = None
    high: float | None = None
    values: int = 0


Span = TypeVar("Span", Point, Hour)


def with_gaps(
    points: Sequence[Span], longest_us: Callable[[int], float], gap: Callable[[int], Span]
) -> list[Span]:
    """The points, and a ``gap`` between two that are further apart than ``longest_us`` allows at
    the time of the first."""
    found = list(points[:1])
    for before, after in pairwise(points):
        limit = longest_us(before.utc_us)
        if after.utc_us - before.utc_us > limit:
            found.append(gap(before.utc_us + round(min(limit, after.utc_us - before.utc_us) / 2)))
        found.append(after)
    return found


def thin(points: Sequence[Point], most: int) -> list[Point]:
    """At most ``most`` of the points, in order of time; ``most`` is 8 or more."""
    if len(points) <= most:
        return list(points)
    spans = max(1, most // _OF_A_SPAN)
    return [point for span in _spans(points, spans) for point in _of_span(span)]


def merge(hours: Sequence[Hour], most: int) -> list[Hour]:
    """At most ``most`` points, each the sum of some hours, in order of time."""
    if len(hours) <= most:
        return list(hours)
    return [hour for span in _spans(hours, max(1, most // 2)) for hour in _merged(span)]


def _spans(points: Sequence[Span], count: int) -> Iterator[list[Span]]:
    first_us, last_us = points[0].utc_us, points[-1].utc_us
    length_us = last_us - first_us + 1
    for _, span in groupby(points, lambda one: (one.utc_us - first_us) * count // length_us):
        yield list(span)


def _of_span(span: Sequence[Point]) -> list[Point]:
    """The lowest and the highest point and the first gap of a span, in order of time."""
    valued = [(point.value, number) for number, point in enumerate(span) if point.value is not None]
    kept = {min(valued)[1], max(valued)[1]} if valued else set()
    gap = next((number for number, point in enumerate(span) if point.value is None), None)
    return [span[number] for number in sorted(kept if gap is None else {*kept, gap})]


def _merged(span: Sequence[Hour]) -> list[Hour]:
    """One point for a span, after or before its first gap, if it has one."""
    known = [hour for hour in span if hour.mean is not None]
    gap = next((hour for hour in span if hour.mean is None), None)
    if not known:
        return [gap] if gap else []
    count = sum(hour.values for hour in known)
    mean = sum((hour.mean or 0.0) * hour.values for hour in known) / (count or 1)
    low = min(hour.low for hour in known if hour.low is not None)
    high = max(hour.high for hour in known if hour.high is not None)
    point = Hour(known[0].utc_us, mean, low, high, count)
    return sorted([point, gap], key=lambda one: one.utc_us) if gap else [point]
