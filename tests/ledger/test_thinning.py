"""Thinning: few points that look like all of them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from beemon.ledger.thinning import Hour, Point, merge, thin, with_gaps
from beemon.protocol.views import LEAST_POINTS

MOST = st.integers(LEAST_POINTS, 60)
VALUES = st.one_of(st.none(), st.floats(-1e6, 1e6))
LINES = st.lists(st.tuples(st.integers(0, 10**9), VALUES), max_size=300, unique_by=lambda p: p[0])


def line(told: list[tuple[int, float | None]]) -> list[Point]:
    return [
        Point(at, value, "timeout" if value is None else None) for at, value in sorted(told)
    ]


@given(LINES.map(line), MOST)
def test_a_thinned_line_is_short_and_in_order_and_has_only_points_of_the_whole(points, most):
    found = thin(points, most)
    assert len(found) <= most
    assert found == sorted({*found} & {*points}, key=lambda point: point.utc_us)


@given(LINES.map(line), MOST)
def test_a_thinned_line_keeps_the_extremes_and_that_there_are_gaps(points, most):
    found = thin(points, most)
    for extreme in (min, max):
        values, kept = ([p.value for p in some if p.value is not None] for some in (points, found))
        assert extreme(values, default=None) == extreme(kept, default=None)
    assert any(p.value is None for p in points) == any(p.value is None for p in found)


@given(LINES.map(line), MOST)
def test_where_all_of_a_part_is_missing_no_value_stands(points, most):
    found = thin(points, most)
    for before, after in itertools.pairwise(found):
        between = [p for p in points if before.utc_us < p.utc_us < after.utc_us]
        if None not in (before.value, after.value) and len(points) > most:
            first, last = points[0].utc_us, points[-1].utc_us
            width = (last - first + 1) / max(1, most // 3)
            missing = [p.utc_us for p in between if p.value is None]
            assert not missing or missing[-1] - missing[0] < 2 * width


def test_two_points_that_are_too_far_apart_have_a_gap_between_them():
    points = [Point(0, 1.0), Point(60, 2.0), Point(180, 3.0)]
    found = with_gaps(points, lambda _: 90.0, lambda at: Point(at, None))
    assert found == [*points[:2], Point(105, None), points[2]]


def test_how_far_apart_they_may_be_depends_on_the_time():
    points = [Point(0, 1.0), Point(300, 2.0), Point(600, 3.0)]
    found = with_gaps(points, lambda at: 90.0 if at else 500.0, lambda at: Point(at, None))
    assert [point.value for point in found] == [1.0, 2.0, None, 3.0]


@given(st.lists(st.tuples(st.integers(0, 10**5), st.floats(-1e3, 1e3), st.integers(1, 60)),
                min_size=1, max_size=300, unique_by=lambda p: p[0]), MOST)
def test_merged_hours_keep_the_lowest_the_highest_and_the_mean_of_all(told, most):
    hours = [Hour(at, value, value - 1, value + 1, count) for at, value, count in sorted(told)]
    found = merge(hours, most)
    assert len(found) <= most
    assert min(h.low for h in found) == min(h.low for h in hours)
    assert max(h.high for h in found) == max(h.high for h in hours)
    total = sum(h.mean * h.values for h in hours)
    assert abs(sum(h.mean * h.values for h in found) - total) < 1e-6 * max(1.0, abs(total)) + 1e-3
    assert sum(h.values for h in found) == sum(h.values for h in hours)


def test_merged_hours_show_a_gap_once():
    hours = [Hour(at, 1.0, 0.0, 2.0, 1) for at in range(40)]
    hours[20:25] = [Hour(20, None)]
    found = merge(hours, LEAST_POINTS)
    assert [h.utc_us for h in found if h.mean is None] == [20]
