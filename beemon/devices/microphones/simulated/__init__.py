"""A simulated microphone in a humming hive.

All recordings are cut out of one endless stream. Each sample depends only on the seed and on the
sample's number. The clock paces the stream, so a recording of a minute takes a minute (divided by
``speed``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Literal

from beemon.base.options import option
from beemon.base.recording import RecordingFacts
from beemon.devices._base import Microphone, began
from beemon.devices._libraries import absent, library
from beemon.devices._simulation import SimulatedRecorder, SimulatedSettings, Stream
from beemon.devices.microphones._flac import COMPRESSION, FlacWriter

CHUNK_SECONDS = 0.25  # as a sound card hands over its periods


@dataclass(frozen=True, kw_only=True)
class Settings(SimulatedSettings):
    """The hum of a hive that does not exist.

    Use it to try beemon without hardware.

        [microphone.brood]
        driver = "simulated"
    """

    rate: Literal[16000, 48000] = option(16000, doc="samples a second")

    @property
    def bytes_a_second(self) -> float:
        return self.rate * 2 * COMPRESSION


class Driver(SimulatedRecorder, Microphone):
    """Records the hum of the simulated hive."""

    settings: Settings

    def absent(self) -> str | None:
        return absent("mutagen", "numpy", "soundfile")

    def open(self) -> None:
        library("numpy")
        library("soundfile")
        self._begin_stream(self.settings.rate)

    def record(
        self, path: Path, seconds: float, cancelled: Event, *, follows: bool
    ) -> RecordingFacts:
        stream = self._opened()
        rate = self.settings.rate
        first = self._first(stream, follows=follows)
        asked = round(seconds * rate)
        start = began(stream.due(first))
        with FlacWriter(path, rate, channels=1) as flac:
            self._end = first
            for chunk in self._chunks(stream, first, asked, cancelled):
                flac.write(chunk)
                self._end += len(chunk) // 2
        samples = self._end - first
        return replace(
            flac.described(start),
            seconds=samples / rate,
            samples=samples,
            lost_samples=0,
            first_sample=first,
        )

    def _chunks(self, stream: Stream, first: int, asked: int, cancelled: Event) -> Iterator[bytes]:
        """The requested samples as they become due; fewer if it is cancelled."""
        from beemon.devices.microphones.simulated.hum import hum

        fault_at = first + asked // 2 if self._is_to_fail() else None
        step = max(1, round(CHUNK_SECONDS * self.settings.rate))
        for start in range(first, first + asked, step):
            count = min(step, first + asked - start)
            stream.wait(start + count, cancelled)
            if fault_at is not None and start + count > fault_at:
                self._faults.show()
            if cancelled.is_set():
                return
            if self._is_dead:
                yield bytes(2 * count)
            else:
                yield hum(self.settings.seed, self.settings.rate, start, count)
