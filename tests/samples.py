"""Sounds and videos made to order: what a microphone or a camera could have delivered, or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from beemon.base.recording import RecordingFacts
from beemon.devices.cameras._h264 import H264Encoder
from beemon.devices.cameras._mp4 import Mp4Writer
from beemon.devices.cameras.simulated.entrance import Entrance
from beemon.devices.microphones._flac import FlacWriter
from beemon.devices.microphones.simulated.hum import hum

Array = npt.NDArray[Any]


def hive_sound(seconds: float, rate: int = 16000, seed: int = 1, at: float = 0.0) -> Array:
    """What the simulated microphone hears from a moment on, 16 bits."""
    sound = hum(seed, rate, round(at * rate), round(seconds * rate))
    return np.frombuffer(sound, "<i2").astype(np.int32)


def tone(hertz: float, amplitude: float, seconds: float = 4.0, rate: int = 16000) -> Array:
    """A sine, 16 bits."""
    phase = 2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate
    return np.round(32767 * amplitude * np.sin(phase)).astype(np.int32)


def noise(rms: float, seconds: float = 4.0, rate: int = 16000, seed: int = 1) -> Array:
    """White noise of so many steps of 16 bits."""
    chance = np.random.default_rng(seed)
    return np.round(chance.normal(0, rms, round(seconds * rate))).astype(np.int32)


def write_sound(
    path: Path, samples: Array, rate: int = 16000, sample_bytes: int = 2
) -> RecordingFacts:
    """A FLAC file of samples (a column for each channel); the facts as a driver gives them."""
    columns = samples.reshape(len(samples), -1)
    kind = {2: "<i2", 4: "<i4"}[sample_bytes]
    with FlacWriter(path, rate, columns.shape[1], sample_bytes) as flac:
        flac.write(columns.astype(kind).tobytes())
    return RecordingFacts(samples=len(samples), rate=rate, seconds=len(samples) / rate)


class View:
    """What a camera before the simulated entrance sees."""

    def __init__(self, width: int = 320, height: int = 240, seed: int = 1) -> None:
        self._entrance = Entrance(width, height, seed)
        self.size = (height, width, 3)

    def pictures(self, count: int, rate: int = 15, at: float = 0.0) -> Iterable[Array]:
        """Successive pictures."""
        return (self._entrance.picture(at + number / rate) for number in range(count))

    def picture(self, at: float = 3.0) -> Array:
        """One picture."""
        return self._entrance.picture(at)


def blurred(picture: Array, share: float) -> Array:
    """A picture out of focus: under a Gaussian of that share of its width."""
    sigma = share * picture.shape[1]
    reach = int(3 * sigma) + 1
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    for axis in (0, 1):
        padding = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(picture.astype(float), padding, "edge")
        picture = sum(
            weight * padded.take(range(i, i + picture.shape[axis]), axis)
            for i, weight in enumerate(kernel / kernel.sum())
        )
    return np.round(picture).astype(np.uint8)


def noisy(picture: Array, sigma: float, count: int, seed: int = 1) -> Iterable[Array]:
    """The same view again and again, with a sensor's noise."""
    chance = np.random.default_rng(seed)
    for _ in range(count):
        grain = chance.normal(0, sigma, picture.shape[:2])[..., None]
        yield np.clip(np.round(picture + grain), 0, 255).astype(np.uint8)


def write_video(
    path: Path,
    pictures: Iterable[Array],
    rate: int = 15,
    times: Sequence[float] | None = None,
    bitrate: int = 1_000_000,
) -> RecordingFacts:
    """An MP4 file of pictures, at their times (seconds); the facts as a driver gives them."""
    encoder, count = None, 0
    with Mp4Writer(path, "h264") as video:
        for picture in pictures:
            encoder = encoder or H264Encoder(picture.shape[1], picture.shape[0], rate, bitrate)
            time = times[count] if times else count / rate
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            for encoded in encoder.encode(frame, round(time * 1e6)):
                video.add(encoded)
            count += 1
        for encoded in encoder.rest() if encoder else ():
            video.add(encoded)
    seconds = (times[-1] if times else (count - 1) / rate) + 1 / rate
    return RecordingFacts(frames=count, seconds=seconds)
