"""Video and picture files, opened in one place that raises one error for any bad content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

TICKS = 90_000
"""Presentation times count these a second, as usual for video."""
_GLOBAL_HEADER = 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER of libavcodec/avcodec.h


class UndecodableError(ValueError):
    """Nothing can be made of the file, or of the rest of it."""


@contextmanager
def opened(path: Path, kind: str | None = None) -> Iterator[tuple[Any, Any]]:
    """The file and its first video stream; errors of what is done with them are its own, too.

    Raises :class:`UndecodableError`. Its metadata may be of any bytes.
    """
    import av

    try:
        with av.open(str(path), format=kind, metadata_errors="replace") as file:
            streams = (stream for stream in file.streams.video if stream.codec_context is not None)
            if (stream := next(streams, None)) is None:
                raise UndecodableError("it holds nothing that can be decoded")
            yield file, stream
    except (av.FFmpegError, OSError) as error:
        raise UndecodableError(str(error)) from error


def add_stream_like(film: Any, stream: Any) -> Any:
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
