"""Encoded frames: what an encoder gives and a file takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Codec = Literal["h264", "mjpeg"]


@dataclass(frozen=True)
class Frame:
    """One encoded picture and when it is shown.

    H.264 is in Annex B byte-stream form, and its key frames bring their parameter sets with them
    (ITU-T H.264, annex B): a film can begin at any of them.
    """

    data: bytes
    is_key: bool
    time_us: int  # presentation time, in microseconds since some moment of the camera's own
