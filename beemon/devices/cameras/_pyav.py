"""The part of PyAV that only cameras need, as types; :mod:`beemon.media.container` has the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from beemon.media import container
from beemon.media.container import Stream


class Plane(container.Plane, Protocol):
    """One plane of a picture; its rows may be longer than the picture is wide."""

    width: int
    height: int


class Picture(container.Picture, Protocol):
    """A picture that is drawn, or that a camera sent: an ``av.VideoFrame``."""

    planes: Sequence[Plane]
    pts: int
    time_base: Fraction
    pict_type: int

    def reformat(
        self, *, width: int | None = None, height: int | None = None, format: str | None = None
    ) -> Picture: ...


class Packet(container.Packet, Protocol):
    """An encoded picture; without ``pts`` it stands for the end of its stream."""

    is_corrupt: bool

    def decode(self) -> Sequence[Picture]: ...


class Encoder(Protocol):
    """An encoder; it is set up by its attributes before it gets a picture."""

    width: int
    height: int
    pix_fmt: str
    framerate: Fraction
    time_base: Fraction
    bit_rate: int
    thread_count: int
    options: Mapping[str, str]

    def encode(self, picture: Picture | None) -> Sequence[Packet]: ...


class Streams(Protocol):
    """The streams of a source."""

    video: Sequence[Stream]


class Input(Protocol):
    """An open source of streams: a file or a camera."""

    streams: Streams

    def demux(self, stream: Stream) -> Iterator[Packet]: ...

    def close(self) -> None: ...
