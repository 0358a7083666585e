"""Sound strip: the sound of a day as a picture, time from left to right and frequency upwards.

A palette picture (PNG) of 1440 by 128 points, 0 to 1000 Hz. The colour is the power of a hertz,
between the quietest and the loudest of the day. Points are transparent where nothing is known, and
hatched where a recording is missing.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]
    Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT, TOP_HZ = 1440, 128, 1000.0
LISTEN_SECONDS = 4.0
"""Longest part of a recording that is decoded for its spectrum."""

_TRANSPARENT, _HATCH, _FIRST = 0, 1, 2  # numbers of colours; the sound has all others
_HATCH_STEP, _HATCH_WIDTH = 8, 2
_QUIETEST, _LOUDEST = 5.0, 99.5  # percentiles of the day
_LEAST_RANGE = 20.0  # dB
_SILENCE = 1e-20
_MARK = b"\x89PNG\r\n\x1a\n"
_PALETTE_DEPTH, _IS_PALETTE = 8, 3
_LEVEL = 6  # of zlib

_COLOURS = (
    (0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21),
    (250, 193, 39), (252, 255, 164),
)
"""From the quietest to the loudest: equal steps of lightness, also without sight of colours."""
_HATCH_COLOUR = (128, 128, 128)


class Band(NamedTuple):
    """The level of a sound between two frequencies in Hz, in dBFS."""

    low: float
    high: float
    level: float


class Part(NamedTuple):
    """A part of the strip, from 0 (its left edge) to 1 (its right edge), and the sound's bands."""

    begin: float
    end: float
    bands: Sequence[Band]


class Span(NamedTuple):
    """A part of the strip without a recording, from 0 (its left edge) to 1 (its right edge)."""

    begin: float
    end: float


class InaudibleError(ValueError):
    """A file from which no sound can be decoded."""


def draw(parts: Sequence[Part], missing: Iterable[Span]) -> bytes:
    """The picture, as a PNG file."""
    import numpy as np

    levels = np.full((HEIGHT, WIDTH), np.nan)
    for part in parts:
        left, right = _columns(part.begin, part.end)
        levels[:, left:right] = _rows(part.bands)[:, None]
    pixels = _coloured(levels)
    diagonals = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % _HATCH_STEP < _HATCH_WIDTH
    for span in missing:
        left, right = _columns(span.begin, span.end)
        chosen = np.zeros_like(diagonals)
        chosen[:, left:right] = diagonals[:, left:right]
        pixels[chosen & np.isnan(levels)] = _HATCH
    return _png(pixels)


def listen(content: BinaryIO) -> list[Band]:
    """The bands of a FLAC file, one for each row, from a few seconds of its middle.

    Raises :class:`InaudibleError`, ``OSError``.
    """
    import numpy as np
    import soundfile

    try:
        with soundfile.SoundFile(content) as file:
            rate, count = file.samplerate, min(file.frames, round(LISTEN_SECONDS * file.samplerate))
            file.seek((file.frames - count) // 2)
            sound = file.read(count, dtype="float64", always_2d=True).mean(axis=1)
    except soundfile.LibsndfileError as error:
        raise InaudibleError(f"the sound cannot be decoded: {error}") from error
    segment = 1 << int(np.ceil(np.log2(rate * HEIGHT / TOP_HZ)))
    if len(sound) < segment:
        raise InaudibleError("the sound is too short")
    pieces = sound[: len(sound) // segment * segment].reshape(-1, segment)
    window = np.hanning(segment + 1)[:-1]
    lines = np.fft.rfft((pieces - pieces.mean(axis=1, keepdims=True)) * window, axis=1)
    powers = 2 * np.square(np.abs(lines)).mean(axis=0) / (segment * np.square(window).sum())
    return _bands(powers, rate / segment)


def _bands(powers: Floats, step: float) -> list[Band]:
    """The lines of a spectrum, ``step`` Hz apart, as bands up to the top."""
    import numpy as np

    levels = 10 * np.log10(np.maximum(powers, _SILENCE))
    return [
        Band((n - 0.5) * step, (n + 0.5) * step, float(level))
        for n, level in enumerate(levels) if 0 < n * step < TOP_HZ
    ]


def _columns(begin: float, end: float) -> tuple[int, int]:
    """The first column of a part and the one after its last; every part has one."""
    left = min(max(round(begin * WIDTH), 0), WIDTH - 1)
    return left, min(max(round(end * WIDTH), left + 1), WIDTH)


def _rows(bands: Sequence[Band]) -> Floats:
    """The level of a hertz in each row, from the top down; NaN without a band."""
    import numpy as np

    rows = np.full(HEIGHT, np.nan)
    for low, high, level in bands:
        bottom, top = (round(hertz * HEIGHT / TOP_HZ) for hertz in (low, high))
        rows[max(bottom, 0) : max(top, bottom + 1, 0)] = level - 10 * np.log10(high - low)
    return rows[::-1]


def _coloured(levels: Floats) -> Pixels:
    """The number of each point's colour."""
    import numpy as np

    known = ~np.isnan(levels)
    pixels = np.full(levels.shape, _TRANSPARENT, np.uint8)
    if known.any():
        low, high = np.percentile(levels[known], (_QUIETEST, _LOUDEST))
        low = min(low, high - _LEAST_RANGE)
        share = np.clip((levels[known] - low) / (high - low), 0, 1)
        pixels[known] = _FIRST + np.round(share * (255 - _FIRST)).astype(np.uint8)
    return pixels


def _png(pixels: Pixels) -> bytes:
    """A PNG file (ISO/IEC 15948): a header, the palette, its transparency, the points."""
    height, width = pixels.shape
    header = struct.pack(">2I5B", width, height, _PALETTE_DEPTH, _IS_PALETTE, 0, 0, 0)
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    return _MARK + b"".join([
        _chunk(b"IHDR", header), _chunk(b"PLTE", _palette()), _chunk(b"tRNS", b"\0\x60"),
        _chunk(b"IDAT", zlib.compress(lines, _LEVEL)), _chunk(b"IEND", b""),
    ])


def _palette() -> bytes:
    count = 256 - _FIRST
    steps = [n * (len(_COLOURS) - 1) / (count - 1) for n in range(count)]
    return bytes((0, 0, 0, *_HATCH_COLOUR)) + b"".join(map(_colour, steps))


def _colour(step: float) -> bytes:
    """The colour at a step between two neighbours of :data:`_COLOURS`."""
    number = min(int(step), len(_COLOURS) - 2)
    before, after = _COLOURS[number : number + 2]
    share = step - number
    return bytes(round(a + (b - a) * share) for a, b in zip(before, after, strict=True))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
