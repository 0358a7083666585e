"""A camera that streams for as long as it is open: recordings are cut out of its encoder's frames.

Several recordings may overlap, and a snapshot does not disturb them. Without pre-roll the encoder
rests while nobody records. A thread checks that frames keep coming, or pictures while the encoder
rests. If they stop, or if the camera does not stop on request, the device is lost to this process.
"""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock, Thread
from typing import ClassVar, Literal

from beemon.base.options import BadOptionError, duration_within, option
from beemon.base.recording import RecordingFacts
from beemon.devices import _pins
from beemon.devices._base import Camera, CommonSettings, DeviceError, DeviceLostError, began
from beemon.devices._libraries import absent, library
from beemon.devices.cameras._encoding import Encoding
from beemon.devices.cameras._film import Film
from beemon.devices.cameras._frames import Codec, Frame
from beemon.devices.cameras._jpeg import BYTES_A_PIXEL, jpeg, live_jpeg
from beemon.devices.cameras._light import Light
from beemon.devices.cameras._mp4 import Mp4Writer
from beemon.devices.cameras._pyav import Picture
from beemon.devices.cameras._ring import FrameRing
from beemon.devices.cameras._sizes import even
from beemon.media.jpeg import size

log = logging.getLogger(__name__)

Size = tuple[int, int]
"""Width and height in pixels."""

DISK_SECONDS = 20.0  # how long the disk may be held up
STOP_SECONDS = 5.0  # how long a camera may take to stop
MISSED_FRAMES = 3  # so many do not make a stall yet
RATE_TOLERANCE = 0.1  # share of the frame rate by which another one is worth telling
_DELAY_SECONDS = 2.0  # no encoder holds a frame back for longer


@dataclass(frozen=True, kw_only=True)
class StreamSettings(CommonSettings):
    """The options of every camera that streams."""

    width: int = option(1280, parse=even, doc="pixels across, an even number from 64 to 4096")
    height: int = option(720, parse=even, doc="pixels down, an even number from 64 to 4096")
    frame_rate: int = option(
        30, minimum=1, maximum=120, doc="frames per second, if the camera supports that many"
    )
    codec: Codec = option(
        "h264",
        doc="the video format. With ``mjpeg`` each frame is a complete picture, and the files are "
        "much larger",
    )
    bitrate: int = option(  # Raspberry Pi's hardware encoder hangs below 100 kbit/s
        2_000_000, minimum=150_000, maximum=50_000_000, doc="bits per second of video"
    )
    pre_roll: float = option(
        0.0, parse=duration_within(most="30s"),
        doc="length of video to include from before the recording was requested, up to 30s. The "
        "camera then runs and encodes throughout its window. Without pre-roll it encodes during "
        "recordings only, and is closed if the next one is due in more than a minute",
    )
    warm_up: float = option(
        2.0, parse=duration_within(most="10s"),
        doc="time for which the camera runs before it is used, up to 10s, so that the exposure can "
        "adapt. For its schedule the camera is opened earlier by this time",
    )
    light_pin: int | None = option(
        None, minimum=_pins.LOWEST, maximum=_pins.HIGHEST,
        doc="the GPIO (BCM) number of a light's pin, for example an infra-red light. The light is "
        "on during a recording or a snapshot, and off otherwise",
    )
    light_active: Literal["high", "low"] = option("high", doc="the level that turns the light on")
    light_lead: float = option(
        1.0, parse=duration_within(most="5s"),
        doc="time to switch the light on in advance, up to 5s, so that the exposure can adapt",
    )

    @property
    def bytes_a_second(self) -> float:
        if self.codec == "mjpeg":
            return self.frame_rate * self.width * self.height * BYTES_A_PIXEL
        return self.bitrate / 8

    @property
    def picture(self) -> Size:
        """The size of a snapshot."""
        return self.width, self.height

    @property
    def bytes_a_picture(self) -> float:
        width, height = self.picture
        return width * height * BYTES_A_PIXEL

    @property
    def rests_between_slots(self) -> bool:
        return not self.pre_roll

    def __post_init__(self) -> None:
        if self.pre_roll and self.light_pin is not None:
            raise BadOptionError('"pre_roll" would be dark: it cannot be combined with a light')


class StreamCamera(Camera):
    """The common part of such cameras; a driver adds how to start, to stop and to take a picture.
    """

    overlaps = True
    times_are_exposures: ClassVar[bool] = False
    """Whether a frame's time is its exposure's: then no picture comes twice under two times."""
    settings: StreamSettings

    def __init__(self, settings: StreamSettings) -> None:
        super().__init__(settings)
        self._encoding: Encoding | None = None
        self._light: Light | None = None
        self._closing = Event()
        self._ends = Lock()
        self._end: int | None = None

    def absent(self) -> str | None:
        return absent("av", "mutagen")

    @abstractmethod
    def _start(self, ring: FrameRing) -> None:
        """Start the camera and its encoder, whose frames go into the ring.

        Raises :class:`DeviceError`, having freed what it took.
        """

    @abstractmethod
    def _start_encoder(self, ring: FrameRing) -> None:
        """Start the encoder again, whose first frame is a key frame. Raises :class:`DeviceError`.
        """

    @abstractmethod
    def _stop_encoder(self, ring: FrameRing) -> None:
        """Let the encoder rest; the ring still counts the pictures. Raises :class:`DeviceError`.
        """

    @abstractmethod
    def _stop(self) -> None:
        """Stop both and free them; it may hang, and then it is left alone."""

    @abstractmethod
    def _picture(self) -> Picture:
        """A picture of this moment, in the size of a snapshot."""

    def _video_picture(self) -> Picture:
        """A picture of this moment, in the size of the video, which may be smaller."""
        return self._picture()

    def _want_key_frame(self) -> None:
        """Request a key frame from the encoder, if it supports this."""

    def open(self) -> None:
        library("av")
        wanted = self.settings
        if wanted.light_pin is not None:
            self._light = Light(wanted.light_pin, wanted.light_active, wanted.light_lead)
        ring = FrameRing(wanted.pre_roll + DISK_SECONDS)
        try:
            self._start(ring)
        except DeviceError:
            self._free_light()
            raise
        encoding = Encoding(
            ring, self._start_encoder, self._stop_encoder, always=wanted.pre_roll > 0
        )
        self._encoding, self._end, self._closing = encoding, None, Event()
        self._wait_for_first_frame(ring)
        Thread(target=self._watch, args=(encoding, self._closing), daemon=True).start()
        self._closing.wait(wanted.warm_up)

    def close(self) -> None:
        encoding, self._encoding = self._encoding, None
        if encoding is None:
            return
        self._closing.set()
        encoding.ring.fail(DeviceError(f"{self.settings.name} was closed"))
        stopping = Thread(
            target=self._try_to_stop, args=(encoding,), name=f"stop-{self.settings.name}",
            daemon=True,
        )
        stopping.start()
        stopping.join(STOP_SECONDS)
        self._free_light()
        if stopping.is_alive():
            self.on_lost(DeviceLostError(f"the camera did not stop within {STOP_SECONDS:g} s"))

    def _try_to_stop(self, encoding: Encoding) -> None:
        try:
            encoding.end()
            self._stop()
        except DeviceError as error:
            log.warning("%s: %s", self.settings.name, error)

    def record(
        self, path: Path, seconds: float, cancelled: Event, *, follows: bool
    ) -> RecordingFacts:
        encoding = self._opened()
        with (
            self._lit(cancelled), encoding.on() as first,
            Mp4Writer(path, self.settings.codec) as video,
        ):
            film = self._film(encoding.ring, seconds, first, follows=follows)
            for arrival in film.arrivals(cancelled):
                video.add(arrival.frame)
        with self._ends:
            self._end = film.number
        wanted = self.settings.width, self.settings.height
        return replace(
            self._measured(film.facts(), video.size, wanted, film.rate),
            codec=self.settings.codec,
            repeated_frames=film.repeated if self.times_are_exposures else None,
        )

    def snapshot(self, path: Path) -> RecordingFacts:
        self._opened()
        with self._lit(Event()):
            start = began(time.monotonic())
            picture = jpeg(self._picture())
        path.write_bytes(picture)
        return self._measured(start, size(picture), self.settings.picture)

    @contextmanager
    def live(self, cancelled: Event) -> Iterator[Callable[[], bytes]]:
        self._opened()
        with self._lit(cancelled):
            yield lambda: live_jpeg(self._video_picture())

    def _film(
        self, ring: FrameRing, seconds: float, first: int | None, *, follows: bool
    ) -> Film:
        """The frames of a recording that begins at the end of the previous one, before now, or at
        once.

        If the encoder was started for it, it begins at the number ``first``. It can begin at a key
        frame only. To leave no gap, a following recording shares its first frames, up to a second,
        with the previous one.
        """
        rate = self.settings.frame_rate
        if first is not None:
            return Film(ring, first, seconds, rate)
        if follows and self._end is not None:
            key = ring.key_at(self._end)
            return Film(ring, self._end if key is None else key, seconds, rate)
        if self.settings.pre_roll:
            now = time.monotonic()
            key = ring.key_before(now - self.settings.pre_roll)
            return Film(ring, ring.end if key is None else key, seconds, rate, now)
        self._want_key_frame()
        return Film(ring, ring.end, seconds, rate)

    def _opened(self) -> Encoding:
        if self._encoding is None:
            raise DeviceError(f"{self.settings.name} is not open")
        return self._encoding

    def _measured(
        self, facts: RecordingFacts, size: Size | None, wanted: Size, rate: float | None = None
    ) -> RecordingFacts:
        """The measured facts, with the difference from the settings in ``informed``."""
        asked, differs = self.settings.frame_rate, []
        if size is not None and size != wanted:
            differs.append(different_size(size, wanted))
        if rate is not None and abs(rate - asked) > RATE_TOLERANCE * asked:
            differs.append(different_rate(rate, asked))
        width, height = size or (None, None)
        return replace(
            facts, width=width, height=height, informed="; ".join(differs) or None,
            frame_rate=None if rate is None else round(rate, 3),
        )

    @contextmanager
    def _lit(self, cancelled: Event) -> Iterator[None]:
        with self._light.on(cancelled) if self._light else nullcontext():
            yield

    def _free_light(self) -> None:
        light, self._light = self._light, None
        if light is not None:
            light.close()

    def _wait_for_first_frame(self, ring: FrameRing) -> None:
        """A camera that gives none is not closed, which may hang: its process has to go."""
        if not ring.take(0, self._patience):
            bad = _and_bad(ring)
            raise DeviceLostError(f"no frame came within {self._patience:g} s of the start{bad}")

    @property
    def _patience(self) -> float:
        """For how many seconds no frame may come."""
        return self.settings.timeout + MISSED_FRAMES / self.settings.frame_rate

    def _watch(self, encoding: Encoding, closing: Event) -> None:
        """Tell when frames have stopped coming, also when nobody waits for them."""
        ring = encoding.ring
        while not closing.wait(min(1.0, self._patience / 4)):
            try:
                if ring.silence > self._patience:
                    said = f"no frame came for {self._patience:g} s{_and_bad(ring)}"
                    raise DeviceLostError(said)
                encoding.rest_if_unused()
            except DeviceError as error:
                self.on_lost(ring.fail(error))
                return


def _and_bad(ring: FrameRing) -> str:
    return f", but {ring.bad} pictures that cannot be decoded" if ring.bad else ""


def different_size(given: Size, asked: Size) -> str:
    """That a camera gives pictures of another size than it was asked for, and what to do."""
    return (f"the camera sends pictures of {given[0]}x{given[1]}, not the {asked[0]}x{asked[1]} "
            f"that the config asks for; set width = {given[0]} and height = {given[1]}")


def different_rate(rate: float, asked: int) -> str:
    """That a camera gives more or fewer pictures than it was asked for, and what to do."""
    dark = ", or give it more light if it is slow only in the dark" if rate < asked else ""
    return (f"the camera sends {rate:.3g} pictures a second, not the {asked} that the config "
            f"asks for; set frame_rate = {max(1, round(rate))}{dark}")


def taken_at(sensor_us: int) -> float:
    """The time at which a frame was taken (monotonic seconds), from its sensor's time stamp.

    The stamp counts from the boot. If it is impossible, the time of arrival is used.
    """
    arrived = time.monotonic()
    delay = time.clock_gettime(time.CLOCK_BOOTTIME) - sensor_us / 1e6
    return arrived - delay if 0 <= delay <= _DELAY_SECONDS else arrived


def put(ring: FrameRing, data: bytes, *, is_key: bool, time_us: int, sensor_us: int) -> None:
    """Into the ring with a frame that an encoder has just given."""
    ring.append(Frame(data, is_key, time_us), taken_at(sensor_us))
