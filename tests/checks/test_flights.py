"""Flights: a bee that flies out of the view is counted once, and one that walks is not."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numpy")

from beemon.checks.blobs import Blobs
from beemon.checks.flights import Flights

RATE, LENGTH = 15, 12.0


def flights(*ways):
    """The flights of bees that are at some places, picture by picture; None: not seen."""
    counted = Flights((320, 240), LENGTH, RATE)
    for places in zip(*ways, strict=True):
        seen = [place for place in places if place is not None]
        x, y = np.array(seen, float).reshape(-1, 2).T
        counted.see(Blobs(x, y, *np.full((4, len(seen)), 60.0)))
    counted.finish()
    return counted.out, counted.came


def way(begin, end, pictures=20):
    return [tuple(place) for place in np.linspace(begin, end, pictures)]


def test_a_bee_that_flies_out_is_one_flight_out():
    assert flights(way((160, 200), (316, 40))) == (1, 0)


def test_a_bee_that_flies_in_is_one_flight_in():
    assert flights(way((316, 40), (160, 200))) == (0, 1)


def test_a_bee_that_crosses_the_view_flies_in_and_out():
    assert flights(way((2, 100), (318, 100))) == (1, 1)


def test_a_bee_that_lands_and_leaves_where_she_came_from_flies_twice():
    assert flights(way((316, 40), (160, 200)) + way((160, 200), (316, 44))) == (1, 1)


def test_a_bee_that_walks_at_the_edge_does_not_fly():
    assert flights(way((4, 100), (4, 120))) == (0, 0)


def test_a_bee_that_is_not_seen_for_two_pictures_is_the_same():
    there = way((160, 200), (316, 40))
    there[8] = there[9] = None
    assert flights(there) == (1, 0)


def test_bees_whose_ways_cross_are_told_apart():
    assert flights(way((60, 120), (318, 120)), way((260, 120), (2, 116))) == (2, 0)


def test_a_view_without_bees_has_no_flights():
    assert flights([None] * 20) == (0, 0)
