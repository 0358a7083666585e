"""JPEG pictures: their first and last bytes, and the segments before the picture's data."""

from __future__ import annotations

import os
from pathlib import Path

MARK, END = b"\xff\xd8", b"\xff\xd9"
COMMENT = b"\xff\xfe"
_SCAN = b"\xda"  # the picture's data begin
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF (ITU-T T.81, table B.1)
_PADDING = 4096
"""Maximum number of bytes after a picture's end: some cameras fill up their buffers."""


def segments(data: bytes) -> list[tuple[int, int]]:
    """Where each segment before the picture's data begins and ends (ITU-T T.81, B.1.1.4)."""
    found, start = [], 2
    while data[start : start + 1] == b"\xff" and data[start + 1 : start + 2] not in (b"", _SCAN):
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if end > len(data):
            break
        found.append((start, end))
        start = end
    return found


def size(data: bytes) -> tuple[int, int] | None:
    """The width and height in a picture's header; None if it is not the header of a picture."""
    if not data.startswith(MARK):
        return None
    for start, _ in segments(data):
        if data[start + 1] in _FRAMES:
            height, width = (int.from_bytes(data[start + n : start + n + 2], "big") for n in (5, 7))
            return (width, height) if width and height else None
    return None


def count_whole(path: Path) -> int:
    """1 where the file is one whole picture, without anything behind its end, else 0."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - len(END)))
        return int(file.read() == END)


def has_end(data: bytes) -> bool:
    """Whether the picture continues to its end, behind which there may be padding, or zeros."""
    return data.rstrip(b"\0").rfind(END, -_PADDING) >= 0


class Series:
    """The pictures of one stream, of which one may be torn: libavcodec makes a grey half of it.

    Some cameras never write a picture's end: of these it is not asked. The size is that of the
    first picture which has it as ``stated``, or as the picture before it, if that had any.
    """

    def __init__(self, stated: tuple[int, int] | None = None) -> None:
        self._size: tuple[int, int] | None = None
        self._before = stated
        self._has_ends = False

    def is_whole(self, data: bytes) -> bool:
        """Whether the next picture is whole, and of the size of the others."""
        found, ends = size(data), has_end(data)
        if self._size is None and self._before in (None, found):
            self._size = found
        self._before, self._has_ends = found, self._has_ends or ends
        return found is not None and found == self._size and ends >= self._has_ends
