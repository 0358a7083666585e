"""JPEG pictures."""

from __future__ import annotations

from fractions import Fraction

from beemon.devices._libraries import library
from beemon.devices.cameras._pyav import Encoder, Picture

BYTES_A_PIXEL = 0.15
"""About what a picture takes (measured: 0.10 to 0.25, small pictures more)."""

QUALITY = {"qmin": "2", "qmax": "5"}  # the scale of libavcodec: 1 is best, 31 worst


def jpeg(picture: Picture) -> bytes:
    """A picture as a JPEG file."""
    frame = picture.reformat(format="yuvj420p")
    encoder: Encoder = library("av").CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = Fraction(1, 1)
    encoder.options = QUALITY
    frame.pts, frame.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
