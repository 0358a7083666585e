"""Bees in view: bees are counted, and noise, changing light and shadows are not."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from beemon.checks.bees import learn_view
from beemon.checks.picture import luma, small
from beemon.devices.cameras.simulated.entrance import draw_background, draw_bee
from beemon.media.container import opened

DATA = Path(os.environ.get("BEEMON_DATA", Path(__file__).parents[3] / "shared/data")) / "entrance"
WIDTH, HEIGHT = 640, 480
GREY = np.array([0.257, 0.504, 0.098])
ACROSS, DOWN = np.meshgrid(np.arange(WIDTH) / WIDTH, np.arange(HEIGHT) / HEIGHT)


class Board:
    """An entrance whose bees, of one length, are put where a test wants them."""

    def __init__(self, length=28.0):
        self.chance = np.random.default_rng(3)
        self.empty = draw_background(WIDTH, HEIGHT, self.chance)
        self.bees = [draw_bee(length, turn, 0.35) for turn in np.arange(0, 6.3, 0.5)]

    def picture(self, *places):
        image = self.empty.copy()
        for x, y in places:
            self.bees[self.chance.integers(len(self.bees))].stamp(image, x, y)
        return image @ GREY + 16

    def places(self, count):
        """Places that are apart, and not in the corners."""
        cells = self.chance.permutation(48)[:count]
        return [(int(80 * (cell % 8) + 40), int(80 * (cell // 8) + 40)) for cell in cells]


def seen(pictures, noise=3.0):
    chance = np.random.default_rng(4)
    taken = [np.clip(one + chance.normal(0, noise, one.shape), 0, 255).astype(np.uint8)
             for one in pictures]
    return [small(one) for one in taken]


def counts(pictures):
    view = learn_view(pictures[::4])
    return np.array([view.count(view.find_bees(picture)) for picture in pictures])


@pytest.mark.parametrize("length", [18.0, 28.0, 50.0])
def test_bees_of_any_size_are_counted(length):
    board, chance = Board(length), np.random.default_rng(5)
    there = chance.integers(0, 20, 64)
    found = counts(seen(board.picture(*board.places(count)) for count in there))
    assert abs(found - there).sum() <= 0.02 * there.sum()


def test_two_bees_that_overlap_are_two():
    board = Board()
    pictures = seen(board.picture(*board.places(8)) for _ in range(24))
    view = learn_view(pictures)
    (pair,) = seen([board.picture((300, 200), (324, 212))])
    assert view.count(view.find_bees(pair)) == 2


def test_a_given_length_needs_no_other_bees():
    board = Board()
    view = learn_view(seen(board.picture() for _ in range(9)), length=14.0)
    (picture,) = seen([board.picture((100, 100), (300, 200))])
    assert view.count(view.find_bees(picture)) == 2


LIGHTS = {
    "noise": lambda _: np.ones_like(ACROSS),
    "brighter and darker": lambda part: 1 + 0.35 * np.sin(22 * part) * np.ones_like(ACROSS),
    "clouds": lambda part: 1 + 0.3 * np.sin(16 * ACROSS + 40 * part) * np.sin(14 * DOWN),
    "a soft shadow": lambda part: 1 - 0.5 * np.exp(-(((ACROSS - part) / 0.07) ** 2)),
    "a sharp shadow": lambda part: 1 - 0.5 * (abs(ACROSS - part) < 0.2),
    "a slanting shadow": lambda part: 1 - 0.5 * (abs(ACROSS - part + 0.4 * DOWN) < 0.15),
    "the shadow of a pole": lambda part: 1 - 0.5 * (abs(ACROSS - part) < 0.02),
}


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
def test_the_light_is_no_bee(light):
    empty = Board().picture()
    found = counts(seen(empty * light(part) for part in np.linspace(-0.2, 1.2, 80)))
    assert list(np.flatnonzero(found)) == []


@pytest.mark.parametrize("noise", [1.0, 12.0])
def test_noise_is_no_bee(noise):
    assert not counts(seen([Board().picture()] * 40, noise)).any()


def test_bees_in_changing_light_are_counted():
    board, chance = Board(), np.random.default_rng(6)
    there = chance.integers(3, 12, 80)
    light = LIGHTS["brighter and darker"]
    found = counts(seen(
        board.picture(*board.places(count)) * light(part)
        for count, part in zip(there, np.linspace(-0.2, 1.2, 80), strict=True)
    ))
    assert abs(found - there).sum() <= 0.05 * there.sum()


@pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there")
@pytest.mark.parametrize(("hive", "bar"), [("c14", 0.05), ("c17", 0.06), ("c5", 0.06)])
def test_bees_at_real_hives_are_counted_as_by_hand(hive, bar):
    with (DATA / hive / "counts.csv").open() as file:
        there = {row["picture"]: int(row["bees"]) for row in csv.DictReader(file)}
    by_hand = np.array(list(there.values()))
    found = counts([_of_file(DATA / hive / name) for name in there])
    assert abs(found - by_hand).sum() <= bar * by_hand.sum()
    assert abs(found.sum() - by_hand.sum()) <= 0.04 * by_hand.sum()


def _of_file(path):
    with opened(path) as (file, stream):
        return small(luma(next(file.decode(stream))))
