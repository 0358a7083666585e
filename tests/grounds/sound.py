"""A sound card without hardware: ALSA's own ``file`` plug-in, which hears what a test feeds it."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import threading
import time
import wave
from pathlib import Path

from beemon.base.recording import RecordingFacts

VOICES = sorted(Path("/usr/share/sounds/alsa").glob("*_*.wav"))
"""The recordings that alsa-utils ships: 48 kHz, 16 bit, one channel."""

REAL_TIME = 0.25
PERIOD = 24_000  # bytes of 250 ms of one channel; the plug-in fills up a shorter read with silence
_F_SETPIPE_SZ = 1031  # <linux/fcntl.h>


class FakeMicrophone:
    """ALSA device ``name`` of ``config`` (for ``ALSA_CONFIG_PATH``): hears the voices, or others.

    They come through a FIFO, one period each ``pace`` seconds after :meth:`start`, over and over.
    Those in one folder share its config.
    """

    def __init__(self, folder: Path, name: str = "fakemic", source: bytes = b"") -> None:
        source = source or b"".join(map(_samples, VOICES))
        self.source = source[: len(source) // (2 * PERIOD) * (2 * PERIOD)]
        self.fifo = folder / f"{name}.fifo"
        os.mkfifo(self.fifo)
        self.config = folder / "asoundrc"
        if not self.config.exists():
            self.config.write_text("</usr/share/alsa/alsa.conf>\n")
        with self.config.open("a") as config:
            config.write(
                f"pcm.{name} {{ type file  slave.pcm {{ type null }}  file /dev/null  "
                f"infile {self.fifo}  format raw }}\n"
            )
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, pace: float, channels: int = 1) -> None:
        """Let it hear, in real time or faster; of several channels each sample is another's."""
        self._thread = threading.Thread(
            target=self._feed, args=(pace, PERIOD * channels), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the feeding, also where nobody ever listened."""
        self._stopped.set()
        if self._thread:
            reader = os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK)
            self._thread.join()
            os.close(reader)

    def samples(self, facts: RecordingFacts) -> bytes:
        """What the recording must hold, by what it says of itself."""
        assert facts.first_sample is not None
        assert facts.samples is not None
        first, length = 2 * facts.first_sample % len(self.source), 2 * facts.samples
        rounds = (first + length) // len(self.source) + 1
        return (self.source * rounds)[first : first + length]

    def _feed(self, pace: float, period: int) -> None:
        with contextlib.suppress(BrokenPipeError), self.fifo.open("wb", buffering=0) as fifo:
            fcntl.fcntl(fifo, _F_SETPIPE_SZ, 1 << 20)
            due = time.monotonic()
            for start in itertools.cycle(range(0, len(self.source), period)):
                fifo.write(self.source[start : start + period])
                due += pace
                if self._stopped.wait(max(0.0, due - time.monotonic())):
                    return


def _samples(path: Path) -> bytes:
    with wave.open(str(path)) as voice:
        frames: bytes = voice.readframes(voice.getnframes())
    return frames
