"""The kind of a media file, from its first bytes: a recording may still have its temporary name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from beemon.media import flac, jpeg, mp4

_HEAD_BYTES = 12


class Kind(StrEnum):
    """The kinds of file that beemon keeps."""

    FLAC = "FLAC"
    MP4 = "MP4"
    JPEG = "JPEG"


def kind_of(path: Path) -> Kind | None:
    """The kind of a file; None if it is not one of these. Raises ``OSError``."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(flac.MARK):
        return Kind.FLAC
    if head[4:8] == mp4.MARK:
        return Kind.MP4
    return Kind.JPEG if head.startswith(jpeg.MARK) else None
