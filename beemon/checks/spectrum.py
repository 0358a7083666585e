"""Spectrum: the distribution of a sound's power by Welch's method, and its summaries.

The spectrum is the mean of the periodograms of segments, each without its own mean and under a Hann
window; if there are few, they overlap by half (P. D. Welch, The use of fast Fourier transform for
the estimation of power spectra, IEEE Trans. Audio Electroacoust. 15, 1967). Power counts against a
full scale of 1: a sine of amplitude 1 has a power of 0.5, that is -3.0 dBFS.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESOLUTION = 8.0
"""Hz between two lines of the spectrum, at the most: a band of 50 Hz holds six at least."""
SMALLEST_SEGMENT = 256
ENOUGH_SEGMENTS = 100
"""The number of segments at which a band of 50 Hz is accurate to a quarter of a decibel. Each line
varies by its own size over the root of this number, and six neighbours under this window as three
would. Overlapping segments would double the work and gain less than a tenth."""
SILENCE = 1e-20
"""The least power with a level in dB (-200 dBFS); digital zero has no level."""


class Spectrum:
    """The power of a sound by frequency, gathered while it is read."""

    def __init__(self, rate: int, samples: int) -> None:
        self.rate = rate
        self.segment = segment_length(rate, samples)
        enough = samples >= ENOUGH_SEGMENTS * self.segment
        self._hop = self.segment if enough else self.segment // 2
        self._window = np.hanning(self.segment + 1)[:-1]
        self._sum = np.zeros(self.segment // 2 + 1)
        self._segments = 0
        self._rest = np.zeros(0)

    def add(self, sound: Floats) -> None:
        """The next samples of a channel, full scale being 1; in pieces of any length."""
        sound = np.concatenate([self._rest, sound])
        hop = self._hop
        count = max(0, (len(sound) - self.segment) // hop + 1)
        self._rest = sound[count * hop :]
        if count:
            pieces = np.lib.stride_tricks.sliding_window_view(sound, self.segment)[::hop]
            pieces = pieces - pieces.mean(axis=1, keepdims=True)
            pieces *= self._window
            lines = np.fft.rfft(pieces, axis=1)
            for part in (lines.real, lines.imag):  # np.abs would take each root, to square it again
                self._sum += np.einsum("ij,ij->j", part, part)
            self._segments += count

    @property
    def frequencies(self) -> Floats:
        """The lines of the spectrum, in Hz."""
        lines: Floats = np.linspace(0.0, self.rate / 2, self.segment // 2 + 1)
        return lines

    def powers(self) -> Floats:
        """The power at each line: together they are the mean square of the sound."""
        if not self._segments:
            return np.zeros_like(self._sum)
        scale = self._segments * self.segment * float((self._window**2).sum())
        powers: Floats = self._sum / scale
        powers[1:-1] *= 2  # the negative frequencies have as much
        return powers


def segment_length(rate: int, samples: int) -> int:
    """A power of two: long enough for the resolution, and not longer than the sound."""
    wanted = 1 << int(np.ceil(np.log2(rate / RESOLUTION)))
    there = 1 << int(np.log2(max(samples, 1)))
    return int(max(SMALLEST_SEGMENT, min(wanted, there)))


def band_power(frequencies: Floats, powers: Floats, low: float, high: float) -> float:
    """The power from ``low`` up to ``high`` Hz; of a line at the edge, the part that is inside."""
    step = frequencies[1]
    inside = np.minimum(frequencies + step / 2, high) - np.maximum(frequencies - step / 2, low)
    return float((powers * np.clip(inside / step, 0, 1)).sum())


def centroid(frequencies: Floats, powers: Floats, low: float, high: float) -> float | None:
    """The spectrum's centre of gravity between two frequencies: sum(f P) / sum(P), in Hz.

    None if there is no power at all. See G. Peeters, A large set of audio features for sound
    description, CUIDADO 2004, 6.1.1, with the power spectrum as the weight.
    """
    chosen = (frequencies >= low) & (frequencies <= high)
    whole = powers[chosen].sum()
    return float((frequencies[chosen] * powers[chosen]).sum() / whole) if whole > 0 else None


def decibels(power: float) -> float:
    """A power in dBFS."""
    return float(10 * np.log10(max(power, SILENCE)))
