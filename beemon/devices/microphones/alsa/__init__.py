"""A microphone behind ALSA: one ``arecord`` stream for as long as the device is open.

The stream never stops between recordings, because a new arecord loses 130 ms. Recordings are cut
out of it by sample count. Lost samples are reported and not replaced. If the disk stalls for longer
than the 30 s that are kept in memory, the number of lost samples is exact.

If a card is unplugged or fails, arecord is started again when the card is back under its id or at
its USB port. If arecord is held up for longer than the 10 s that ALSA buffers, it starts the
stream again and the buffer is lost. In such a gap the samples are numbered by the clock, so a
recording still ends on time. The number of missing samples is then reported with its uncertainty.
It is calculated from the kernel's times of the last sample before and the first sample after the
gap. If the device is not a ``card``, the times of arrival are used.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event

from beemon.base.recording import LostSamples, RecordingFacts
from beemon.devices import _usb
from beemon.devices._base import DeviceError, DeviceMissingError, Microphone, began
from beemon.devices._libraries import absent, absent_program, library
from beemon.devices.microphones._flac import FlacWriter
from beemon.devices.microphones.alsa.capture import Capture
from beemon.devices.microphones.alsa.cards import cards, there_are, usb_device
from beemon.devices.microphones.alsa.cut import Cut
from beemon.devices.microphones.alsa.ring import Gap
from beemon.devices.microphones.alsa.settings import CARD, SAMPLE_BYTES, Settings

GAPS_TOLD = 10  # of how many gaps a recording tells the place


class Driver(Microphone):
    """Cuts recordings out of a stream that runs while the device is open."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._capture: Capture | None = None
        self._end: int | None = None

    def absent(self) -> str | None:
        found = cards(Path(self.settings.sysfs))
        word = self._card_word()
        is_there = word is None or any(word in (card.id, card.port) for card in found)
        return (
            absent("mutagen", "numpy", "soundfile") or absent_program("arecord")
            or (None if is_there else f"no sound card {word}; {there_are(found)}")
        )

    def open(self) -> None:
        """Start the stream; returns when sound arrives.

        Call it from a thread that lives as long as the device is open: arecord ends with the
        thread that started it.
        """
        library("numpy")
        library("soundfile")
        self._end = None
        try:
            self._capture = Capture(self.settings)
            self._capture.wait_for_sound(self.settings.timeout)
        except DeviceError as error:
            self.close()
            if isinstance(error, DeviceMissingError):
                _usb.let_back(Path(self.settings.sysfs))
            raise

    def close(self) -> None:
        if self._capture is not None:
            self._capture.stop()
            self._capture = None

    def bind_anew(self) -> str | None:
        return _usb.bind_anew(self.usb)

    def usb(self) -> Path | None:
        """Its USB device; None if it is not one, or is away."""
        word = self._card_word()
        return usb_device(word, Path(self.settings.sysfs)) if word else None

    def _card_word(self) -> str | None:
        """The card's id or its USB port; None of a device that is no card."""
        found = CARD.search(self.settings.source)
        return found and (found["id"] or found["port"])

    def record(
        self, path: Path, seconds: float, cancelled: Event, *, follows: bool
    ) -> RecordingFacts:
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
            raise DeviceMissingError(f"{self.settings.source}: the card was missing all the time")
        return flac.described(_facts(self._capture, cut, rate))


def _facts(capture: Capture, cut: Cut, rate: int) -> RecordingFacts:
    gaps = capture.ring.gaps_between(cut.begin, cut.position)
    return replace(
        began(capture.ring.arrival(cut.first)),
        seconds=cut.written / rate,
        samples=cut.written,
        first_sample=cut.first,
        lost_samples=cut.overwritten,
        overruns=sum(gap.is_overrun for gap in gaps),
        replugs=sum(not gap.is_overrun for gap in gaps),
        gaps=_told(gaps) or None,
    )


def _told(gaps: list[Gap]) -> tuple[LostSamples, ...]:
    """Where in the stream samples are missing, how many, and how many more or less it may be."""
    told = gaps[:GAPS_TOLD]
    return tuple(LostSamples(gap.begin, len(gap), gap.uncertainty) for gap in told)
