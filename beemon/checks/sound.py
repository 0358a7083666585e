"""Examination of a sound: its level and spectrum, and whether a microphone can have heard it.

The file is decoded once, piece by piece, so an hour of sound takes no more memory than a minute.

These findings fail a sound, because a quiet night cannot cause them:

- ``silent``, ``stuck``: the level is below -101 dBFS, around zero or around another value. This is
  the noise of rounding to 16 bits alone (one step divided by the square root of 12). The best MEMS
  microphones have a noise of -96 dBFS (70 dB(A) below 94 dB SPL at -26 dBFS).
- ``flat``: one value does not change for 5 s together, or for half of the time in pieces of 20 ms.
- ``clipped``: at least 5 % of the samples are at full scale, in runs of at least three.
- ``offset``: the mean is a quarter of full scale away from zero. An I2S microphone has about 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from beemon.base.recording import RecordingFacts
from beemon.checks import findings, piping
from beemon.checks.findings import Examination, Feature, Finding
from beemon.checks.spectrum import Floats, Spectrum, band_power, centroid, decibels

BLOCK = 1 << 15  # samples of every channel that are looked at together; more leave the cache
FULL_SCALE = {"int16": 2.0**15, "int32": 2.0**31}

SILENT_DBFS = -101.1
FLAT_SECONDS, FLAT_SHARE, FLAT_PIECE = 5.0, 0.5, 0.02
FLAT_WORTH_TELLING = 0.5  # s; gated voices stand still for a third of a second
CLIPPED_SHARE, CLIPPED_WORTH_TELLING = 0.05, 0.001
CLIPPED_RUN = 3  # one sample at full scale may be a peak that just fits
OFFSET, OFFSET_WORTH_TELLING = 0.25, 0.1

BANDS = tuple(range(50, 600, 50))  # Hz; each reaches up to the next
SHARE = (200.0, 500.0)  # Hz: a colony's hum (about 250), its overtone, and what it shifts to
HUM = (150.0, 600.0)  # Hz: the hum itself; `level` follows the rumble below it
RANGE = (50.0, 4000.0)  # Hz: where a hive is heard; below is the wind, above the noise of the card

Samples = npt.NDArray[np.int16] | npt.NDArray[np.int32]


def examine(path: Path, said: RecordingFacts) -> Examination:
    """Look at a FLAC file: it decodes, has what was written, and is a microphone's."""
    try:
        with soundfile.SoundFile(str(path)) as file:
            heard = Heard(file)
    except (soundfile.LibsndfileError, OSError) as error:
        return Examination([Finding(findings.UNREADABLE, f"the sound cannot be decoded: {error}")])
    found = Examination(list(_length(heard, said)))
    if heard.samples:
        found.findings += _content(heard)
        found.measure(lambda: features(heard))
    return found


class Heard:
    """A sound file, read to its end."""

    def __init__(self, file: soundfile.SoundFile) -> None:
        self.rate: int = file.samplerate
        self.samples = 0
        kind = "int16" if file.subtype == "PCM_16" else "int32"
        self.channels = [Channel(self.rate, kind) for _ in range(file.channels)]
        self.spectra = [Spectrum(self.rate, file.frames) for _ in range(file.channels)]
        self.piping = piping.Piping(self.rate) if piping.can_hear(self.rate) else None
        for block in _blocks(file, kind):
            self.samples += len(block)
            self._add(block)
        for channel in self.channels:
            channel.end()

    def _add(self, block: Samples) -> None:
        levels = [
            channel.add(samples) for samples, channel in zip(block.T, self.channels, strict=True)
        ]
        for spectrum, level in zip(self.spectra, levels, strict=True):
            spectrum.add(level)
        if self.piping:
            self.piping.add(np.stack(levels))

    @property
    def power(self) -> float:
        """The mean square of all channels, without their offsets."""
        return float(np.mean([channel.power for channel in self.channels]))

    @property
    def spectrum(self) -> tuple[Floats, Floats]:
        """Its lines in Hz, and the power at each, of all channels."""
        powers = np.mean([spectrum.powers() for spectrum in self.spectra], axis=0)
        return self.spectra[0].frequencies, powers


class Channel:
    """The properties of one channel's samples, collected while they are read."""

    def __init__(self, rate: int, kind: str) -> None:
        self._full = FULL_SCALE[kind]
        self._top = self._full - self._full / 2**15  # the last step of 16 bits, or of 24
        self._piece = round(FLAT_PIECE * rate)
        self._samples = 0
        self._sum = self._squares = 0.0
        self._last: int | None = None
        self._run = 0
        self.clipped = 0
        self.flat = 0
        self.longest = 0

    def add(self, samples: Samples) -> Floats:
        """The next samples; returns them against a full scale of 1."""
        level: Floats = samples / self._full
        self._samples += len(samples)
        self._sum += float(level.sum())
        self._squares += float(np.square(level).sum())  # `@` would start a thread on each core
        self._count_clipped(samples)
        self._count_flat(samples)
        return level

    def end(self) -> None:
        """There are no more."""
        self._count_run(self._run)

    @property
    def mean(self) -> float:
        """The offset from zero, as a share of full scale."""
        return self._sum / self._samples

    @property
    def power(self) -> float:
        """The mean square without the offset."""
        return max(0.0, self._squares / self._samples - self.mean**2)

    def _count_clipped(self, samples: Samples) -> None:
        edge = (samples >= self._top) | (samples <= -self._top)
        if edge.any():
            runs = np.diff(np.flatnonzero(np.diff(np.r_[False, edge, False])))[::2]
            self.clipped += int(runs[runs >= CLIPPED_RUN].sum())

    def _count_flat(self, samples: Samples) -> None:
        """Runs of one value, also over the end of a block."""
        if self._last is not None and samples[0] != self._last:
            self._count_run(self._run)
            self._run = 0
        ends = np.flatnonzero(samples[1:] != samples[:-1])
        if len(ends) == 0:
            self._run += len(samples)
        else:
            self._count_run(self._run + int(ends[0]) + 1)
            runs = np.diff(ends)
            long = runs[runs >= self._piece]
            self.flat += int(long.sum())
            self.longest = max(self.longest, int(long.max(initial=0)))
            self._run = len(samples) - int(ends[-1]) - 1
        self._last = int(samples[-1])

    def _count_run(self, length: int) -> None:
        if length >= self._piece:
            self.flat += length
            self.longest = max(self.longest, length)


def features(heard: Heard) -> list[Feature]:
    """The level, the centre of gravity, the bands, the hum and its share, and the toots.

    The level is the root mean square without the offset, over all channels, in dB below full
    scale; a band is the power in it likewise; the share is of the power between 50 Hz and 4 kHz.
    Toots are counted in a sound that holds their harmonics, and is long enough.
    """
    lines, powers = heard.spectrum
    whole = band_power(lines, powers, *RANGE)
    found = [Feature("level", decibels(heard.power), "dBFS")]
    if (centre := centroid(lines, powers, *RANGE)) is not None:
        found.append(Feature("centroid", centre, "Hz"))
        found.append(Feature("share_200_500", 100 * band_power(lines, powers, *SHARE) / whole, "%"))
    for low in BANDS:
        power = band_power(lines, powers, low, low + 50)
        found.append(Feature(f"band_{low}_{low + 50}", decibels(power), "dBFS"))
    found.append(Feature("hum", decibels(band_power(lines, powers, *HUM)), "dBFS"))
    if heard.piping and heard.samples >= piping.ENOUGH * heard.rate:
        found.append(Feature("toots", len(heard.piping.toots()), ""))
    return found


def _blocks(file: soundfile.SoundFile, kind: str) -> Iterator[Samples]:
    """To the last sample that can be decoded: a header can promise more than there is."""
    while data := file.buffer_read(BLOCK, dtype=kind):
        yield np.frombuffer(data, dtype=kind).reshape(-1, file.channels)


def _length(heard: Heard, said: RecordingFacts) -> Iterator[Finding]:
    samples, rate = said.samples, said.rate
    if heard.samples == 0:
        yield Finding(findings.EMPTY, "it contains no sound")
    if samples is not None and heard.samples != samples:
        message = f"{heard.samples} samples instead of the {samples} written"
        yield Finding(findings.WRONG_LENGTH, message)
    if rate is not None and heard.rate != rate:
        message = f"{heard.rate} Hz instead of the recorded {rate} Hz"
        yield Finding(findings.WRONG_LENGTH, message)
    if lost := said.lost_samples:
        message = f"{lost} samples ({lost / heard.rate:.2f} s) were lost during the recording"
        yield Finding(findings.LOST, message, fails=False)


def _content(heard: Heard) -> Iterator[Finding]:
    """The findings of every channel; a sound fails only if all channels do, since one may be
    unused."""
    found = [list(_channel(channel, heard)) for channel in heard.channels]
    fatal = all(any(finding.fails for finding in of_one) for of_one in found)
    for number, of_one in enumerate(found, start=1):
        for finding in of_one:
            message = f"channel {number} {finding.message}" if len(found) > 1 else finding.message
            yield Finding(finding.word, message, fails=finding.fails and fatal)


def _channel(channel: Channel, heard: Heard) -> Iterator[Finding]:
    level = decibels(channel.power)
    if level < SILENT_DBFS:
        if abs(channel.mean) < 2.0**-15:
            yield Finding(findings.SILENT, "every sample is zero or nearly zero")
        else:
            yield Finding(findings.STUCK, f"it is constant, at {channel.mean:.4f} of full scale")
        return
    yield from _flat(channel.flat / heard.samples, channel.longest / heard.rate)
    yield from _clipped(channel.clipped / heard.samples)
    offset = abs(channel.mean)
    if offset >= OFFSET_WORTH_TELLING:
        message = f"its mean is {channel.mean:.2f} of full scale away from zero"
        yield Finding(findings.OFFSET, message, fails=offset >= OFFSET)


def _flat(share: float, longest: float) -> Iterator[Finding]:
    fails = share >= FLAT_SHARE or longest >= FLAT_SECONDS
    if fails or longest >= FLAT_WORTH_TELLING:
        message = f"one value is frozen for up to {longest:.2f} s, {share:.0%} of the time"
        yield Finding(findings.FLAT, message, fails=fails)


def _clipped(share: float) -> Iterator[Finding]:
    if share >= CLIPPED_WORTH_TELLING:
        message = f"{share:.1%} of the samples are at full scale, in runs of at least three"
        yield Finding(findings.CLIPPED, message, fails=share >= CLIPPED_SHARE)
