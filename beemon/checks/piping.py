"""Piping: the toots of a young queen in a sound, told by their harmonics and their rhythm.

A queen that has left her cell toots: one long syllable, which may glide, then shorter ones at the
same pitch (A. Michelsen et al., The tooting and quacking vibration signals of honeybee queens,
J Comp Physiol A 158, 1986). The workers' hum hides the fundamental of 300 to 560 Hz, so that this
looks for the second to the fourth harmonic. The numbers below were chosen on one real recording,
on synthetic toots in real hums, and on speech, which must have none.

The answers of queens that are still in their cells (quacks) are not counted: music and games have
the same rhythm. Each sound is read in pieces, so that an hour takes no more memory than a minute.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beemon.checks.spectrum import SILENCE, Floats

Frames = npt.NDArray[np.float32]
"""Levels or powers: a row for each frame, a column for each line of the spectrum."""

WINDOW, HOP = 0.08, 0.02
"""The length of a frame, and the time from one to the next, in seconds."""
LINE = 6.25
"""The step from one line of the spectrum to the next, in Hz: half of the window is zeros."""
SMOOTH = 3
"""The number of frames whose mean power is one."""
PITCHES = np.arange(300.0, 561.0, 4.0)
"""The fundamentals that are tried, in Hz."""
HARMONICS = (2, 3, 4)
LOWEST, HIGHEST = 450.0, 2525.0
"""The range of the spectrum that is kept, in Hz: half a fundamental around every harmonic."""
COMMON = (600.0, 2300.0)
"""The frequencies that a knock or the wind fills all at once, in Hz."""
BLOCK = 1000
"""The number of frames (20 s) at least by which the usual level of each line is found."""
ENOUGH = 10.0
"""The least length of a sound in seconds: in a shorter one a toot is itself the usual level."""
PART = 64
"""The number of frames that are computed together, which bounds the memory."""

_LINES = slice(round(LOWEST / LINE) - 1, round(HIGHEST / LINE) + 2)
"""The lines of the spectrum that are kept."""

VOICED, HELD = 13.0, 10.5
"""The score in dB that a syllable reaches, and keeps."""
CAP = 25.0
"""The score above which a frame is no better, in dB."""
FALL = 12.0
"""The fall in dB below its loudest frame that ends a syllable: frames reach into the gaps."""
GLIDE = 0.05
"""The largest change of the pitch from one frame to the next, as a share."""
SHORTEST = 4
"""The number of frames that a syllable has at least."""
BRIDGED = 2
"""The largest step from one frame of a syllable to the next: one frame may be missing."""

FAINT = 16.0
"""The score in dB below which a syllable is faint: it breaks more easily."""
BREAK, FAINT_BREAK = 0.05, 0.09
"""The shortest pause between two syllables, in seconds; the second is for a faint one."""
SAME_TONE = 0.08
"""The largest difference in pitch within a syllable that broke, as a share."""

FIRST = (0.44, 1.7)
"""The length of the first syllable of a toot, in seconds; two that stand close are heard as one."""
LONGER = 1.4
"""The length of the first syllable, at least, against the median of the others."""
LEAST = 5
"""The number of syllables of a toot, at least."""
SAME = 0.1
"""The largest difference in pitch between the first syllables of a toot, which glide, as a share.
"""
STEADY, UNSTEADY = 0.03, 0.016
"""The largest difference in pitch of each later syllable from those before it, and the largest
median deviation of all of them, as shares. A voice changes its pitch from syllable to syllable by
more, a queen by less than a hundredth."""
MEAN_SCORE = 13.0
"""The mean score of the syllables of a toot, at least, in dB."""
LENGTHS, PERIODS = (0.06, 0.6), (0.15, 0.8)
"""The median length of the later syllables, and of the time from one to the next, in seconds."""
UNEVEN = 0.35
"""The largest median deviation of that time, as a share of it."""
PAUSE = 1.0
"""The longest pause within a toot, in seconds: in a loud hum a syllable may be missed."""


class Syllable(NamedTuple):
    """A tone without a break: seconds since the begin, its pitch in Hz, and its score in dB."""

    begin: float
    end: float
    pitch: float
    score: float

    @property
    def length(self) -> float:
        """Its length in seconds."""
        return self.end - self.begin


class Tone(NamedTuple):
    """A frame in which a comb of harmonics stands out."""

    frame: int
    pitch: float
    score: float
    level: float


def can_hear(rate: int) -> bool:
    """Whether a sound of that rate holds all of the harmonics."""
    return rate / 2 >= HIGHEST


class Piping:
    """Finds the toots of a sound while it is read."""

    def __init__(self, rate: int) -> None:
        self._hop = round(HOP * rate)
        self._size = round(rate / LINE)
        self._window = np.hanning(round(WINDOW * rate) + 1)[:-1]
        self._rest: Floats | None = None
        self._powers: Frames = np.zeros((0, _LINES.stop - _LINES.start), np.float32)
        self._done = 0
        self._tones: list[Tone] = []

    def add(self, sound: Floats) -> None:
        """The next samples, a row for each channel; in pieces of any length."""
        if self._rest is not None:
            sound = np.concatenate([self._rest, sound], axis=1)
        count = max(0, (sound.shape[1] - len(self._window)) // self._hop + 1)
        self._rest = sound[:, count * self._hop :].copy()
        new = (self._power(sound, n, min(n + PART, count)) for n in range(0, count, PART))
        self._powers = np.concatenate([self._powers, *new])
        while len(self._powers) >= 2 * BLOCK:
            self._listen(BLOCK)

    def toots(self) -> list[Syllable]:
        """The toots of the whole sound; there are no more samples."""
        self._listen(len(self._powers))
        return list(toots(syllables(self._tones)))

    def _power(self, sound: Floats, first: int, last: int) -> Frames:
        """The power of some frames by line, of all channels."""
        frames = np.lib.stride_tricks.sliding_window_view(sound, len(self._window), axis=1)
        frames = frames[:, first * self._hop : (last - 1) * self._hop + 1 : self._hop]
        lines = np.fft.rfft(frames * self._window, self._size, axis=2)[:, :, _LINES]
        return np.asarray((lines.real**2 + lines.imag**2).mean(axis=0), np.float32)

    def _listen(self, count: int) -> None:
        """Find the tones in the next frames, and forget the frames."""
        if len(self._powers) < SMOOTH:
            return
        powers = self._powers[: count + SMOOTH - 1]
        usual = _usual(powers)
        for first in range(0, len(powers) - SMOOTH + 1, PART):
            levels = _whitened(powers[first : first + PART + SMOOTH - 1], usual)
            self._tones += _tones(levels, self._done + first)
        self._done += count
        self._powers = self._powers[count:].copy()


def _line(hertz: float | Floats) -> npt.NDArray[np.int_]:
    """The column of a frequency, or the columns of several."""
    return np.rint(np.asarray(hertz) / LINE).astype(int) - _LINES.start


def _levels(powers: Frames) -> Frames:
    """The level of each line in dB, of the mean power of each :data:`SMOOTH` frames."""
    count = len(powers) - SMOOTH + 1
    power = powers[:count] + np.float32(SILENCE)
    for later in range(1, SMOOTH):
        power += powers[later : later + count]
    levels: Frames = np.float32(10) * np.log10(power)
    return levels


def _usual(powers: Frames) -> Frames:
    """The usual level of each line; a few lines at a time take less memory."""
    parts = (powers[:, first : first + PART] for first in range(0, powers.shape[1], PART))
    return np.concatenate([np.median(_levels(part), axis=0) for part in parts])


def _whitened(powers: Frames, usual: Frames) -> Frames:
    """The level of each line in dB, above its usual level and above the noise of the moment."""
    levels = _levels(powers) - usual
    low, high = (int(_line(hertz)) for hertz in COMMON)
    levels -= np.median(levels[:, low:high], axis=1, keepdims=True)
    return levels


def _tones(levels: Frames, first: int) -> Iterator[Tone]:
    """The frames with a comb of harmonics: two of the three stand out of the valleys beside."""
    peaks = np.maximum(levels[:, 1:-1], np.maximum(levels[:, 2:], levels[:, :-2]))
    tones = np.stack([peaks[:, _line(h * PITCHES) - 1] for h in HARMONICS])
    valleys = np.stack([
        (levels[:, _line((h - 0.5) * PITCHES)] + levels[:, _line((h + 0.5) * PITCHES)]) / 2
        for h in HARMONICS
    ])
    above = tones - valleys
    best = above.max(axis=0)
    second = above.sum(axis=0) - best - above.min(axis=0)
    scores = 0.75 * second + 0.25 * best
    for frame in np.flatnonzero(scores.max(axis=1) >= HELD):
        at = int(scores[frame].argmax())
        score = 0.75 * second[frame, at] + 0.25 * min(CAP, best[frame, at])
        level = float(np.sort(tones[:, frame, at])[1:].mean())
        yield Tone(first + int(frame), float(PITCHES[at]), min(CAP, float(score)), level)


def syllables(tones: Sequence[Tone]) -> list[Syllable]:
    """The syllables of a sound, by the frames in which a tone stands out."""
    found: list[Syllable] = []
    first = 0
    while first < len(tones):
        run, after = _run(tones, first)
        if len(run) < SHORTEST:
            first += 1
            continue
        first = after
        if max(tone.score for tone in run) >= VOICED:
            _append(found, _syllable(run))
    return found


def _run(tones: Sequence[Tone], first: int) -> tuple[list[Tone], int]:
    """The frames of one syllable, whose pitch glides and does not jump; and the next to look at."""
    run, loudest = [tones[first]], tones[first].level
    for number in range(first + 1, len(tones)):
        tone, step = tones[number], tones[number].frame - run[-1].frame
        if step > BRIDGED:
            break
        same = abs(tone.pitch - run[-1].pitch) <= GLIDE * step * run[-1].pitch
        if same and tone.level >= loudest - FALL:
            run.append(tone)
            loudest = max(loudest, tone.level)
    else:
        number = len(tones)
    return [tone for tone in run if tone.level >= loudest - FALL], number


def _syllable(run: Sequence[Tone]) -> Syllable:
    return Syllable(
        run[0].frame * HOP, (run[-1].frame + 1) * HOP,
        statistics.median(tone.pitch for tone in run), statistics.fmean(tone.score for tone in run),
    )


def _append(found: list[Syllable], new: Syllable) -> None:
    """Add a syllable, or make one of it and the last one."""
    last = found[-1] if found else None
    pause = FAINT_BREAK if new.score < FAINT else BREAK
    if (
        last is None or new.begin - last.end >= pause
        or abs(new.pitch - last.pitch) > SAME_TONE * new.pitch
    ):
        found.append(new)
        return
    share = new.length / (new.length + last.length)
    pitch = share * new.pitch + (1 - share) * last.pitch
    score = share * new.score + (1 - share) * last.score
    found[-1] = Syllable(last.begin, new.end, pitch, score)


def toots(found: Sequence[Syllable]) -> Iterator[Syllable]:
    """The toots among the syllables, each from its begin to its end."""
    number = 0
    while number < len(found):
        chain = _chain(found, number)
        if _is_toot(chain):
            yield Syllable(
                chain[0].begin, chain[-1].end, statistics.median(one.pitch for one in chain),
                statistics.fmean(one.score for one in chain),
            )
            number += len(chain)
        else:
            number += 1


def _chain(found: Sequence[Syllable], first: int) -> list[Syllable]:
    """The syllables that follow one at its pitch, without a long pause."""
    chain = [found[first]]
    if not FIRST[0] <= chain[0].length <= FIRST[1]:
        return chain
    for one in found[first + 1 :]:
        if one.begin - chain[-1].end > PAUSE:
            break
        if abs(one.pitch / _usual_pitch(chain) - 1) <= (SAME if len(chain) < 3 else STEADY):
            chain.append(one)
    return chain


def _usual_pitch(chain: Sequence[Syllable]) -> float:
    """The pitch of the last syllables, without the first, which glides."""
    return statistics.median(one.pitch for one in chain[1:][-5:] or chain)


def _is_toot(chain: Sequence[Syllable]) -> bool:
    """Whether the later syllables are shorter than the first, at one pitch, and have an even
    rhythm."""
    if len(chain) < LEAST or statistics.fmean(one.score for one in chain) < MEAN_SCORE:
        return False
    periods = [later.begin - one.begin for one, later in pairwise(chain[1:])]
    usual = statistics.median(periods)
    uneven = statistics.median(abs(period - usual) for period in periods)
    length = statistics.median(one.length for one in chain[1:])
    pitch = statistics.median(one.pitch for one in chain[1:])
    unsteady = statistics.median(abs(one.pitch - pitch) for one in chain[1:])
    return (
        PERIODS[0] <= usual <= PERIODS[1] and uneven <= UNEVEN * usual
        and LENGTHS[0] <= length <= LENGTHS[1] and chain[0].length >= LONGER * length
        and unsteady <= UNSTEADY * pitch
    )
