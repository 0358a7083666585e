"""A simulated camera before the entrance of a hive.

Each picture depends only on the seed and on the picture's number, and has the presentation time at
which it was due. Video is H.264 in fragmented MP4, with one fragment per second. Each complete
fragment is written to the disk at once, so the video recorded before a crash can be played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from beemon.base.moments import US_PER_SECOND
from beemon.base.options import option
from beemon.base.recording import RecordingFacts
from beemon.devices._base import Camera, began
from beemon.devices._libraries import absent, library
from beemon.devices._simulation import SimulatedRecorder, SimulatedSettings, Stream
from beemon.devices.cameras._h264 import H264Encoder
from beemon.devices.cameras._jpeg import BYTES_A_PIXEL, jpeg, live_jpeg
from beemon.devices.cameras._mp4 import Mp4Writer
from beemon.devices.cameras._pyav import Picture
from beemon.devices.cameras._sizes import even


@dataclass(frozen=True, kw_only=True)
class Settings(SimulatedSettings):
    """The entrance of a hive that does not exist.

    Use it to try beemon without hardware.

        [camera.entrance]
        driver = "simulated"
    """

    width: int = option(640, parse=even, doc="pixels across, an even number from 64 to 4096")
    height: int = option(480, parse=even, doc="pixels down, an even number from 64 to 4096")
    frame_rate: int = option(15, minimum=1, maximum=60, doc="frames a second")
    bitrate: int = option(1_000_000, minimum=50_000, maximum=50_000_000, doc="bits a second")

    @property
    def bytes_a_second(self) -> float:
        return self.bitrate / 8

    @property
    def bytes_a_picture(self) -> float:
        return self.width * self.height * BYTES_A_PIXEL


class Driver(SimulatedRecorder, Camera):
    """Films the simulated hive's entrance."""

    overlaps = True
    settings: Settings

    def absent(self) -> str | None:
        return absent("av", "mutagen", "numpy")

    def open(self) -> None:
        self._av = library("av")
        library("numpy")
        from beemon.devices.cameras.simulated.entrance import Entrance
        from beemon.devices.cameras.simulated.planes import Planes

        wanted = self.settings
        self._planes = Planes(Entrance(wanted.width, wanted.height, wanted.seed))
        self._begin_stream(wanted.frame_rate)

    def record(
        self, path: Path, seconds: float, cancelled: Event, *, follows: bool
    ) -> RecordingFacts:
        stream = self._opened()
        first = self._first(stream, follows=follows)
        start = began(stream.due(first))
        asked = max(1, round(seconds * self.settings.frame_rate))
        end = first
        encoder, blank = self._encoder(), self._planes.blank(self._av)
        with Mp4Writer(path, "h264") as video:
            for number in self._due(stream, range(first, first + asked), cancelled):
                picture = self._draw(blank, number)  # which the encoder copies
                for frame in encoder.encode(picture, self._time_us(number - first)):
                    video.add(frame)
                end = number + 1
            for frame in encoder.rest():
                video.add(frame)
        self._end = end
        frames = end - first
        return replace(
            self._facts(start),
            seconds=frames / self.settings.frame_rate,
            frames=frames,
            frame_rate=self.settings.frame_rate,
            first_frame=first,
        )

    def snapshot(self, path: Path) -> RecordingFacts:
        stream = self._opened()
        if self._is_to_fail():
            self._faults.show()
        number = stream.next_due()
        path.write_bytes(jpeg(self._draw(self._planes.blank(self._av), number)))
        return self._facts(began(stream.due(number)))

    @contextmanager
    def live(self, cancelled: Event) -> Iterator[Callable[[], bytes]]:
        del cancelled  # it has no light to wait for
        stream, blank = self._opened(), self._planes.blank(self._av)
        yield lambda: live_jpeg(self._draw(blank, stream.next_due()))

    def _due(self, stream: Stream, numbers: range, cancelled: Event) -> Iterator[int]:
        """The numbers as their frames become due: all, or those before it was cancelled.

        There is always one, for an empty video is no recording.
        """
        fault_at = numbers[len(numbers) // 2] if self._is_to_fail() else None
        for number in numbers:
            stream.wait(number, cancelled)
            if number == fault_at:
                self._faults.show()
            if cancelled.is_set() and number > numbers.start:
                return
            yield number

    def _draw(self, frame: Picture, number: int) -> Picture:
        if self._is_dead:
            return self._planes.black(frame)
        return self._planes.draw(frame, number / self.settings.frame_rate)

    def _encoder(self) -> H264Encoder:
        return H264Encoder(*self._format())

    def _time_us(self, frames: int) -> int:
        return frames * US_PER_SECOND // self.settings.frame_rate

    def _format(self) -> tuple[int, int, int, int]:
        wanted = self.settings
        return wanted.width, wanted.height, wanted.frame_rate, wanted.bitrate

    def _facts(self, start: RecordingFacts) -> RecordingFacts:
        return replace(start, width=self.settings.width, height=self.settings.height)
