"""Encoded frames: the output of an encoder and the content of a file."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Literal

Codec = Literal["h264", "mjpeg"]


@dataclass(frozen=True)
class Frame:
    """One encoded picture and the time at which it is shown.

    H.264 is in Annex B byte-stream form. Its key frames contain their parameter sets (ITU-T H.264,
    annex B), so a recording can begin at any of them.
    """

    data: bytes
    is_key: bool
    time_us: int  # presentation time, in microseconds since some moment of the camera's own


_START_CODE = re.compile(rb"\x00?\x00\x00\x01")
_SPS, _PPS = 7, 8  # nal_unit_type, ITU-T H.264 table 7-1


class ParameterSets:
    """Sees to it that key frames have theirs, which an encoder may give with the first one only."""

    def __init__(self) -> None:
        self._last = b""

    def complete(self, data: bytes) -> bytes:
        """A key frame's data with parameter sets before it: its own, or those seen last."""
        own = b"".join(b"\x00\x00\x00\x01" + nal for nal in _units(data) if _is_set(nal))
        if own:
            self._last = own
            return data
        return self._last + data


def _units(data: bytes) -> list[bytes]:
    """The NAL units before the picture itself, which is most of the data."""
    found = []
    starts = list(_START_CODE.finditer(data[:512]))
    for start, following in itertools.pairwise(starts):
        found.append(data[start.end() : following.start()])
    return found


def _is_set(unit: bytes) -> bool:
    return bool(unit) and unit[0] & 0x1F in (_SPS, _PPS)
