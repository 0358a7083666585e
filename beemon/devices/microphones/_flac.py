"""A FLAC file that is written while it is recorded, through soundfile (no numpy needed)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from beemon.base.recording import RecordingFacts
from beemon.devices._libraries import library
from beemon.media import tags

COMPRESSION = 0.7
"""About what FLAC leaves of the sound of a hive (measured: 0.67 to 0.71)."""

SUBTYPES = {2: "PCM_16", 4: "PCM_24"}  # by bytes a sample; FLAC holds at most 24 bits
BITS = {"PCM_16": 16, "PCM_24": 24}
TYPES = {2: "int16", 4: "int32"}


class FlacWriter:
    """Takes interleaved samples little-endian (as every machine that this runs on), 2 or 4
    bytes each.

    Of 4-byte samples the upper 24 bits are kept: no microphone has more. Raises :class:`OSError`
    where the disk does not take what is written.
    """

    def __init__(self, path: Path, rate: int, channels: int, sample_bytes: int = 2) -> None:
        self._soundfile = library("soundfile")
        self._path = path
        self._type = TYPES[sample_bytes]
        with self._disk_errors():
            self._file = self._soundfile.SoundFile(
                str(path),
                "w",
                samplerate=rate,
                channels=channels,
                format="FLAC",
                subtype=SUBTYPES[sample_bytes],
            )
            self._file.comment = tags.ROOM

    def described(self, facts: RecordingFacts) -> RecordingFacts:
        """The recording's facts, with those of its file."""
        return replace(
            facts, rate=self._file.samplerate, channels=self._file.channels,
            bits=BITS[self._file.subtype],
        )

    def __enter__(self) -> FlacWriter:
        return self

    def __exit__(self, *_: object) -> None:
        with self._disk_errors():
            self._file.close()

    def write(self, data: bytes) -> None:
        """Append whole frames."""
        with self._disk_errors():
            self._file.buffer_write(data, self._type)

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except (self._soundfile.LibsndfileError, AssertionError) as error:
            # libsndfile keeps the errno to itself; soundfile asserts that all was written.
            full = os.statvfs(self._path.parent).f_bavail == 0
            number = errno.ENOSPC if full else errno.EIO
            raise OSError(number, os.strerror(number), str(self._path)) from error
