"""Examination of a picture: darkness, contrast, focus and difference from another picture.

Only brightness is used, from 0 to 255. Most measurements are made on a picture that is reduced to
about 320 pixels across by averaging squares of pixels. A bee that cannot be seen at this size is of
no use, and the sensor's noise is smaller there. The smallest differences are measured on the full
picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beemon.base.recording import RecordingFacts
from beemon.checks import findings
from beemon.checks.findings import Examination, Finding
from beemon.media import jpeg
from beemon.media.container import Picture, UndecodableError, opened

WIDTH = 320

BLANK_RANGE = 1
"""A picture whose brightest and darkest pixel are no further apart shows nothing, not even the
noise that a sensor has in the darkest night."""
DARK = 40
"""Black is 16 in video, 0 in a photograph; 99 of 100 pixels below this are night, or a cap."""

BLUR, EDGE_WIDTH = 0.70, 2.5
"""Out of focus is a picture above both; see :func:`blur` and :func:`edge_width`. Of a picture 320
pixels wide that was blurred on purpose by 1.5 % of its width, 0.9 and 4 were measured; sharp ones
have less than 0.5 and 1.7."""
EDGE_TILE, EDGE_CONTRAST = 32, 24
BLUR_REACH = 9

MOVED = 8.0
"""The change of the mean of 8 by 8 pixels that counts as motion. Sensor noise of 3 changes it by 2,
and compressing the same picture again by 7."""
ACROSS = 40
"""Number of squares that are examined across a picture: 8 by 8 pixels each if it is 320 wide."""
PLANAR = {"gray", "nv12"} | {
    f"yuv{range_}{chroma}p" for range_ in ("", "j") for chroma in (420, 422, 440, 444)
}
"""Pixel formats whose first plane is the brightness, a byte a pixel."""

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Grain = npt.NDArray[np.int16]


def examine(path: Path, said: RecordingFacts) -> Examination:  # noqa: ARG001  (an Examiner)
    """Look at a JPEG file: it decodes, is whole (half of one decodes, too), and shows "
    "something."""
    try:
        with opened(path) as (file, stream):
            frame = next(file.decode(stream), None)
    except UndecodableError as error:
        message = f"the picture cannot be decoded: {error}"
        return Examination([Finding(findings.UNREADABLE, message)])
    if frame is None:
        return Examination([Finding(findings.EMPTY, "it contains no picture")])
    if not path.read_bytes().endswith(jpeg.END):
        return Examination([Finding(findings.WRONG_LENGTH, "the picture was cut short")])
    look = Look()
    look.at(luma(frame))
    return Examination(list(look.findings()))


class Look:
    """The best that was seen of a camera's view in any picture: one good one clears it."""

    def __init__(self) -> None:
        self.range = 0
        self.mean = 0.0
        self.light = 0.0
        self.blur = 1.0
        self.edge_width: float | None = None

    def at(self, image: Image) -> Floats:
        """Take in a picture; returns it smaller."""
        little = small(image)
        self.range = max(self.range, int(image.max()) - int(image.min()))
        self.mean = max(self.mean, float(little.mean()))
        self.light = max(self.light, float(np.percentile(little, 99)))
        self.blur = min(self.blur, blur(little))
        width = edge_width(little)
        if width is not None:
            self.edge_width = min(width, self.edge_width or width)
        return little

    @property
    def is_dark(self) -> bool:
        """Whether too little light was seen to judge by."""
        return self.light < DARK

    def findings(self) -> Iterator[Finding]:
        """The problems of the view."""
        if self.range <= BLANK_RANGE:
            word = findings.BLACK if self.mean < DARK else findings.BLANK
            message = f"nothing can be seen: all of it has a brightness of about {self.mean:.0f}"
            yield Finding(word, message)
        elif self.is_dark:
            message = f"night, or a covered lens: little is brighter than {self.light:.0f} of 255"
            yield Finding(findings.DARK, message, fails=False)
        elif self.edge_width and self.edge_width >= EDGE_WIDTH and self.blur >= BLUR:
            message = (
                f"out of focus: the sharpest edge is {self.edge_width / WIDTH:.1%} of the picture "
                f"wide (blur {self.blur:.2f})"
            )
            yield Finding(findings.UNFOCUSED, message)


def luma(frame: Picture) -> Image:
    """The brightness of a decoded frame; without a copy if it has a plane of its own."""
    if frame.format.name not in PLANAR:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def small(image: Image) -> Floats:
    """The picture made smaller, to 320 pixels across or up to twice that."""
    side = max(1, image.shape[1] // WIDTH)
    return shrunk(image, side)


def some_pixels(image: Image) -> Grain:
    """A picture of that size, too, of single pixels: with their noise."""
    side = max(1, image.shape[1] // WIDTH)
    return image[::side, ::side].astype(np.int16)


def shrunk(image: Image | Floats, side: int) -> Floats:
    """The means of squares of ``side`` pixels."""
    height, width = (length // side for length in image.shape)
    rows = image[: height * side, : width * side].reshape(height, side, width * side)
    columns = rows.sum(axis=1, dtype=np.float32).reshape(height, width, side)
    means: Floats = columns.sum(axis=2) / np.float32(side * side)
    return means


def blur(image: Floats) -> float:
    """The blur of a picture, from 0 (sharp) to 1: the effect of blurring it again.

    See F. Crété, T. Dolmiere, P. Ladret, M. Nicolas, The blur effect: perception and estimation
    with a new no-reference perceptual blur metric, Proc. SPIE 6492, 2007. The worse of the two
    directions counts. Noise counts as sharpness.
    """
    return max(_blur(image), _blur(image.T))


def _blur(image: Floats) -> float:
    """Down the columns: the share of the differences between neighbours that a mean over nine of
    them would leave."""
    reach = BLUR_REACH // 2
    summed = np.cumsum(np.pad(image, ((reach + 1, reach), (0, 0)), "edge"), axis=0)
    smooth = (summed[BLUR_REACH:] - summed[:-BLUR_REACH]) / BLUR_REACH
    sharp_steps, smooth_steps = abs(np.diff(image, axis=0)), abs(np.diff(smooth, axis=0))
    whole = float(sharp_steps.sum())
    lost = float(np.maximum(0, sharp_steps - smooth_steps).sum())
    return (whole - lost) / whole if whole else 1.0


def edge_width(image: Floats) -> float | None:
    """The width of the sharpest edge in pixels; None if nothing has enough contrast.

    In each tile it is the total difference divided by the steepest slope. For an edge blurred by a
    Gaussian of standard deviation s, this is s times the square root of two pi.
    """
    height, width = (length // EDGE_TILE for length in image.shape)
    if not (height and width):
        return None
    whole = image[: height * EDGE_TILE, : width * EDGE_TILE]
    tiles = whole.reshape(height, EDGE_TILE, width, EDGE_TILE).swapaxes(1, 2)
    contrast = tiles.max(axis=(2, 3)) - tiles.min(axis=(2, 3))
    slopes = np.maximum(*(abs(np.diff(tiles, axis=axis)).max(axis=(2, 3)) for axis in (2, 3)))
    clear = contrast >= EDGE_CONTRAST
    return float((contrast[clear] / slopes[clear]).min()) if clear.any() else None


def moved(before: Floats, after: Floats) -> float:
    """The share of a picture, from 0 to 1, in which something moved.

    It is counted in squares of a fortieth of the width whose mean changed; a change of all of them
    alike is the light's, and does not count. (R. Jain, H.-H. Nagel, On the analysis of accumulative
    difference pictures, IEEE Trans. PAMI 1, 1979, for differences of pictures as motion.)
    """
    return float((changes(before, after) >= MOVED).mean())


def changes(before: Floats, after: Floats) -> Floats:
    """The change of the mean of each square, without the change of the light everywhere."""
    difference = shrunk(after - before, max(1, before.shape[1] // ACROSS))
    return abs(difference - np.median(difference))
