"""Blobs: connected areas, with their middles and sizes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numpy")

from beemon.checks.blobs import find_blobs


def mask(*rows):
    return np.array([[place != "." for place in row] for row in rows])


def areas_of(*rows):
    return sorted(find_blobs(mask(*rows), mask(*rows)).area)


def test_nothing_has_no_blobs():
    assert areas_of("...", "...") == []


def test_pixels_that_touch_at_a_corner_are_one_blob():
    assert areas_of("x..", ".x.", "..x") == [3]


def test_arms_that_meet_below_are_one_blob():
    assert areas_of("x.x.x", "x.x.x", "xxx.x") == [3, 7]


def test_arms_that_meet_above_are_one_blob():
    assert areas_of("xxxxx", "x.x.x", "x.x.x") == [11]


def test_the_ends_of_neighbouring_rows_do_not_touch():
    assert areas_of("..x", "x..") == [1, 1]


def test_a_rectangle_has_its_middle_length_and_width():
    one = np.zeros((20, 60), bool)
    one[4:8, 10:40] = True
    (found,) = zip(*find_blobs(one, one), strict=True)
    assert found == pytest.approx((24.5, 5.5, 120, 120, 30, 4))


def test_the_core_is_counted_of_each_blob():
    all_, core = mask("xx.xx", "xx.xx"), mask("x...x", "....x")
    found = find_blobs(all_, core)
    assert sorted(found.core) == [1, 2]


def test_many_blobs_are_told_apart():
    chance = np.random.default_rng(5)
    field = np.kron(np.ones((30, 40), bool), np.array([[1, 0], [0, 0]], bool))
    noise = field & (chance.random(field.shape) < 0.5)
    assert len(find_blobs(noise, noise).area) == noise.sum()
