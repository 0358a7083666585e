"""Video and picture files, opened in one place: whatever their bytes, one error says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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
                raise UndecodableError("there is nothing in it that can be decoded")
            yield file, stream
    except (av.FFmpegError, OSError) as error:
        raise UndecodableError(str(error)) from error
