"""A stream of samples from ``arecord``, for as long as a microphone is open."""

from __future__ import annotations

import logging
import os
import re
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, Literal

from beemon.base import tether
from beemon.base.moments import US_PER_SECOND
from beemon.devices._base import DeviceError, DeviceMissingError
from beemon.devices._libraries import program
from beemon.devices.microphones.alsa.cards import cards, there_are
from beemon.devices.microphones.alsa.ring import PERIOD_SECONDS, Ring
from beemon.devices.microphones.alsa.settings import SLOTS, Settings
from beemon.devices.microphones.alsa.source import Source
from beemon.devices.microphones.alsa.stamps import Params

log = logging.getLogger(__name__)

BUFFER_US = 10_000_000  # arecord's buffer: how long this process may be held up
PERIOD_US = round(PERIOD_SECONDS * 1e6)
RING_SECONDS = 30  # how long the disk may be held up
RETRY_SECONDS = 1.0  # how often a card that is away is tried again
BURST_SECONDS = 0.02  # what arrives within that is of the same period
SENTENCE_SECONDS = 1.0  # lines of arecord's that come within that belong together
MOST_LINES = 12
OLD_SECONDS = 0.8 * PERIOD_SECONDS  # after an overrun nothing new can arrive within that

SAMPLE_CODES: dict[str, Literal["h", "i"]] = {"S16_LE": "h", "S32_LE": "i"}  # memoryview's

# arecord's messages, with LC_ALL=C (alsa-utils, aplay/aplay.c)
OVERRUN = re.compile(r"overrun ?!!!")
WRONG_RATE = re.compile(r"rate is not accurate \(requested = (\d+)Hz, got = (\d+)Hz\)")
MISSING = re.compile(r"No such device|No such file or directory|Unknown PCM")
UNFIT = re.compile(r"(?:Sample format|Channels count|Rate)s? non available")
PLACE = re.compile(r"^ALSA lib [\w.]+:\d+:\(\w+\) ")  # in ALSA's source; no reader's business
FAILED = re.compile(r"read error")  # the card may be there again when arecord is started anew


class Capture:
    """An arecord process, and the threads that read its sound and its messages.

    If its card is unplugged, a new one is started until the card is back.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.ring = Ring(settings.frame_bytes, RING_SECONDS * settings.rate, settings.rate)
        self._over = Event()  # arecord is not started again
        self._starting = Lock()  # so that whoever ends it kills the latest one
        self._start()
        self._sound = Thread(target=self._listen, daemon=True)
        self._sound.start()

    def _start(self) -> None:
        source = Source.of(self._settings)
        self._death = self._error("arecord ended")
        self._said: list[str] = []  # lines of arecord's that belong together
        self._heard = 0.0
        self._process = tether.start(
            arecord_command(self._settings, source.name), {**os.environ, "LC_ALL": "C"},
            subprocess.PIPE, subprocess.PIPE,
        )
        assert self._process.stderr is not None
        self._begin_stream(source)
        self._was_overrun = False
        self._messages = _thread(self._read_messages, self._process.stderr)

    def _begin_stream(self, source: Source) -> None:
        self._source = source
        self._received = 0  # frames
        self._stamps = source.stamps(self._process.pid, self._settings.rate, BUFFER_US / 1e6)
        self._overran: float | None = None  # when an overrun was told whose end has not arrived

    def wait_for_sound(self, timeout: float) -> None:
        """Return when the first samples are there. Raises :class:`DeviceError`."""
        _, data = self.ring.take(0, 1, timeout)
        if not data:
            raise self._error(f"no sound within {timeout:g} s")
        if self._stamps and (given := self._stamps.params()):
            refuse_other(given, self._settings)

    def stop(self) -> None:
        """End arecord and the threads; it is killed, for it has nothing to put away."""
        self._over.set()
        with self._starting:
            self._process.kill()
        self._sound.join()

    def _listen(self) -> None:
        """Fill the ring until the stream ends for good."""
        self._read_sound()
        while self._may_come_back():
            if self.ring.absence is None:
                log.warning("%s: the recording is waiting for the card", self._death)
            self.ring.leave(self._death)
            if not self._over.wait(RETRY_SECONDS):
                self._start_again()
        self.ring.fail(self._death)

    def _may_come_back(self) -> bool:
        """Whether a card that worked was unplugged, or failed."""
        failed = isinstance(self._death, DeviceMissingError) or FAILED.search(str(self._death))
        gone = failed or self.ring.absence is not None
        return bool(gone) and self.ring.end > 0 and not self._over.is_set()

    def _start_again(self) -> None:
        with self._starting:
            if self._over.is_set():
                return
            try:
                self._start()
            except DeviceMissingError as error:
                self._death = error
                return
        self._read_sound()

    def _read_sound(self) -> None:
        """Fill the ring until arecord ends; half a frame waits for its other half."""
        frame_bytes = self._settings.card_frame_bytes
        pipe = self._process.stdout
        assert pipe is not None
        rest = b""
        with pipe:
            while data := self._read_some(pipe.fileno()):
                data = rest + data
                whole = len(data) - len(data) % frame_bytes
                rest = data[whole:]
                self._add(kept(data[:whole], self._settings))
        self._process.kill()
        self._process.wait()
        self._messages.join(timeout=1.0)

    def _read_some(self, pipe: int) -> bytes:
        """The available bytes; after a new start of the stream a whole period, whose age is known.
        """
        data = os.read(pipe, 1 << 16)
        if self._overran is not None and time.monotonic() - self._overran > OLD_SECONDS:
            # The kernel emptied its buffer and counts anew; arecord fills up what it had begun.
            self._begin_stream(self._source)
            self._was_overrun = True
        if self._is_new and data:
            frames = self._settings.rate * PERIOD_US // US_PER_SECOND
            period = frames * self._settings.card_frame_bytes
            while len(data) < period and select.select([pipe], [], [], BURST_SECONDS)[0]:
                if not (more := os.read(pipe, period - len(data))):
                    break
                data += more
        return data

    @property
    def _is_new(self) -> bool:
        """Whether what arrives next is the first after a gap."""
        return self._was_overrun or self.ring.absence is not None

    def _add(self, data: bytes) -> None:
        self._received += len(data) // self._settings.frame_bytes
        if not self._is_new or not data:
            self.ring.append(data, self._stamps.taken(self._received) if self._stamps else None)
            return
        taken = self._stamps.settled(self._received) if self._stamps else None
        self.ring.resume(data, taken, is_overrun=self._was_overrun)
        what = "its buffer overran" if self._was_overrun else "the card is back"
        log.warning("%s: %s", self._settings.source, what)
        self._was_overrun = False

    def _read_messages(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self._hear(PLACE.sub("", line.decode(errors="replace").strip()))

    def _hear(self, message: str) -> None:
        """Take in one line of arecord's: an overrun, a wrong rate, or what it may die of."""
        if OVERRUN.search(message):
            self._overran = time.monotonic()
        elif rate := WRONG_RATE.search(message):
            self._over.set()
            self.ring.fail(DeviceError(f"the card records at {rate[2]} Hz, not at {rate[1]} Hz"))
            self._process.kill()
        elif message and not message.startswith("Recording "):
            self._death = self._error(self._whole(message))

    def _whole(self, line: str) -> str:
        """A line of arecord's after those that it said just before, which it belongs to."""
        now = time.monotonic()
        if now - self._heard > SENTENCE_SECONDS:
            self._said.clear()
        self._heard = now
        self._said = [*self._said, line][-MOST_LINES:]
        return " ".join(self._said)

    def _error(self, message: str) -> DeviceError:
        """The message of arecord as an error; for a missing card, with the cards that exist."""
        settings = self._settings
        if UNFIT.search(message) and settings.card:
            message += f'; let ALSA convert: pcm = "plughw:{settings.card}" instead of card'
        if not MISSING.search(message):
            return DeviceError(f"{settings.source}: {message}")
        others = f"; {there_are(cards(Path(settings.sysfs)))}" if settings.card else ""
        return DeviceMissingError(f"{settings.source}: {message}{others}")


def refuse_other(given: Params, settings: Settings) -> None:
    """Raise DeviceError if the card delivers another format than requested.

    arecord does not report a rate that is up to 5 % off.
    """
    asked = Params(settings.rate, settings.card_channels, settings.format)
    if given != asked:
        raise DeviceError(
            f"{settings.source} delivers {given.rate} Hz, {given.channels} channels, "
            f"{given.format}, not {asked.rate} Hz, {asked.channels}, {asked.format}; set rate, "
            "channels and format to these values"
        )


def kept(frames: bytes, settings: Settings) -> bytes:
    """Of the card's frames the channels that are recorded."""
    if settings.slot is None:
        return frames
    channels = memoryview(frames).cast(SAMPLE_CODES[settings.format])
    return channels[SLOTS.index(settings.slot) :: len(SLOTS)].tobytes()


def arecord_command(settings: Settings, name: str) -> list[str]:
    """The command that records from the ALSA device of this name."""
    return [
        *(program("arecord"), "-D", name, "-t", "raw", "-f", settings.format),
        *("-r", str(settings.rate), "-c", str(settings.card_channels)),
        *(f"--buffer-time={BUFFER_US}", f"--period-time={PERIOD_US}"),
    ]


def _thread(work: Callable[[IO[bytes]], None], pipe: IO[bytes]) -> Thread:
    thread = Thread(target=work, args=(pipe,), daemon=True)
    thread.start()
    return thread
