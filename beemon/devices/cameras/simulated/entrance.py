"""The picture that a simulated camera sees; imported when the camera opens, because it needs numpy.

The picture shows a painted hive front with an entrance slot, a landing board and grass below. Bees
walk on the board, leave and come home. The picture depends only on the seed and on the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Place = tuple[float, float]
"""Across and down, as shares of the picture's width and height."""

# Heights of the picture's parts, and half-widths of the board, as shares of the picture.
SLOT_TOP, BOARD_TOP, BOARD_FRONT, BOARD_BOTTOM = 0.40, 0.49, 0.76, 0.80
SLOT_HALF, BOARD_BACK_HALF, BOARD_FRONT_HALF = 0.30, 0.36, 0.44
PLANK = 0.16

PAINT, WOOD, GRASS = (196, 208, 203), (176, 137, 92), (74, 104, 48)
AMBER, DARK, FUR, WING = (214, 142, 38), (42, 28, 18), (120, 84, 44), (228, 232, 236)

BEE_LENGTH = 0.05  # of the picture's width
WALKERS, FLYERS = 11, 7
HEADINGS = 24
FLAPS = (1.0, 1.5)  # the angles of a flyer's wings, in turn
AWAY = 0.35  # the share of a flyer's round that it is out of sight


class Entrance:
    """Draws the hive entrance as it is at any moment; ``swarm`` moves in it."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        chance = np.random.default_rng(seed)
        self.background = draw_background(width, height, chance)
        self.swarm = Swarm(width, height, chance)
        self._length = BEE_LENGTH * width

    @cached_property
    def sprites(self) -> list[list[Sprite]]:
        """The bees of each pose."""
        return [list(of_a_pose) for of_a_pose in self.draw_sprites()]

    def draw_sprites(self) -> Iterator[Iterator[Sprite]]:
        """Draw one bee after the other, pose by pose; together they take megabytes."""
        yield draw_bees(self._length, wing_angle=0.35)
        for angle in FLAPS:
            yield draw_bees(1.15 * self._length, wing_angle=angle)

    def picture(self, seconds: float) -> Image:
        """The picture at a moment, RGB."""
        image = self.background.copy()
        for bee in self.swarm.bees(seconds):
            self.sprites[bee.pose][bee.heading].stamp(image, bee.x, bee.y)
        return image


class Swarm:
    """Moves the bees of an entrance, by its width and height in pixels."""

    def __init__(self, width: int, height: int, chance: np.random.Generator) -> None:
        self._size = width, height
        self._walkers = [Walker.random(chance) for _ in range(WALKERS)]
        self.flyers = [Flyer.random(chance) for _ in range(FLYERS)]

    def bees(self, seconds: float) -> Iterator[Bee]:
        """The bees that are visible at a moment, beginning with the furthest."""
        for walker in self._walkers:
            yield self._bee(0, walker.place(seconds), walker.place(seconds + 0.05))
        flap = 1 + int(seconds * 50) % len(FLAPS)
        for flyer in self.flyers:
            if flyer.visible(seconds):
                yield self._bee(flap, flyer.place(seconds), flyer.place(seconds + 0.02))

    def _bee(self, pose: int, here: Place, there: Place) -> Bee:
        """A bee at one place, with its head towards another."""
        width, height = self._size
        turn = math.atan2((there[1] - here[1]) * height, (there[0] - here[0]) * width)
        heading = round(turn / (2 * math.pi) * HEADINGS) % HEADINGS
        return Bee(pose, heading, round(here[0] * width), round(here[1] * height))


class Bee(NamedTuple):
    """The position of a bee in the picture (pixels), the direction of its head, and the position of
    its wings."""

    pose: int
    heading: int
    x: int
    y: int


@dataclass(frozen=True)
class Walker:
    """A bee that wanders about on the landing board."""

    centre: Place
    reach: Place
    pace: Place
    phase: tuple[float, float, float, float]

    @classmethod
    def random(cls, chance: np.random.Generator) -> Walker:
        """Some bee."""
        return cls(
            centre=tuple(chance.uniform([-0.6, 0.30], [0.6, 0.70]).tolist()),
            reach=tuple(chance.uniform([0.10, 0.08], [0.30, 0.25]).tolist()),
            pace=tuple(chance.uniform(0.15, 0.50, 2).tolist()),
            phase=tuple(chance.uniform(0, 2 * math.pi, 4).tolist()),
        )

    def place(self, seconds: float) -> Place:
        """Its position, as shares of the picture."""
        return on_board(*(
            centre + reach * (
                0.75 * math.sin(pace * seconds + slow)
                + 0.25 * math.sin(2.7 * pace * seconds + quick)
            )
            for centre, reach, pace, slow, quick in zip(
                self.centre, self.reach, self.pace, self.phase[:2], self.phase[2:], strict=True
            )
        ))


@dataclass(frozen=True)
class Flyer:
    """A forager that takes off from the board, is away, and lands again."""

    round_trip: float
    start: float
    home: Place
    leaves_to: Place
    comes_from: Place
    bend: float

    @classmethod
    def random(cls, chance: np.random.Generator) -> Flyer:
        """Some forager; it leaves upwards, to a side or towards the one who looks."""
        return cls(
            round_trip=chance.uniform(5.0, 11.0),
            start=chance.uniform(0.0, 11.0),
            home=on_board(chance.uniform(-0.7, 0.7), chance.uniform(0.02, 0.3)),
            leaves_to=_outside(chance),
            comes_from=_outside(chance),
            bend=chance.uniform(-0.15, 0.15),
        )

    def visible(self, seconds: float) -> bool:
        """Whether it is on its way out or home."""
        return abs(self._part(seconds) - 0.5) > AWAY / 2

    def place(self, seconds: float) -> Place:
        """Its position, as shares of the picture; slow at the board, fast further away."""
        part = self._part(seconds)
        leaving = part < 0.5
        flown = (part if leaving else 1 - part) / (0.5 - AWAY / 2)
        target = self.leaves_to if leaving else self.comes_from
        way = flown * flown
        swing = self.bend * math.sin(math.pi * min(way, 1.0))
        across, down = (home + (far - home) * way
                        for home, far in zip(self.home, target, strict=True))
        return across + swing, down - abs(swing)

    def _part(self, seconds: float) -> float:
        return ((seconds + self.start) / self.round_trip) % 1.0


@dataclass(frozen=True)
class Sprite:
    """A small picture: the share of the background that it keeps (of 256), and the part that it
    adds."""

    keeps: npt.NDArray[np.uint16]
    adds: Image

    def stamp(self, image: Image, x: int, y: int) -> None:
        """Draw it on an image around a point; parts outside the image are left out."""
        size = len(self.adds)
        left, top = x - size // 2, y - size // 2
        rows = slice(max(0, -top), min(size, image.shape[0] - top))
        columns = slice(max(0, -left), min(size, image.shape[1] - left))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        part = image[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
        part[:] = (part * self.keeps[rows, columns] >> 8).astype(np.uint8)
        part += self.adds[rows, columns]


def on_board(across: float, down: float) -> Place:
    """A place on the landing board: across from -1 to 1, down from its back (0) to its front."""
    half = BOARD_BACK_HALF + (BOARD_FRONT_HALF - BOARD_BACK_HALF) * down
    return 0.5 + across * half, BOARD_TOP + (BOARD_FRONT - BOARD_TOP) * down


def draw_bees(length: float, wing_angle: float) -> Iterator[Sprite]:
    """A bee of that length in pixels, turned to each of the headings."""
    for number in range(HEADINGS):
        yield draw_bee(length, 2 * math.pi * number / HEADINGS, wing_angle)


def draw_bee(length: float, heading: float, wing_angle: float) -> Sprite:
    """A bee from above, drawn at twice its size and made smaller, so that edges are soft."""
    fine, size = 2, 2 * math.ceil(0.75 * length) + 1
    steps = (np.arange(size * fine) + 0.5) / fine - size / 2
    x, y = np.meshgrid(steps / length, steps / length)
    along = x * math.cos(heading) + y * math.sin(heading)
    across = y * math.cos(heading) - x * math.sin(heading)
    canvas = np.zeros((*x.shape, 4))
    _paint(canvas, _ellipse(x - 0.04, y - 0.07, 0.40, 0.22), (0, 0, 0), 0.28)
    for side in (-1, 1):
        for angle, shade in ((wing_angle, 0.62), (0.6 * wing_angle + 0.1, 0.5)):
            turned = _turned(along - 0.10, across - side * 0.08, math.pi - side * angle)
            wing = _ellipse(turned[0] - 0.26, turned[1], 0.27, 0.085)
            _paint(canvas, wing, WING, shade)
        for leg in (-0.05, 0.10, 0.24):
            limb = _ellipse(along - leg, across - side * 0.20, 0.016, 0.13)
            _paint(canvas, limb, DARK, 0.8)
    abdomen = _ellipse(along + 0.22, across, 0.29, 0.145)
    _paint(canvas, abdomen, AMBER, 1.0)
    _paint(canvas, abdomen & (np.mod(along * 9.0, 1.0) < 0.45), DARK, 0.92)
    _paint(canvas, _ellipse(along + 0.50, across, 0.07, 0.06), DARK, 1.0)
    _paint(canvas, _ellipse(along - 0.15, across, 0.15, 0.135), FUR, 1.0)
    _paint(canvas, _ellipse(along - 0.34, across, 0.075, 0.105), DARK, 1.0)
    small = canvas.reshape(size, fine, size, fine, 4).mean(axis=(1, 3))
    keeps = np.round(256 * (1 - small[..., 3:])).astype(np.uint16)
    return Sprite(keeps, np.floor(small[..., :3]).astype(np.uint8))


def draw_background(width: int, height: int, chance: np.random.Generator) -> Image:
    """The hive without bees."""
    y = (np.arange(height)[:, None] + 0.5) / height
    x = (np.arange(width)[None, :] + 0.5) / width
    image = np.empty((height, width, 3))
    _draw_wall(image, y, chance)
    _draw_grass(image, y, chance)
    _draw_slot(image, x, y)
    _draw_board(image, x, y, chance)
    return np.clip(image, 0, 255).astype(np.uint8)


def _draw_wall(image: Floats, y: Floats, chance: np.random.Generator) -> None:
    image[:] = PAINT
    _shade(image, 1.04 - 0.16 * y + 0.02 * _streaks(image.shape[:2], chance, axis=1))
    _shade(image, np.where(np.mod(y, PLANK) < 0.008, 0.62, 1.0))


def _draw_grass(image: Floats, y: Floats, chance: np.random.Generator) -> None:
    grass = np.broadcast_to(y > BOARD_BOTTOM, image.shape[:2])
    image[grass] = GRASS
    _shade(image, np.where(grass, 1.0 + 0.22 * _streaks(image.shape[:2], chance, axis=0), 1.0))
    _shade(image, np.where(grass & (y < BOARD_BOTTOM + 0.06), 0.6, 1.0))


def _draw_slot(image: Floats, x: Floats, y: Floats) -> None:
    above, aside = y < BOARD_TOP, abs(x - 0.5)
    frame = above & (aside < SLOT_HALF + 0.012) & (y > SLOT_TOP - 0.016)
    _shade(image, np.where(frame, 0.7, 1.0))
    slot = above & (aside < SLOT_HALF) & (y > SLOT_TOP)
    image[slot] = DARK
    _shade(image, np.where(slot, 0.25 + 0.9 * (y - SLOT_TOP) / (BOARD_TOP - SLOT_TOP), 1.0))


def _draw_board(image: Floats, x: Floats, y: Floats, chance: np.random.Generator) -> None:
    depth = np.clip((y - BOARD_TOP) / (BOARD_FRONT - BOARD_TOP), 0, 1)
    half = BOARD_BACK_HALF + (BOARD_FRONT_HALF - BOARD_BACK_HALF) * depth
    board = (y >= BOARD_TOP) & (y <= BOARD_BOTTOM) & (abs(x - 0.5) < half)
    image[board] = WOOD
    grain = 0.90 + 0.14 * depth + 0.07 * _streaks(image.shape[:2], chance, axis=1)
    _shade(image, np.where(board, grain, 1.0))
    _shade(image, np.where(board & (y > BOARD_FRONT), 0.62, 1.0))


def _outside(chance: np.random.Generator) -> Place:
    """A place beyond the picture's edges, anywhere but below."""
    direction = chance.uniform(-0.9 * math.pi, -0.1 * math.pi)
    return 0.5 + 0.95 * math.cos(direction), 0.45 + 0.75 * math.sin(direction)


def _streaks(shape: tuple[int, ...], chance: np.random.Generator, axis: int) -> Floats:
    """Noise from -1 to 1 that is drawn out along an axis: grain of wood, blades of grass."""
    reach = (10, 24)[axis]
    padding = [(0, 0), (0, 0)]
    padding[axis] = (reach, 0)
    sums = np.cumsum(np.pad(chance.standard_normal(shape), padding, "wrap"), axis=axis)
    parts = np.split(sums, [reach, sums.shape[axis] - reach], axis=axis)
    drawn_out = np.concatenate(parts[1:], axis=axis) - np.concatenate(parts[:2], axis=axis)
    return np.clip(drawn_out / (2 * math.sqrt(reach)), -1, 1)


def _shade(image: Floats, factor: Floats) -> None:
    image *= factor[..., None]


def _ellipse(along: Floats, across: Floats, length: float, width: float) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = (along / length) ** 2 + (across / width) ** 2 < 1
    return inside


def _turned(x: Floats, y: Floats, angle: float) -> tuple[Floats, Floats]:
    return (
        x * math.cos(angle) + y * math.sin(angle),
        y * math.cos(angle) - x * math.sin(angle),
    )


def _paint(
    canvas: Floats, where: npt.NDArray[np.bool_], colour: tuple[int, int, int], opacity: float
) -> None:
    """Lay a colour over part of an RGBA canvas whose colours are multiplied by their opacity."""
    canvas[where] *= 1 - opacity
    canvas[where] += opacity * np.array([*colour, 1.0])
