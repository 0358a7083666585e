"""A simulated camera before the entrance of a hive.

Its pictures depend on the seed and on their number alone; each has the presentation time at which
it was due. Video is H.264 in fragmented MP4, a fragment a second, each on its way to the disk
when it is whole: what was recorded before a crash can be played.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any

from beemon.archive import tags
from beemon.devices._base import Camera, Facts
from beemon.devices._libraries import library
from beemon.devices._simulation import SimulatedRecorder, SimulatedSettings, Stream
from beemon.options import BadOptionError, in_toml, option

if TYPE_CHECKING:
    from beemon.devices.cameras._entrance import Entrance, Image

TICKS = 90_000  # presentation times count these a second, as usual for video
CONTAINER = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
JPEG_QUALITY = {"qmin": "2", "qmax": "5"}  # the scale of libavcodec: 1 is best, 31 worst


def even(value: object) -> int:
    """A picture's width or height: H.264 halves it for the colours."""
    if type(value) is not int or not 64 <= value <= 4096 or value % 2:
        raise BadOptionError(
            f"must be an even number of pixels from 64 to 4096, not {in_toml(value)}"
        )
    return value


@dataclass(frozen=True, kw_only=True)
class Settings(SimulatedSettings):
    """A simulated camera's options."""

    width: int = option(640, parse=even, doc="pixels across")
    height: int = option(480, parse=even, doc="pixels down")
    frame_rate: int = option(15, minimum=1, maximum=60, doc="frames a second")
    bitrate: int = option(1_000_000, minimum=50_000, maximum=50_000_000, doc="bits a second")


class Driver(SimulatedRecorder, Camera):
    """Films the simulated hive's entrance."""

    settings: Settings

    def open(self) -> None:
        library("av")
        library("mutagen")
        library("numpy")
        from beemon.devices.cameras._entrance import Entrance

        wanted = self.settings
        self._entrance: Entrance = Entrance(wanted.width, wanted.height, wanted.seed)
        self._begin_stream(wanted.frame_rate)

    def record(self, path: Path, seconds: float, cancelled: Event, *, follows: bool) -> Facts:
        stream = self._opened()
        first = self._first(stream, follows=follows)
        start_utc_us = stream.utc_us(first)
        asked = max(1, round(seconds * self.settings.frame_rate))
        self._end = first
        with Mp4Writer(path, self.settings) as video:
            for number in self._due(stream, range(first, first + asked), cancelled):
                video.add(self._picture(number), self._ticks(number - first))
                self._end = number + 1
        frames = self._end - first
        return {
            **self._facts(start_utc_us),
            "seconds": frames / self.settings.frame_rate,
            "frames": frames,
            "frame_rate": self.settings.frame_rate,
            "first_frame": first,
        }

    def snapshot(self, path: Path) -> Facts:
        stream = self._opened()
        self._faults.request()
        number = stream.next_due()
        path.write_bytes(jpeg(self._picture(number)))
        return self._facts(stream.utc_us(number))

    def _due(self, stream: Stream, numbers: range, cancelled: Event) -> Iterator[int]:
        """The numbers as their frames become due: all, or those before it was cancelled.

        There is always one, for an empty video is no recording.
        """
        fault_at = numbers[len(numbers) // 2] if self._faults.strikes() else None
        for number in numbers:
            stream.wait(number, cancelled)
            if number == fault_at:
                self._faults.show()
            if cancelled.is_set() and number > numbers.start:
                return
            yield number

    def _picture(self, number: int) -> Image:
        return self._entrance.picture(number / self.settings.frame_rate)

    def _ticks(self, frames: int) -> int:
        return frames * TICKS // self.settings.frame_rate

    def _facts(self, start_utc_us: int) -> Facts:
        size = {"width": self.settings.width, "height": self.settings.height}
        return {"start_utc_us": start_utc_us, **size}


class Mp4Writer:
    """An H.264 encoder and the file it writes to; pictures carry their own times."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self._av = library("av")
        self._container = self._av.open(str(path), "w", format="mp4", options=CONTAINER)
        self._container.metadata["comment"] = tags.ROOM
        self._encoder = self._container.add_stream(
            "libx264", rate=settings.frame_rate, options=encoder_options(settings)
        )
        self._encoder.width, self._encoder.height = settings.width, settings.height
        self._encoder.pix_fmt = "yuv420p"
        self._encoder.bit_rate = settings.bitrate
        self._encoder.codec_context.time_base = Fraction(1, TICKS)
        self._encoder.codec_context.thread_count = 1  # threads cost more than they bring here

    def __enter__(self) -> Mp4Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._container.mux(self._encoder.encode())
        finally:
            self._container.close()

    def add(self, picture: Image, ticks: int) -> None:
        """Append a picture that is shown from that time on."""
        frame = self._av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = ticks, Fraction(1, TICKS)
        self._container.mux(self._encoder.encode(frame))


def encoder_options(settings: Settings) -> dict[str, str]:
    """For libx264: cheap, nothing held back, and a key frame a second, at which a fragment ends."""
    return {"preset": "ultrafast", "tune": "zerolatency", "g": str(settings.frame_rate)}


def jpeg(picture: Image) -> bytes:
    """The picture as a JPEG file."""
    av = library("av")
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuvj420p")
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = Fraction(1, 1)
    encoder.options = JPEG_QUALITY
    frame.pts, frame.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
