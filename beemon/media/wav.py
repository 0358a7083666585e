"""WAV files with a wrong length in the header: torn ones, and unfinished ones.

A program that is killed, or that writes into a pipe, leaves a length of 0 or the greatest possible
one. See Multimedia Programming Interface and Data Specifications 1.0, 1991, and for RF64 EBU Tech
3306. The sound then continues to the end of the file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_FORMS = (b"RIFF", b"RF64", b"BW64")
_IN_DS64 = 0xFFFFFFFF
_USUAL = (b"LIST", b"bext", b"fact", b"cue ", b"PEAK", b"id3 ", b"ID3 ", b"guan", b"JUNK", b"iXML")
"""Chunks that often follow the sound."""
_MAKESHIFT = 0x7FFFF000
"""From this length on (bytes) it may be one that was written before anything was known."""


class Head(NamedTuple):
    """The position of the sound, its length, and the length in the header (bytes).

    ``promised`` lacks a value where the head was never finished: then what follows it is no chunk.
    """

    start: int
    there: int
    promised: int | None
    frame_bytes: int

    @property
    def is_true(self) -> bool:
        """Whether all that it promises is there."""
        return self.promised is not None and self.promised <= self.there


def head_of(path: Path) -> Head | None:
    """The head of a WAV file; None if it is not one, or is torn itself."""
    size = path.stat().st_size
    frame_bytes = length64 = 0
    with path.open("rb") as file:
        for kind, start, length in _chunks(file, size):
            if kind == b"ds64":
                length64 = int.from_bytes(file.read(16)[8:], "little")
            elif kind == b"fmt ":
                frame_bytes = int.from_bytes(file.read(14)[12:], "little")
            elif kind == b"data":
                promised = length64 if length == _IN_DS64 and length64 else length
                if not frame_bytes:
                    return None
                is_known = _is_known(file, start, size - start, promised)
                return Head(start, size - start, promised if is_known else None, frame_bytes)
    return None


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk; the file stands at its start."""
    head = file.read(12)
    if head[:4] not in _FORMS or head[8:] != b"WAVE":
        return
    at = len(head)
    while at + 8 <= size:
        file.seek(at)
        kind, length = file.read(4), int.from_bytes(file.read(4), "little")
        yield kind, at + 8, length
        at += 8 + length + length % 2


def _is_known(file: BinaryIO, start: int, there: int, promised: int) -> bool:
    """Whether the length of the sound was known when it was written for the last time."""
    if promised == 0 or (promised >= _MAKESHIFT and promised > there):
        return False
    behind = promised + promised % 2
    if there < behind + 8:
        return True
    file.seek(start + behind)
    kind, length = file.read(4), int.from_bytes(file.read(4), "little")
    is_word = kind.isascii() and kind.decode().isprintable()
    return kind in _USUAL or (is_word and length <= there - behind - 8)


class Whole(io.RawIOBase):
    """A WAV file as it would be, had its head been finished when it ended."""

    def __init__(self, file: BinaryIO, head: Head) -> None:
        super().__init__()
        self._file, self._at = file, 0
        there = min(head.there, head.promised or head.there) // head.frame_bytes * head.frame_bytes
        self._size = head.start + there
        file.seek(0)
        before = file.read(head.start)
        lengths = [min(length, _IN_DS64) for length in (self._size - 8, there)]
        riff, data = (length.to_bytes(4, "little") for length in lengths)
        self._head = b"RIFF" + riff + before[8:-4] + data

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere else."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes: the mended head's, or the file's."""
        if self._at < len(self._head):
            data = self._head[self._at : self._at + len(buffer)]
        else:
            self._file.seek(self._at)
            data = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        memoryview(buffer).cast("B")[: len(data)] = data
        self._at += len(data)
        return len(data)
