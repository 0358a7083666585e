"""The sound of a simulated hive; imported when its microphone opens, since it needs numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

HUM = 250.0  # Hz; a calm colony's strongest tone lies between 225 and 285
HARMONICS = ((1, 0.10), (2, 0.05), (3, 0.025), (4, 0.01))  # (multiple of HUM, amplitude)
NOISE = 0.02  # amplitude, against full scale

Floats = npt.NDArray[np.float64]


def hum(seed: int, rate: int, first: int, count: int) -> bytes:
    """Samples ``first`` to ``first + count`` of the stream, 16 bits each.

    Each is a function of the seed and of its number alone.
    """
    numbers = np.arange(first, first + count, dtype=np.int64)
    seconds = numbers / rate
    offset = seed % 1000  # another seed is another moment of the same colony
    phase = 2 * np.pi * HUM * (seconds + offset) + 1.5 * np.sin(2 * np.pi * 0.31 * seconds + offset)
    tones = sum(level * np.sin(multiple * phase) for multiple, level in HARMONICS)
    swell = 0.8 + 0.2 * np.sin(2 * np.pi * 0.11 * seconds + offset)
    sound = swell * tones + NOISE * white_noise(seed, numbers)
    samples: bytes = np.round(sound * 32767).astype("<i2").tobytes()
    return samples


def white_noise(seed: int, numbers: npt.NDArray[np.int64]) -> Floats:
    """A number from -1 to 1 for each number, by the mixing steps of SplitMix64.

    It needs no state, so any part of the stream can be made without the earlier parts. See Steele,
    Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    z = (numbers.astype(np.uint64) + np.uint64(seed) * np.uint64(2**32)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return z.astype(np.float64) / 2**63 - 1.0
