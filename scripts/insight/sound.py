"""The hum beside scipy's, and the toots in real hives, in speech, and synthetic in real hums."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import soundfile

from beemon.base.recording import RecordingFacts
from beemon.checks.piping import Piping, Syllable, can_hear
from beemon.checks.sound import HUM, examine
from beemon.checks.spectrum import ENOUGH_SEGMENTS, Floats, decibels, segment_length
from tests.queen import mixed, quack, toot
from tests.samples import hive_sound

Maker = Callable[[np.random.Generator], Floats]

LEVELS = (-6, -3, 0, 3, 6, 10, 20)
"""How far the synthetic piping is above the hum, from 700 to 2000 Hz, in dB."""
TIMES = 100
SEED, OTHER_SEED = 2026, 7026
"""The thresholds of the toots were chosen with the first; the second has never been looked at."""
SECONDS, RATE = 20, 8000
"""The length of each hum in seconds, and its samples a second."""
BLOCK = 1 << 15
RECORDED = {"osbh": "nduva15/BEE-SOUND-ANALYSIS, osbh_reference", "bzuk": "mpeterka/bee-sounds"}
GSM = {"samplerate": RATE, "channels": 1, "format": "RAW", "subtype": "GSM610"}
"""The format of telephone prompts in `.gsm` files."""
PIPING = "swarm_piping.ogg"
"""The recording of these in which a queen toots, twice: from 1.6 s and from 13.3 s on."""


class Heard(NamedTuple):
    """One file: its length and CPU time in seconds, and the toots, or None if it cannot be told."""

    file: Path
    seconds: float
    cpu: float
    toots: Sequence[Syllable] | None


def hear(file: Path) -> Heard:
    """Read a file as the examination does, and count its toots."""
    with soundfile.SoundFile(file) as sound:
        if not can_hear(sound.samplerate):
            return Heard(file, len(sound) / sound.samplerate, 0.0, None)
        began, samples, piping = time.process_time(), 0, Piping(sound.samplerate)
        while len(block := sound.read(BLOCK, always_2d=True)):
            samples += len(block)
            piping.add(np.ascontiguousarray(block.T))
        toots = piping.toots()
        return Heard(file, samples / sound.samplerate, time.process_time() - began, toots)


def report(data: Path, real: Path | None) -> Iterator[str]:
    """The lines of the report."""
    yield "Toots in the sounds of the data, and in those without licence"
    yield from _toots("hives", sorted((data / "sound").glob("*.flac")))
    yield from _simulated()
    if real is None:
        yield "  real hives, speech and synthetic toots in real hums are left out: see --real"
        return
    for folder, source in RECORDED.items():
        yield from _toots(source, sorted((real / folder).glob("*.*")))
    for kind in ("asterisk", "speech", "music"):
        for folder in sorted((real / kind).glob("*")):
            files = sorted(file for file in folder.rglob("*") if file.suffix in (".wav", ".gsm"))
            yield from _joined(f"{'music' if kind == 'music' else 'speech'}, {folder.name}", files)
    if (real / "osbh").is_dir() and (real / "bzuk").is_dir():
        yield from _synthetic(list(hums(real)))
        yield from _hum(sorted((real / "bzuk").glob("*.wav"))[:100])


def hums(real: Path) -> Iterator[Floats]:
    """Hums of two colonies and of a night and morning of a third, at 8 kHz."""
    for name in ("colony_with_queen.ogg", "colony_queenless.ogg"):
        sound, rate = soundfile.read(real / "osbh" / name)
        yield _at_8000(sound, rate)
    files = sorted((real / "bzuk").glob("*.wav"))
    for first in (0, 40, 90, 110):
        yield np.concatenate([soundfile.read(file)[0] for file in files[first : first + 4]])


def _at_8000(sound: Floats, rate: int) -> Floats:
    """The sound at 8 kHz, by its spectrum."""
    count = round(len(sound) * RATE / rate)
    found: Floats = np.fft.irfft(np.fft.rfft(sound)[: count // 2 + 1], count) * count / len(sound)
    return found


def _toots(source: str, files: Sequence[Path]) -> Iterator[str]:
    heard = [hear(file) for file in files]
    known = [one for one in heard if one.toots is not None]
    if len(known) < len(heard):
        yield f"  {source}: {len(heard) - len(known)} files have too few samples a second to tell"
    if not known:
        return
    minutes = sum(one.seconds for one in known) / 60
    per_minute = sum(one.cpu for one in known) / minutes
    toots = sum(len(one.toots or ()) for one in known if one.file.name != PIPING)
    yield f"  {source}: {toots} toots in {minutes:.1f} min, {per_minute:.2f} s of CPU a minute"
    for one in known:
        for found in one.toots or ():
            at = f"{found.begin:.1f} to {found.end:.1f} s, {found.pitch:.0f} Hz"
            yield f"    {one.file.name}: {at}"


def _joined(source: str, files: Sequence[Path]) -> Iterator[str]:
    """The toots in one long sound of many short ones: the usual level of a sound of less than 10 s
    is that of its own tones, so that each by itself would show nothing."""
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "joined.wav"
        with soundfile.SoundFile(whole, "w", RATE, 1) as joined:
            for file in files:
                sound, rate = soundfile.read(file, **(GSM if file.suffix == ".gsm" else {}))
                joined.write(sound if rate == RATE else _at_8000(sound, rate))
        yield from _toots(source, [whole])


def _simulated() -> Iterator[str]:
    piping, rate = Piping(48000), 48000
    began = time.process_time()
    for second in range(0, 300, 5):
        sound = hive_sound(5, rate, at=float(second)) / 2**15
        piping.add(sound[np.newaxis])
    cpu = (time.process_time() - began) / 5
    yield (f"  beemon's simulated hive at 48 kHz: {len(piping.toots())} toots in 5 min, "
           f"{cpu:.2f} s of CPU a minute, with the simulation")


def _synthetic(backgrounds: Sequence[Floats]) -> Iterator[str]:
    yield f"Synthetic piping in {len(backgrounds)} real hums, {TIMES} at each level"
    for name, make, seed in (
        ("toots", toot, SEED), ("toots, another seed", toot, OTHER_SEED), ("quacks", quack, SEED),
    ):
        found = [_found(backgrounds, make, level, seed + level) for level in LEVELS]
        told = ", ".join(f"{level:+} dB {n}" for level, n in zip(LEVELS, found, strict=True))
        yield f"  {name} told as a toot: {told}"


def _found(backgrounds: Sequence[Floats], make: Maker, level: float, seed: int) -> int:
    chance, found = np.random.default_rng(seed), 0
    for _ in range(TIMES):
        hum = backgrounds[chance.integers(len(backgrounds))]
        first = int(chance.integers(len(hum) - SECONDS * RATE))
        piping = make(chance)
        last = max(RATE + 1, (SECONDS - 1) * RATE - len(piping))
        at = int(chance.integers(RATE, last))
        sound = mixed(hum[first : first + SECONDS * RATE], piping, at, level)
        heard = Piping(RATE)
        heard.add(sound[np.newaxis])
        found += any(
            one.begin * RATE < at + len(piping) and one.end * RATE > at for one in heard.toots()
        )
    return found


def _hum(files: Sequence[Path]) -> Iterator[str]:
    from scipy import signal  # the judge, which beemon does not need

    worst = {"the same segments": 0.0, "segments of 1 s": 0.0}
    with TemporaryDirectory() as folder:
        for file in files:
            sound, rate = soundfile.read(file)
            copy = Path(folder) / "copy.flac"
            soundfile.write(copy, sound, rate)
            features = {one.quantity: one.value for one in examine(copy, RecordingFacts()).features}
            segment = segment_length(rate, len(sound))
            overlap = 0 if len(sound) >= ENOUGH_SEGMENTS * segment else segment // 2
            for name, length, lap in (
                ("the same segments", segment, overlap), ("segments of 1 s", rate, rate // 2),
            ):
                lines, density = signal.welch(sound, rate, nperseg=length, noverlap=lap)
                inside = np.minimum(lines - HUM[0], HUM[1] - lines) / lines[1] + 0.5
                power = float((density * np.clip(inside, 0, 1)).sum() * lines[1])
                worst[name] = max(worst[name], abs(features["hum"] - decibels(power)))
    told = ", ".join(f"{value:.4f} dB with {name}" for name, value in worst.items())
    yield f"`hum` of {len(files)} recordings differs from scipy's by at most {told}"


if __name__ == "__main__":
    import sys

    print(*report(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None), sep="\n")
