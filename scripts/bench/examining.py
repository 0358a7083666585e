"""What it costs to examine a recording: CPU time against its length and against its decoding.

Recordings of the simulated hive are made, then each is examined in a process of its own, whose
processor time and whose memory beyond the imports are counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from beemon import devices
from beemon.base.recording import RecordingFacts

SPEED = 100_000.0  # they are made as fast as the machine can
KINDS = {
    "sound, 16 kHz": ("microphone", {"rate": 16000}),
    "sound, 48 kHz": ("microphone", {"rate": 48000}),
    "video, 640x480 at 15/s": ("camera", {"width": 640, "height": 480, "frame_rate": 15}),
    "video, 1280x720 at 30/s": (
        "camera", {"width": 1280, "height": 720, "frame_rate": 30, "bitrate": 2_000_000},
    ),
}
HEAD = f"{'':24}{'length':>8}{'decode':>9}{'examine':>9}{'of length':>11}{'of decode':>11}{'MB':>6}"


def main() -> None:
    """Print a line for each kind of recording."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="the recordings' length")
    seconds = parser.parse_args().seconds
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for name, (kind, options) in KINDS.items():
            path = Path(folder) / name.replace("/", " ")
            make(path, kind, options, seconds)
            decoded, _ = alone(decode, path)
            examined, memory = alone(examine_whole, path)
            print(
                f"{name:24}{seconds:7.0f}s{decoded:8.2f}s{examined:8.2f}s"
                f"{examined / seconds:11.2%}{examined / decoded:11.2f}{memory / 1e6:6.0f}",
                flush=True,
            )


def make(path: Path, kind: str, options: dict[str, int], seconds: float) -> None:
    """Record the simulated hive."""
    device = devices.load(kind, f"{kind}.bench", {"driver": "simulated", "speed": SPEED, **options})
    device.open()
    device.record(path, seconds, threading.Event(), follows=False)
    device.close()


def alone(action: Callable[[Path], None], path: Path) -> tuple[float, int]:
    """The CPU time that it takes a new process, and the memory, in bytes, that it adds."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(action, path, theirs))
    process.start()
    cost: tuple[float, int] = ours.recv()
    process.join()
    return cost


def _measure(action: Callable[[Path], None], path: Path, pipe: object) -> None:
    import av  # noqa: F401
    import numpy  # noqa: F401
    import soundfile  # noqa: F401

    from beemon.checks import picture, sound, video  # noqa: F401

    before, began = _memory(), time.process_time()
    action(path)
    pipe.send((time.process_time() - began, _memory() - before))  # type: ignore[attr-defined]


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def examine_whole(path: Path) -> None:
    """As a worker does after each recording."""
    from beemon.checks.examine import examine

    examine(path, RecordingFacts())


def decode(path: Path) -> None:
    """Decode all of it, and look at nothing."""
    import av
    import soundfile

    if "sound" in path.name:
        with soundfile.SoundFile(str(path)) as file:
            while file.buffer_read(1 << 16, dtype="int16"):
                pass
        return
    with av.open(str(path)) as film:
        film.streams.video[0].thread_count = 1
        for _ in film.decode(video=0):
            pass


if __name__ == "__main__":
    main()
