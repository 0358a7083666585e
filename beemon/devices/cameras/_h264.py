"""H.264 by software, for cameras whose pictures reach this process."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from beemon.base.moments import US_PER_SECOND
from beemon.devices._libraries import library
from beemon.devices.cameras._frames import Frame
from beemon.devices.cameras._pyav import Encoder, Packet, Picture

_MICROSECONDS = Fraction(1, US_PER_SECOND)
_ANY, _INTRA = 0, 1  # AV_PICTURE_TYPE_NONE, AV_PICTURE_TYPE_I of libavutil/avutil.h
_KEY_EVERY_US = US_PER_SECOND


class H264Encoder:
    """libx264: cheap, nothing held back, and a key frame a second."""

    def __init__(self, width: int, height: int, frame_rate: int, bitrate: int) -> None:
        self._av = library("av")
        self._context: Encoder = self._av.CodecContext.create("libx264", "w")
        self._context.width, self._context.height = width, height
        self._context.pix_fmt = "yuv420p"
        self._context.framerate = Fraction(frame_rate)
        self._context.bit_rate = bitrate
        self._context.time_base = _MICROSECONDS
        self._context.thread_count = 1  # threads cost more than they bring here
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(frame_rate)}
        self._context.options = options
        self.size = width, height
        self._key_us: int | None = None

    def encode(self, picture: Picture, time_us: int, *, key: bool = False) -> Iterator[Frame]:
        """The frames that the encoder returns for a picture (an ``av.VideoFrame``), usually one.

        ``key`` makes it a key frame. So does one second without a key frame, even at a low frame
        rate. Its properties from another recording are removed.
        """
        if key or self._key_us is None or time_us - self._key_us >= _KEY_EVERY_US:
            picture.pict_type, self._key_us = _INTRA, time_us
        else:
            picture.pict_type = _ANY
        picture.pts, picture.time_base = time_us, _MICROSECONDS
        yield from map(_frame, self._context.encode(picture))

    def rest(self) -> Iterator[Frame]:
        """The frames that are still inside; nothing can be encoded after them."""
        yield from map(_frame, self._context.encode(None))


def _frame(packet: Packet) -> Frame:
    assert packet.pts is not None  # an encoder gives each picture's back
    return Frame(bytes(packet), packet.is_keyframe, packet.pts)
