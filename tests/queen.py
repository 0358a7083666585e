"""A young queen that toots, and one in her cell that answers: synthetic, at any level in a hum."""

from __future__ import annotations

import numpy as np

from beemon.checks.spectrum import Floats

HARMONICS = ((1, 1.0), (2, 0.6), (3, 0.7), (4, 0.5), (5, 0.25))
HEARD = (700.0, 2000.0)
"""The range in Hz in which the levels of piping and hum are compared."""


def syllable(
    chance: np.random.Generator, pitch: float, seconds: float, rise: float, glide: float, rate: int
) -> Floats:
    """One tone with its harmonics, that swells within ``rise`` seconds."""
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(pitch * (1 + glide * (2 * time / seconds - 1) ** 2)) / rate
    tone = sum(a * np.sin(k * phase + chance.uniform(0, 2 * np.pi)) for k, a in HARMONICS)
    swell = np.minimum(1, np.minimum(time / rise, (seconds - time) / 0.02))
    found: Floats = tone * np.clip(swell, 0, 1)
    return found


def toot(chance: np.random.Generator, rate: int = 8000) -> Floats:
    """A long syllable that glides, and 5 to 12 shorter ones."""
    pitch, seconds = chance.uniform(330, 520), chance.uniform(0.3, 0.45)
    parts = [syllable(chance, pitch, chance.uniform(0.6, 1.3), 0.08, chance.uniform(0, 0.05), rate)]
    for _ in range(chance.integers(5, 13)):
        parts.append(_pause(chance.uniform(0.09, 0.16), rate))
        near = pitch * chance.uniform(0.99, 1.02)
        parts.append(syllable(chance, near, max(0.15, seconds), 0.05, 0, rate))
        seconds *= 0.93
    return np.concatenate(parts)


def quack(chance: np.random.Generator, rate: int = 8000) -> Floats:
    """6 to 19 short syllables."""
    pitch, parts = chance.uniform(300, 420), []
    for _ in range(chance.integers(6, 20)):
        near = pitch * chance.uniform(0.99, 1.01)
        parts.append(syllable(chance, near, chance.uniform(0.12, 0.2), 0.015, 0, rate))
        parts.append(_pause(chance.uniform(0.2, 0.3), rate))
    return np.concatenate(parts)


def mixed(hum: Floats, piping: Floats, at: int, decibels: float, rate: int = 8000) -> Floats:
    """A hum with piping from one sample on, so many dB above the hum in the range of both."""
    piping = piping[: len(hum) - at]
    gain = np.sqrt(_power(hum, rate) / _power(piping, rate) * 10 ** (decibels / 10))
    both = hum.copy()
    both[at : at + len(piping)] += gain * piping
    return both


def _pause(seconds: float, rate: int) -> Floats:
    return np.zeros(round(seconds * rate))


def _power(sound: Floats, rate: int) -> float:
    lines, hertz = np.fft.rfft(sound), np.fft.rfftfreq(len(sound), 1 / rate)
    lines[(hertz < HEARD[0]) | (hertz > HEARD[1])] = 0
    return float(np.mean(np.fft.irfft(lines, len(sound)) ** 2))
