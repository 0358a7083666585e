"""The simulated entrance in the encoder's format: brightness, and two colours at half the size.

A picture in this format has half as much data as RGB and needs no conversion. A real camera's
pictures likewise cost its Pi nothing. Imported when a simulated camera opens, because it needs
numpy.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import numpy.typing as npt

from beemon.devices.cameras._pyav import Picture, Plane
from beemon.devices.cameras.simulated.entrance import Entrance, Floats, Image, Sprite

# Y'CbCr of ITU-R BT.601 with 219 steps of brightness and 224 of colour, from RGB of 255.
WEIGHTS = np.array([
    [65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214],
]) / 255
ZERO = (16, 128, 128)  # black
FORMAT = "yuv420p"
BAND = 64  # rows, an even number


class Planes:
    """Draws an entrance into the planes of video frames."""

    def __init__(self, entrance: Entrance) -> None:
        self._bees = entrance.swarm.bees
        self._size = entrance.background.shape[1::-1]
        self._background = in_planes(entrance.background)
        self._sprites = [
            [plane_sprites(sprite) for sprite in of_a_pose] for of_a_pose in entrance.draw_sprites()
        ]

    def blank(self, av: ModuleType) -> Picture:
        """A picture to draw on."""
        frame: Picture = av.VideoFrame(*self._size, FORMAT)
        return frame

    def draw(self, frame: Picture, seconds: float) -> Picture:
        """Draw the picture at a moment."""
        planes = [pixels(plane) for plane in frame.planes]
        for plane, background in zip(planes, self._background, strict=True):
            plane[:] = background
        for bee in self._bees(seconds):
            luma, *chroma = self._sprites[bee.pose][bee.heading]
            luma.stamp(planes[0], bee.x, bee.y)
            for sprite, plane in zip(chroma, planes[1:], strict=True):
                sprite.stamp(plane, bee.x // 2, bee.y // 2)
        return frame

    def black(self, frame: Picture) -> Picture:
        """Draw a picture of nothing."""
        for plane, zero in zip(frame.planes, ZERO, strict=True):
            pixels(plane)[:] = zero
        return frame


def pixels(plane: Plane) -> Image:
    """A frame's plane, to be written on."""
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    visible: Image = rows[: plane.height, : plane.width]
    return visible


def in_planes(image: Image) -> list[Image]:
    """A picture in the encoder's format, made band by band: its sums take 24 bytes a pixel."""
    bands = [
        [
            np.clip(np.rint(plane), 0, 255).astype(np.uint8)
            for plane in separated(image[top : top + BAND].astype(np.float64))
        ]
        for top in range(0, len(image), BAND)
    ]
    return [np.concatenate(plane) for plane in zip(*bands, strict=True)]


def separated(rgb: Floats, share: float | npt.NDArray[np.float64] = 1.0) -> list[Floats]:
    """Brightness and, of every two by two pixels, the colours; ``share`` of the zeros is added."""
    y, cb, cr = np.moveaxis(rgb @ WEIGHTS.T, -1, 0) + np.multiply.outer(ZERO, share * np.ones(
        rgb.shape[:2]
    ))
    return [y, halved(cb), halved(cr)]


def halved(plane: Floats) -> Floats:
    """The mean of every two by two pixels; the last row and column count twice where need be."""
    rows, columns = plane.shape
    even = np.pad(plane, ((0, rows % 2), (0, columns % 2)), "edge")
    mean: Floats = even.reshape(len(even) // 2, 2, -1, 2).mean(axis=(1, 3))
    return mean


def plane_sprites(sprite: Sprite) -> list[Sprite]:
    """A sprite for each plane.

    ``keeps * behind + adds`` is the same sum in another colour space, except for the zeros' share.
    """
    keeps = sprite.keeps[..., 0] / 256
    adds = separated(sprite.adds.astype(np.float64), 1 - keeps)
    return [
        Sprite(np.rint(256 * kept).astype(np.uint16), np.floor(added).astype(np.uint8))
        for kept, added in zip((keeps, halved(keeps), halved(keeps)), adds, strict=True)
    ]
