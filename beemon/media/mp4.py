"""Repair of an unfinished fragmented MP4 file: cut it after its last complete fragment.

Such a file consists of a head (``ftyp``, ``moov``) and pairs of ``moof`` and ``mdat``. Each pair is
one fragment, with its frames and their times (ISO/IEC 14496-12, sections 4.2 and 8.8). The file can
be played up to the end of any fragment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

MARK = b"ftyp"
"""Stands four bytes into the file."""

_BETWEEN = {b"free", b"skip", b"styp", b"sidx", b"prft", b"emsg"}
"""Boxes that may stand between fragments."""
_INDEX = b"mfra"


class Box(NamedTuple):
    """A box at the outermost level: its kind, and the position of its end."""

    kind: bytes
    end: int


def mend(path: Path) -> int:
    """Cut an MP4 file after its last complete fragment; return the number of fragments that remain.

    Raises ``ValueError`` if it is not an MP4 file, or if its header is torn, and ``OSError``.
    """
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        boxes = list(_boxes(file, size))
        if not boxes or boxes[0].kind != MARK:
            raise ValueError("it is not an MP4 file")
        if b"moov" not in [box.kind for box in boxes]:
            raise ValueError("its header is torn")
        end, fragments = _whole_part(boxes)
        if end < size:
            file.truncate(end)
    return fragments


def _whole_part(boxes: list[Box]) -> tuple[int, int]:
    """The end of the last complete fragment, or of the index after it, and the number of fragments.
    """
    end, fragments, before = 0, 0, b""
    for box in boxes:
        if box.kind == b"mdat" and before == b"moof":
            fragments += 1
        if box.kind == b"moov" or box.kind == _INDEX or (box.kind, before) == (b"mdat", b"moof"):
            end = box.end
        if box.kind not in _BETWEEN:
            before = box.kind
    return end, fragments


def _boxes(file: BufferedIOBase, size: int) -> Iterator[Box]:
    """The whole boxes from the file's start; those behind a torn one cannot be found."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length < 8 or start + length > size:
            return
        start += length
        yield Box(kind, start)
