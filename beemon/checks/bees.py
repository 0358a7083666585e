"""Bees in view: count the bees in pictures of one view, by their difference from the background.

The background is the median of pictures from all of the time, so a bee that sits still for most of
it is not seen. A change of the light is wide, and is taken out by the means of the surroundings.
Each connected area of the remaining differences is a bee; a larger area is several bees that
overlap. Nothing is set for a view: the area of one bee is found in its pictures.

It was measured on 250 pictures of three hives that were counted by hand (D. M. Lozano, GoBees,
2017): the sum is right within 4 %, and the error of one picture is 4 to 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from beemon.checks.blobs import Blobs, Mask, find_blobs
from beemon.checks.picture import Floats, shrunk

CONTRAST, NOISES = 14.0, 5.0
"""The least difference from the background: of 255, and in standard deviations of the noise. Most
bees differ by 60 to 150. Between 12 and 20 the counts hardly change."""
CORE, CORE_SHARE = 2.0, 0.2
"""The core of a bee differs by this multiple of the least difference, and is at least this share of
her area. The remains of a shadow have no core. The least share of 1,750 bees was 0.27."""
NEIGHBOURS = 4
"""The number of pixels, of nine, that must differ for the one in the middle to count."""
BLOCK = 4
"""The side, in pixels, of the squares by whose means the light is followed."""
REACH = 1.5
"""The reach of a pixel's surroundings in each direction, in lengths of a bee."""
FIRST_LENGTH = 0.03
"""The length of a bee to begin the search with, as a share of the picture's width."""
FILLED = 0.4
"""The area of a bee with its legs and wings, as a share of the square of its length."""
LEAST_AREA, SPREAD, FINENESS = 8.0, 0.25, 0.02
"""The least area of a bee (pixels), the standard deviation of the areas' logarithms, and the step
of the search."""
LEAST_SEEN = 3
"""The least number of blobs to learn the area of a bee from."""
PART = 0.25
"""The least share of a bee's area to count: a smaller blob is a fly or dirt."""
OVERLAPPING = 1.5
"""The area of a blob for each bee in it, in areas of a bee."""
LINE_LENGTH, LINE_SHAPE = 2.5, 4.0
"""The length of a blob in bees, and in widths of its own, above which it is a shadow's edge or a
stalk."""
BLACK = 1.0
"""The brightness to add, so that black can be compared, too."""


class View:
    """A camera's view without bees, and the area of a bee in it (pixels; None if it is not known).

    The ``background`` is a picture of about 320 pixels across. Below the ``threshold`` (of 255) a
    difference from it does not count.
    """

    def __init__(self, background: Floats, threshold: float, bee: float | None) -> None:
        self.background, self.threshold, self.bee = background, threshold, bee
        wide = background.shape[1]
        self.length = (bee / FILLED) ** 0.5 if bee else FIRST_LENGTH * wide
        self._reach = max(1, round(REACH * self.length / BLOCK))
        self._whole = _whole_squares(background)
        self._usual = shrunk(self._whole, BLOCK) + BLACK

    def find_bees(self, picture: Floats) -> Blobs:
        """The blobs in a picture that are bees; see :meth:`count`."""
        found = self.find_changes(picture)
        return found.those(found.area >= PART * (self.bee or np.inf))

    def find_changes(self, picture: Floats) -> Blobs:
        """The blobs that differ from the background, except for those of the light."""
        differences = self._differences(picture)
        found = find_blobs(
            _dense(differences >= self.threshold), differences >= CORE * self.threshold
        )
        is_line = (found.length > LINE_LENGTH * self.length) & (
            found.length > LINE_SHAPE * found.width
        )
        is_light = is_line | self._is_in_corner(found) | (found.core < CORE_SHARE * found.area)
        return found.those(~is_light)

    def measure_noise(self, picture: Floats) -> float:
        """The median difference of a picture's pixels from the background, 0 to 255."""
        return float(np.median(self._differences(picture)))

    def _is_in_corner(self, found: Blobs) -> Mask:
        """Which are in a corner of the picture, where a shadow's corner looks like half a bee."""
        down, across = self.background.shape
        aside = np.minimum(found.x, across - 1 - found.x) < self.length / 2
        result: Mask = aside & (np.minimum(found.y, down - 1 - found.y) < self.length / 2)
        return result

    def count(self, bees: Blobs) -> int:
        """The number of bees in blobs of them."""
        return int(np.maximum(1, np.rint(bees.area / (OVERLAPPING * (self.bee or np.inf)))).sum())

    def _differences(self, picture: Floats) -> Floats:
        """The difference of each pixel (0 to 255) from the background in the most likely light.

        The light is the brightness of the surroundings by that of the background's. At a
        shadow's edge one side of a pixel is alike, so the surroundings beyond each of its corners
        are tried, too.
        """
        picture = _whole_squares(picture)
        tiles, behind = _tiles(picture), _tiles(self._whole)
        least = np.full(tiles.shape, np.inf, np.float32)
        light = (shrunk(picture, BLOCK) + BLACK) / self._usual
        for here in _around(light, self._reach):
            expected = behind * here[:, None, :, None]
            np.minimum(least, abs(np.subtract(tiles, expected, out=expected)), out=least)
        down, across = self.background.shape
        return least.reshape(picture.shape)[:down, :across]


def learn_view(pictures: Sequence[Floats], length: float | None = None) -> View:
    """The view of some pictures from all of a recording.

    The area of a bee is learned, too, unless her length is given (in pixels of these pictures).
    """
    bee = FILLED * length**2 if length else None
    background = _median(pictures)
    view = View(background, 0.0, bee)
    noise = 1.4826 * float(np.median([view.measure_noise(picture) for picture in pictures]))
    view = View(background, max(CONTRAST, NOISES * noise), bee)
    for _ in range(2 if bee is None else 0):  # the surroundings depend on the length
        areas = np.concatenate([view.find_changes(picture).area for picture in pictures])
        view = View(background, view.threshold, usual_area(areas))
    return view


def _median(pictures: Sequence[Floats]) -> Floats:
    """The median of pictures that were made equally bright first.

    Otherwise, in changing light, places where bees were would come from other pictures than those
    beside them, and be brighter or darker.
    """
    levels = [float(np.median(picture)) + BLACK for picture in pictures]
    usual = float(np.median(levels))
    lit = [picture * np.float32(usual / level)
           for picture, level in zip(pictures, levels, strict=True)]
    return np.median(np.stack(lit), axis=0).astype(np.float32)


def usual_area(areas: npt.NDArray[np.float64]) -> float | None:
    """The area of one bee, in pixels: the one near which most of the pixels that differ are.

    Specks are many but small, and pairs are few. None if fewer than three were seen that are as
    large as a bee can be seen.
    """
    areas = areas[areas >= LEAST_AREA]
    if len(areas) < LEAST_SEEN:
        return None
    steps = np.arange(np.log(LEAST_AREA), np.log(areas.max()) + FINENESS, FINENESS)
    near = np.exp(-0.5 * ((steps[:, None] - np.log(areas)) / SPREAD) ** 2) @ areas
    return float(np.exp(steps[near.argmax()]))


def _whole_squares(picture: Floats) -> Floats:
    """A picture with its last rows and columns repeated, up to a whole square."""
    missing = [(0, -length % BLOCK) for length in picture.shape]
    return np.pad(picture, missing, "edge")


def _tiles(picture: Floats) -> Floats:
    """A picture by squares: row of squares, row, column of squares, column."""
    down, across = (length // BLOCK for length in picture.shape)
    return picture.reshape(down, BLOCK, across, BLOCK)


def _around(squares: Floats, reach: int) -> Iterator[Floats]:
    """The mean of the surroundings of each square, then of those beyond its corners."""
    squares = np.pad(squares, reach, "edge")
    down, across = (length - 2 * reach for length in squares.shape)
    sums = np.pad(squares, ((1, 0), (1, 0))).cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    side = 2 * reach + 1
    means = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    means = (means / side**2).astype(np.float32)
    yield means
    beyond = np.pad(means, reach + 1, "edge")
    for top in (0, 2 * (reach + 1)):
        for left in (0, 2 * (reach + 1)):
            yield beyond[top : top + down, left : left + across]


def _dense(differs: Mask) -> Mask:
    """The pixels with enough neighbours that differ."""
    padded = np.pad(differs, 1).astype(np.uint8)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    dense: Mask = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] >= NEIGHBOURS
    return dense
