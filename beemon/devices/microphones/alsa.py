"""A microphone behind ALSA: one ``arecord`` stream for as long as the device is open.

The stream never stops between recordings (a new arecord loses 130 ms); they are cut out of it by
sample count. What was lost is told, and nothing is put in its place. Where the disk stalled for
longer than the 30 s that are kept, it is known exactly.

A card that is unplugged, or that fails while it is read, is waited for: arecord is started anew
once it is back under its id or at its USB port. And where arecord was held up for longer than the
10 s that are buffered, it begins anew by itself, and the buffer is lost. In such a gap the samples
are numbered by the clock, so a recording ends when it would have ended. How many are missing is
told with its uncertainty, by when the kernel says that the last sample before and the first one
after were at the card; of a device that is no ``card``, by when they arrived.
"""

from __future__ import annotations

import logging
import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, Literal

from beemon.devices._base import (
    CommonSettings,
    DeviceError,
    DeviceMissingError,
    Facts,
    Microphone,
    began,
)
from beemon.devices._libraries import library, program
from beemon.devices.microphones._cards import card_at, cards, there_are
from beemon.devices.microphones._flac import COMPRESSION, FlacWriter
from beemon.devices.microphones._ring import Gap, Ring
from beemon.devices.microphones._stamps import PROC, Stamps
from beemon.options import BadOptionError, in_toml, option

log = logging.getLogger(__name__)

BUFFER_US = 10_000_000  # arecord's buffer: how long this process may be held up
PERIOD_US = 250_000
RING_SECONDS = 30  # how long the disk may be held up
POLL_SECONDS = 0.25  # how soon a cancelled recording notices
RETRY_SECONDS = 1.0  # how often a card that is away is tried again
BURST_SECONDS = 0.02  # what arrives within that is of the same period
OLD_SECONDS = 0.8 * PERIOD_US / 1e6  # after an overrun nothing new can arrive within that
RETURN_SECONDS = 8.0  # how long a recording waits for it: the shortest has some 11 s in all
GAPS_TOLD = 10  # of how many gaps a recording tells the place
SLOTS = ("left", "right")  # in the order of their samples
SAMPLE_BYTES = {"S16_LE": 2, "S32_LE": 4}
SAMPLE_CODES: dict[str, Literal["h", "i"]] = {"S16_LE": "h", "S32_LE": "i"}  # memoryview's

# arecord's messages, with LC_ALL=C (alsa-utils, aplay/aplay.c)
OVERRUN = re.compile(r"overrun ?!!!")
WRONG_RATE = re.compile(r"rate is not accurate \(requested = (\d+)Hz, got = (\d+)Hz\)")
MISSING = re.compile(r"No such device|No such file or directory|Unknown PCM")
FAILED = re.compile(r"read error")  # the card may be there again when arecord is started anew

CARD = re.compile(
    r"(?:CARD=(?P<id>[A-Za-z_][A-Za-z0-9_-]*)|(?P<port>usb-[^,\s]+-[0-9]+(?:\.[0-9]+)*))"
    r"(?:,DEV=(?P<device>[0-9]+))?"
)


def card_word(value: object) -> str:
    """``CARD=Device`` or ``usb-0000:01:00.0-1.2``, either with ``,DEV=1``.

    A card's number would change with the next boot.
    """
    if not isinstance(value, str) or not CARD.fullmatch(value):
        raise BadOptionError(
            'must be a card\'s id such as "CARD=Device" (see "arecord -L"), or the port of a USB'
            f' card such as "usb-0000:01:00.0-1.2" (see /proc/asound/cards), not {in_toml(value)}'
        )
    return value


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """An ALSA microphone's options: ``card`` for the hardware itself, else ``pcm``."""

    card: str | None = option(
        None, parse=card_word,
        doc="the sound card: CARD=Device by its id, usb-0000:01:00.0-1.2 by its USB port",
    )
    pcm: str | None = option(None, doc="any other ALSA device by its full name: plughw:CARD=Device")
    rate: int = option(48000, minimum=4000, maximum=384_000, doc="samples a second")
    channels: int = option(1, minimum=1, maximum=8, doc="how many channels")
    format: Literal["S16_LE", "S32_LE"] = option(
        "S16_LE", doc="S32_LE for I2S microphones; its upper 24 bits are kept"
    )
    slot: Literal["left", "right"] | None = option(
        None, doc="the one side of a stereo card that has a microphone; the other is not kept"
    )
    sysfs: str = option("/sys", doc="where sysfs is mounted")

    def __post_init__(self) -> None:
        if bool(self.card) == bool(self.pcm):
            raise BadOptionError('needs either "card" or "pcm"')
        if self.slot and self.channels != 1:
            raise BadOptionError('"slot" keeps one channel: leave "channels" out')

    @property
    def source(self) -> str:
        """What messages call the device."""
        return self.pcm or str(self.card)

    @property
    def bytes_a_second(self) -> float:
        stored = min(3, SAMPLE_BYTES[self.format]) * self.channels  # 24 bits at most
        return self.rate * stored * COMPRESSION

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel that is kept."""
        return SAMPLE_BYTES[self.format] * self.channels

    @property
    def card_channels(self) -> int:
        """How many channels the card is asked for."""
        return len(SLOTS) if self.slot else self.channels

    @property
    def card_frame_bytes(self) -> int:
        """Bytes of one sample of every channel of the card's."""
        return SAMPLE_BYTES[self.format] * self.card_channels


class Driver(Microphone):
    """Cuts recordings out of a stream that runs while the device is open."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._capture: Capture | None = None
        self._end: int | None = None

    def open(self) -> None:
        """Start the stream; returns when sound arrives.

        Call it from a thread that lives as long as the device is open: arecord ends with the
        thread that started it.
        """
        library("mutagen")
        library("numpy")
        library("soundfile")
        self._end = None
        self._capture = Capture(self.settings)
        try:
            self._capture.wait_for_sound(self.settings.timeout)
        except DeviceError:
            self.close()
            raise

    def close(self) -> None:
        if self._capture is not None:
            self._capture.stop()
            self._capture = None

    def record(self, path: Path, seconds: float, cancelled: Event, *, follows: bool) -> Facts:
        if self._capture is None:
            raise DeviceError(f"{self.settings.name} is not open")
        ring, rate = self._capture.ring, self.settings.rate
        begin = self._end if follows and self._end is not None else ring.end
        cut = Cut(begin, begin + round(seconds * rate))
        sample_bytes = SAMPLE_BYTES[self.settings.format]
        with FlacWriter(path, rate, self.settings.channels, sample_bytes) as flac:
            self._end = begin
            for data in cut.chunks(ring, cancelled, self.settings.timeout):
                flac.write(data)
                cut.wrote(len(data) // self.settings.frame_bytes)
                self._end = cut.position
        self._end = cut.position
        if not cut.written and not cancelled.is_set():
            raise DeviceMissingError(f"{self.settings.source}: it was away all the time")
        return self._facts(self._capture, cut)

    def _facts(self, capture: Capture, cut: Cut) -> Facts:
        gaps = capture.ring.gaps_between(cut.begin, cut.position)
        rate = self.settings.rate
        return {
            **began(capture.ring.arrival(cut.first)),
            "seconds": cut.written / rate,
            "samples": cut.written,
            "rate": rate,
            "channels": self.settings.channels,
            "first_sample": cut.first,
            "lost_samples": cut.overwritten,
            "overruns": sum(gap.is_overrun for gap in gaps),
            "replugs": sum(not gap.is_overrun for gap in gaps),
            **_told(gaps),
        }


def _told(gaps: list[Gap]) -> Facts:
    """Where in the stream samples are missing, how many, and how many more or less it may be."""
    told = [{"at": gap.begin, "samples": len(gap), "uncertainty": gap.uncertainty} for gap in gaps]
    return {"gaps": told[:GAPS_TOLD]} if told else {}


@dataclass(frozen=True)
class Source:
    """What arecord is to open: its name, and the kernel's folder of the device where it is a card.

    Which card is at a port changes as cards are plugged in, so it is looked up each time.
    """

    name: str
    folder: Path | None

    @classmethod
    def of(cls, settings: Settings) -> Source:
        """Raises :class:`DeviceMissingError` where no card is at the port."""
        if settings.pcm:
            return cls(settings.pcm, None)
        word = CARD.fullmatch(str(settings.card))
        assert word is not None
        card = word["id"] or card_at(word["port"], Path(settings.sysfs)).id
        device = word["device"] or "0"
        return cls(f"hw:CARD={card},DEV={device}", PROC / card / f"pcm{device}c")

    def stamps(self, pid: int, rate: int) -> Stamps | None:
        """What tells when its samples were taken, where anything does."""
        return Stamps(self.folder, pid, rate, BUFFER_US / 1e6) if self.folder else None


class Cut:
    """One recording's part of the stream: from ``begin`` up to ``end``, by sample number."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin = begin
        self.end = end
        self.first = begin  # the first that was still there
        self.position = begin  # the next one to write
        self.written = 0

    @property
    def overwritten(self) -> int:
        """How many samples were gone before they could be written, or never came."""
        return self.position - self.begin - self.written

    def chunks(
        self, ring: Ring, cancelled: Event, patience: float, returns: float = RETURN_SECONDS
    ) -> Iterator[bytes]:
        """The samples as they arrive, until the end or until it is cancelled.

        Raises :class:`DeviceError` where none came for ``patience`` seconds, or for ``returns``
        while the card was away.
        """
        heard = time.monotonic()
        while self.position < self.end and not cancelled.is_set():
            start, data = ring.take(self.position, self.end, POLL_SECONDS)
            if self.written == 0:
                self.first = start
            self.position = start
            if data:
                heard = time.monotonic()
                yield data
                continue
            absence = ring.absence
            if time.monotonic() - heard > (returns if absence else patience):
                raise absence or DeviceError(f"no sound arrived for {patience:g} s")

    def wrote(self, samples: int) -> None:
        """That many more are in the file."""
        self.written += samples
        self.position += samples


class Capture:
    """An arecord process, and the threads that read its sound and its messages.

    Where its card is unplugged, another one is started until the card is back.
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
        self._process = subprocess.Popen(
            arecord_command(self._settings, source.name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C on a terminal is for beemon to act on
        )
        assert self._process.stderr is not None
        self._begin_stream(source)
        self._was_overrun = False
        self._messages = _thread(self._read_messages, self._process.stderr)

    def _begin_stream(self, source: Source) -> None:
        self._source = source
        self._received = 0  # frames
        self._stamps = source.stamps(self._process.pid, self._settings.rate)
        self._overran: float | None = None  # when an overrun was told whose end has not arrived

    def wait_for_sound(self, timeout: float) -> None:
        """Return when the first samples are there. Raises :class:`DeviceError`."""
        _, data = self.ring.take(0, 1, timeout)
        if not data:
            raise self._error(f"no sound within {timeout:g} s")

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
                log.warning("%s: the recording waits for the card", self._death)
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
        """In the thread that reads: this arecord ends with it."""
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
        """What there is; of a stream that begins anew a whole period, whose age is known."""
        data = os.read(pipe, 1 << 16)
        if self._overran is not None and time.monotonic() - self._overran > OLD_SECONDS:
            self._leave_overrun()
        if self.ring.absence is not None and data:
            period = self._settings.rate * PERIOD_US // 1_000_000 * self._settings.card_frame_bytes
            while len(data) < period and select.select([pipe], [], [], BURST_SECONDS)[0]:
                if not (more := os.read(pipe, period - len(data))):
                    break
                data += more
        return data

    def _leave_overrun(self) -> None:
        """The kernel emptied its buffer and counts anew; what has arrived comes from after that."""
        self._was_overrun = True
        self.ring.leave(self._error("the card's buffer ran over"))
        self._begin_stream(self._source)

    def _add(self, data: bytes) -> None:
        self._received += len(data) // self._settings.frame_bytes
        if self.ring.absence is None or not data:
            self.ring.append(data, self._stamps.taken(self._received) if self._stamps else None)
            return
        taken = self._stamps.settled(self._received) if self._stamps else None
        self.ring.resume(data, taken, is_overrun=self._was_overrun)
        what = "its buffer ran over" if self._was_overrun else "the card is back"
        log.warning("%s: %s", self._settings.source, what)
        self._was_overrun = False

    def _read_messages(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self._hear(line.decode(errors="replace").strip())

    def _hear(self, message: str) -> None:
        """Take in one line of arecord's: an overrun, a wrong rate, or what it may die of."""
        if OVERRUN.search(message):
            self._overran = time.monotonic()
        elif rate := WRONG_RATE.search(message):
            self._over.set()
            self.ring.fail(DeviceError(f"the card records at {rate[2]} Hz, not at {rate[1]} Hz"))
            self._process.kill()
        elif message and not message.startswith("Recording "):
            self._death = self._error(message)

    def _error(self, message: str) -> DeviceError:
        """What arecord said, as an error; of a card that is not there, which ones there are."""
        settings = self._settings
        if not MISSING.search(message):
            return DeviceError(f"{settings.source}: {message}")
        others = f"; {there_are(cards(Path(settings.sysfs)))}" if settings.card else ""
        return DeviceMissingError(f"{settings.source}: {message}{others}")


def kept(frames: bytes, settings: Settings) -> bytes:
    """Of the card's frames the channels that are recorded."""
    if settings.slot is None:
        return frames
    channels = memoryview(frames).cast(SAMPLE_CODES[settings.format])
    return channels[SLOTS.index(settings.slot) :: len(SLOTS)].tobytes()


def arecord_command(settings: Settings, name: str) -> list[str]:
    """How arecord is started: so that it dies with the thread that starts it."""
    return [
        *(program("setpriv"), "--pdeathsig", "KILL"),
        *(program("arecord"), "-D", name, "-t", "raw", "-f", settings.format),
        *("-r", str(settings.rate), "-c", str(settings.card_channels)),
        *(f"--buffer-time={BUFFER_US}", f"--period-time={PERIOD_US}"),
    ]


def _thread(work: Callable[[IO[bytes]], None], pipe: IO[bytes]) -> Thread:
    thread = Thread(target=work, args=(pipe,), daemon=True)
    thread.start()
    return thread
