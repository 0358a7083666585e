"""JPEG pictures."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from beemon.devices._base import LIVE_PIXELS
from beemon.devices._libraries import library
from beemon.devices.cameras._pyav import Encoder, Picture

BYTES_A_PIXEL = 0.15
"""About what a picture takes (measured: 0.10 to 0.25, small pictures more)."""

QUALITY = {"qmin": "2", "qmax": "5"}  # the scale of libavcodec: 1 is best, 31 worst
LIVE_QUALITY = {"qmin": "4", "qmax": "10"}


def jpeg(picture: Picture) -> bytes:
    """A picture as a JPEG file."""
    return _encoded(picture.reformat(format="yuvj420p"), QUALITY)


def live_jpeg(picture: Picture) -> bytes:
    """A picture as a small JPEG file, whose sides are at most :data:`LIVE_PIXELS`."""
    share = min(1.0, LIVE_PIXELS / max(picture.width, picture.height))
    width, height = (
        max(2, round(side * share) & ~1) for side in (picture.width, picture.height)
    )
    return _encoded(
        picture.reformat(width=width, height=height, format="yuvj420p"), LIVE_QUALITY
    )


def _encoded(frame: Picture, quality: Mapping[str, str]) -> bytes:
    encoder: Encoder = library("av").CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = Fraction(1, 1)
    encoder.options = quality
    frame.pts, frame.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
