"""JPEG files: how they begin and end, and the segments in front of the picture."""

from __future__ import annotations

MARK, END = b"\xff\xd8", b"\xff\xd9"
COMMENT = b"\xff\xfe"
_SCAN = 0xDA  # the picture's data begin


def segments(data: bytes) -> list[tuple[int, int]]:
    """Where each segment before the picture's data begins and ends (ITU-T T.81, B.1.1.4)."""
    found, start = [], 2
    while data[start : start + 1] == b"\xff" and data[start + 1] != _SCAN:
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if end > len(data):
            break
        found.append((start, end))
        start = end
    return found
