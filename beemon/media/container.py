"""Video and picture files, opened in one place that raises one error for any bad content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

TICKS = 90_000
"""Presentation times count these a second, as usual for video."""
_GLOBAL_HEADER = 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER of libavcodec/avcodec.h


class CodecContext(Protocol):
    """PyAV's description of a stream's codec."""

    name: str
    width: int
    height: int
    has_b_frames: bool
    flags: int
    options: dict[str, str]
    skip_frame: str


class Stream(Protocol):
    """A video stream of PyAV; ``frames`` is the number in its header, 0 if unknown."""

    codec_context: CodecContext
    frames: int
    thread_type: str
    time_base: Fraction


class Plane(Protocol):
    """One plane of a picture: its bytes, and how many make a row."""

    line_size: int

    def __buffer__(self, flags: int, /) -> memoryview: ...


class Format(Protocol):
    """The format of a picture's pixels."""

    name: str


class Picture(Protocol):
    """A decoded frame of PyAV; ``time`` is in seconds."""

    time: float | None
    width: int
    height: int
    format: Format
    planes: Sequence[Plane]

    def reformat(
        self, *, format: str, width: int | None = None, height: int | None = None
    ) -> Picture: ...


class Packet(Protocol):
    """An encoded frame of PyAV; its times count ``time_base``."""

    pts: int | None
    dts: int | None
    duration: int | None
    time_base: Fraction
    size: int
    is_keyframe: bool
    stream: Stream

    def decode(self) -> Sequence[Picture]: ...

    def __buffer__(self, flags: int, /) -> memoryview: ...


class Film(Protocol):
    """A file that PyAV reads; ``duration`` is in microseconds."""

    duration: int | None

    def demux(self, stream: Stream, /) -> Iterator[Packet]: ...

    def decode(self, stream: Stream, /) -> Iterator[Picture]: ...


class NewFilm(Protocol):
    """A file that PyAV writes."""

    def mux(self, packet: Packet, /) -> None: ...

    def add_stream(self, *, template: Stream) -> Stream: ...

    def add_stream_from_template(self, template: Stream, /) -> Stream: ...


class UndecodableError(ValueError):
    """Nothing can be made of the file, or of the rest of it."""


@contextmanager
def opened(path: Path, kind: str | None = None) -> Iterator[tuple[Film, Stream]]:
    """The file and its first video stream; errors within the block become its own.

    Raises :class:`UndecodableError`. Its metadata may contain any bytes.
    """
    import av

    try:
        with av.open(str(path), format=kind, metadata_errors="replace") as file:
            streams = (stream for stream in file.streams.video if stream.codec_context is not None)
            if (stream := next(streams, None)) is None:
                raise UndecodableError("it holds nothing that can be decoded")
            yield cast("Film", file), cast("Stream", stream)
    except (av.FFmpegError, OSError) as error:
        raise UndecodableError(str(error)) from error


def add_stream_like(film: NewFilm, stream: Stream) -> Stream:
    """Give a film a stream like another, for frames that are encoded already.

    PyAV before 18 opens an encoder for it that encodes nothing. Without the flag that encoder does
    not put parameter sets of its own in place of the film's.
    """
    if hasattr(film, "add_stream_from_template"):
        copy = film.add_stream_from_template(stream)
    else:  # PyAV before 13
        copy = film.add_stream(template=stream)
    if stream.codec_context.name == "h264":
        context = copy.codec_context
        context.flags = int(context.flags) & ~_GLOBAL_HEADER
        context.options = {"preset": "ultrafast", "tune": "zerolatency"}
    copy.time_base = Fraction(1, TICKS)
    return copy
