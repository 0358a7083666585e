"""Repair of an unfinished FLAC file: cut it before the torn part, and correct its header.

Such a file is complete except for its last frames. Each frame has a checksum of its own (RFC 9639,
section 9). The header lacks the number of samples, which is known only at the end.
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MARK = b"fLaC"

_SYNC = (b"\xff\xf8", b"\xff\xf9")
_STREAMINFO_END = 8 + 34
_COUNT_AT, _MD5_AT = 8 + 13, 8 + 18
"""The position of the number of samples (four bits of a byte, and four bytes), then of their MD5.
"""
_BLOCK_SIZES = {1: 192, **{n: 576 << n - 2 for n in range(2, 6)},
                **{n: 256 << n - 8 for n in range(8, 16)}}
_LONGEST_HEADER = 16
_PADDING, _LAST = 1, 0x80
"""A kind of block (RFC 9639, section 8.1), and the flag of the last block."""
_ROOM = 4096


class Header(NamedTuple):
    """The header of a frame: its length in bytes, and the number of samples in the frame."""

    length: int
    samples: int


def mend(path: Path) -> int:
    """Cut a FLAC file after its last complete frame; return the number of samples that remain.

    A file with a correct header does not change. Raises ``ValueError`` if it is not a FLAC file, or
    if its header is torn, and ``OSError``.
    """
    with path.open("r+b") as file:
        start = _first_frame(file.read(1 << 20))
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            end, samples = _whole_part(data, start)
            head = data[:_STREAMINFO_END]
        if _promised(head) != samples:
            file.seek(_COUNT_AT)
            file.write(_count(head[_COUNT_AT], samples))
        file.truncate(end)
    return samples


def promised(path: Path) -> int:
    """The number of samples in the header; 0 if it was not known (the end of a pipe)."""
    with path.open("rb") as file:
        return _promised(file.read(_STREAMINFO_END))


def promised_md5(path: Path) -> bytes | None:
    """The hash of all samples in the header; None if it was not known."""
    with path.open("rb") as file:
        said = file.read(_STREAMINFO_END)[_MD5_AT:]
    return said if any(said) else None


def strip(path: Path) -> None:
    """Leave of a FLAC file's blocks the first, which a decoder needs, and room for new ones.

    The sound stays as it is. Raises ``ValueError`` if it is not a FLAC file or its header is torn.
    """
    stripped = path.with_suffix(".stripped")
    with path.open("rb") as file, stripped.open("wb") as new:
        head = file.read(1 << 20)
        start = _first_frame(head)
        new.write(MARK + bytes([0]) + head[5:_STREAMINFO_END])
        new.write(bytes([_PADDING | _LAST]) + _ROOM.to_bytes(3, "big") + bytes(_ROOM))
        file.seek(start)
        shutil.copyfileobj(file, new)
    stripped.replace(path)


def _promised(head: bytes) -> int:
    return int.from_bytes(head[_COUNT_AT : _COUNT_AT + 5], "big") & (1 << 36) - 1


def _count(shared: int, samples: int) -> bytes:
    """The 36 bits of the number of samples, behind four bits of another field; no MD5 is known."""
    return ((shared >> 4) << 36 | samples).to_bytes(5, "big") + bytes(16)


def _first_frame(head: bytes) -> int:
    """The position at which the sound begins, after the blocks that describe it."""
    if not head.startswith(MARK):
        raise ValueError("it is not a FLAC file")
    start, is_last = len(MARK), False
    while not is_last:
        if start + 4 > len(head):
            raise ValueError("its header is torn")
        is_last = head[start] >= 0x80
        start += 4 + int.from_bytes(head[start + 1 : start + 4], "big")
    if start > len(head):
        raise ValueError("its header is torn")
    return start


def _whole_part(data: mmap.mmap, start: int) -> tuple[int, int]:
    """The end of the last complete frame, and the number of samples up to it."""
    samples, number = 0, 0
    while (header := _header(data, start)) is not None:
        end = _end_of_frame(data, start, header)
        if end is None:
            break
        start, samples, number = end, samples + header.samples, number + 1
    return start, samples


def _end_of_frame(data: mmap.mmap, start: int, header: Header) -> int | None:
    """The end of a complete frame: its checksum is right, and another frame or the end of the file
    follows."""
    for end in _ends(data, start + header.length):
        if _crc16(data[start : end - 2]) == int.from_bytes(data[end - 2 : end], "big"):
            return end
    return None


def _ends(data: mmap.mmap, start: int) -> Iterator[int]:
    """The possible ends of a frame: before each possible header, and at the end of the file."""
    at = start
    while (at := data.find(b"\xff", at)) >= 0:
        if _header(data, at) is not None:
            yield at
        at += 1
    yield len(data)


def _header(data: mmap.mmap, start: int) -> Header | None:
    """A frame's header, if one begins there (RFC 9639, section 9.1)."""
    head = data[start : start + _LONGEST_HEADER]
    if head[:2] not in _SYNC or len(head) < 6:
        return None
    size_code, rate_code = head[2] >> 4, head[2] & 15
    at = 4 + _coded_length(head[4])
    samples = _BLOCK_SIZES.get(size_code, 0)
    if size_code in (6, 7):
        samples = int.from_bytes(head[at : at + size_code - 5], "big") + 1
        at += size_code - 5
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if not samples or at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return Header(at + 1, samples)


def _coded_length(first: int) -> int:
    """The number of bytes of a frame's number, from its first byte (as in UTF-8)."""
    ones = 8 - (~first & 0xFF).bit_length()
    return max(1, ones)


def _table(polynomial: int, bits: int) -> list[int]:
    """The effect of each value of the upper eight bits on a checksum."""
    top, mask, table = 1 << bits - 1, (1 << bits) - 1, []
    for byte in range(256):
        crc = byte << bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ polynomial if crc & top else crc << 1) & mask
        table.append(crc)
    return table


_TABLE_8, _TABLE_16 = _table(0x07, 8), _table(0x8005, 16)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _TABLE_8[crc ^ byte]
    return crc


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFF00) ^ _TABLE_16[crc >> 8 ^ byte]
    return crc
