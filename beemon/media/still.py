"""Still: the first picture of a video, as a small JPEG."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from beemon.media.container import Picture, UndecodableError, opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Frame(Picture, Protocol):
        """A picture that can be scaled and encoded."""

        pts: int | None
        time_base: Fraction

    class Encoder(Protocol):
        """PyAV's encoder of pictures."""

        width: int
        height: int
        pix_fmt: str
        time_base: Fraction
        options: dict[str, str]

        def encode(self, frame: Frame | None, /) -> Sequence[bytes]: ...

MOST_WIDTH = 960
"""Width of the JPEG, in pixels, at the most."""
_FORMAT = "yuvj420p"
_QUALITY = {"qmin": "2", "qmax": "8"}  # the scale of libavcodec: 1 is best, 31 worst


def first_picture(path: Path) -> bytes:
    """The first picture that can be decoded. Raises :class:`UndecodableError`."""
    with opened(path) as (film, stream):
        stream.thread_type = "NONE"  # each thread would keep pictures of its own
        picture = next(film.decode(stream), None)
        if picture is None:
            raise UndecodableError("it has no picture")
        return _jpeg(_scaled(picture))


def _scaled(picture: Picture) -> Frame:
    width = min(picture.width, MOST_WIDTH)
    height = max(2, round(picture.height * width / picture.width / 2) * 2)
    return cast("Frame", picture.reformat(format=_FORMAT, width=width, height=height))


def _jpeg(frame: Frame) -> bytes:
    import av

    encoder = cast("Encoder", av.CodecContext.create("mjpeg", "w"))
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, _FORMAT
    encoder.time_base = Fraction(1, 1)
    encoder.options = _QUALITY
    frame.pts, frame.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
