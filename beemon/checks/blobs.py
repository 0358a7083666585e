"""Blobs: the connected areas of a picture in which something differs from the background."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


class Blobs(NamedTuple):
    """Connected areas, in pixels; one value of each array is one of them.

    ``x`` and ``y`` are their middles. ``area`` is the number of pixels, ``core`` of those that are
    in another mask, too. ``length`` and ``width`` are those of the rectangle that has the same
    second moments.
    """

    x: Floats
    y: Floats
    area: Floats
    core: Floats
    length: Floats
    width: Floats

    def those(self, chosen: Mask) -> Blobs:
        """The blobs that a condition chooses."""
        return Blobs(*(values[chosen] for values in self))


def find_blobs(mask: Mask, core: Mask) -> Blobs:
    """The areas of a mask whose pixels touch at a side or at a corner."""
    rows, begins, ends = _runs(mask)
    _, whole = np.unique(_joined(rows, begins, ends), return_inverse=True)
    count = int(whole.max()) + 1 if len(whole) else 0

    def summed(values: Floats | Whole) -> Floats:
        return np.bincount(whole, values, count).astype(np.float64)

    size, middle = (ends - begins).astype(np.float64), (begins + ends - 1) / 2
    area = summed(size)
    x, y = summed(size * middle) / area, summed(size * rows) / area
    across, down = middle - x[whole], rows - y[whole]
    xx = summed(size * (across**2 + (size**2 - 1) / 12)) / area + 1 / 12
    yy = summed(size * down**2) / area + 1 / 12
    xy = summed(size * across * down) / area
    mean, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    cores = np.append(0, core.cumsum())
    first = rows * mask.shape[1]
    inner = summed(cores[first + ends] - cores[first + begins])
    return Blobs(x, y, area, inner, np.sqrt(12 * (mean + apart)), np.sqrt(12 * (mean - apart)))


def _runs(mask: Mask) -> tuple[Whole, Whole, Whole]:
    """The horizontal runs of a mask: row, first column, and the column after the last."""
    edges = np.zeros((mask.shape[0], mask.shape[1] + 1), np.int8)
    edges[:, 0], edges[:, -1] = mask[:, 0], -mask[:, -1].astype(np.int8)
    np.subtract(mask[:, 1:], mask[:, :-1], out=edges[:, 1:-1], dtype=np.int8)
    rows, begins = np.nonzero(edges == 1)
    return rows, begins, np.nonzero(edges == -1)[1]


def _joined(rows: Whole, begins: Whole, ends: Whole) -> list[int]:
    """The number of one run, the same for all runs that are connected with it."""
    parent = list(range(len(rows)))
    places = list(zip(rows.tolist(), begins.tolist(), ends.tolist(), strict=True))
    above = 0
    for run, (row, begin, end) in enumerate(places):
        while places[above] < (row - 1, 0) or (places[above][0] < row and places[above][2] < begin):
            above += 1
        for other in range(above, run):
            if places[other][:2] > (row - 1, end):
                break
            parent[_root(parent, run)] = _root(parent, other)
    return [_root(parent, run) for run in range(len(parent))]


def _root(parent: list[int], run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run
