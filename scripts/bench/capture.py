"""What recording costs, and whether anything is lost: `scripts/bench-capture` runs this.

The real service records a simulated camera, a sound card's worth of sound and ten sensors, each
recording on the heels of the last. Beside it, on the same sound at the same time, runs the least
that could be done: `arecord | flac`. Ends with 1 where a frame or a sample is missing.

Processor time is that of whole processes, by proc(5). The encoder's is told apart by the clock of
the thread that calls it, around each call: x264 has no thread of its own here. So are the
simulated pictures, which a real camera does not have the Pi draw.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import counts
import services
import usage
from table import Row, show

from beemon.devices.microphones.alsa.capture import BUFFER_US, PERIOD_US
from beemon.devices.microphones.simulated.hum import hum
from beemon.protocol.client import Client
from tests.grounds.sound import REAL_TIME, FakeMicrophone

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beemon"
PLUGIN = services.HERE / "plugin/measured_camera.py"
RATE, FRAME_RATE, SENSORS = 48_000, 30, 10
PLAYED_SECONDS = 60  # of sound, over and over
CORE = "% of a core"
REST_TARGET, AUDIO_TARGET = 10.0, 3.0  # % of a core; times what arecord and flac take
CAMERA, MICROPHONE = "camera.entrance", "microphone.brood"
FILMS, SOUNDS = "Worker: camera", "Worker: microphone"
NAMES = {
    "beemon-orchestr": "Orchestrator", f"beemon-{CAMERA}"[:15]: FILMS,
    f"beemon-{MICROPHONE}"[:15]: SOUNDS, "beemon-sensors": "Worker: sensors",
    "arecord": "arecord", "python": "multiprocessing's own",
}
"""Processes by the 15 bytes that the kernel keeps of their names; the Server is known anyway."""
DEVICES = f"""\
[{CAMERA}]
driver = "measured"
width = 1280
height = 720
frame_rate = {FRAME_RATE}
bitrate = 2000000
[{MICROPHONE}]
driver = "alsa"
pcm = "hive"
rate = {RATE}
""" + "".join(
    f'[sensor.s{number}]\ndriver = "simulated"\nseed = {number}\n'
    f'[sensor.s{number}.schedule]\ninterval = "10s"\n'
    for number in range(SENSORS)
)


@dataclass
class Run:
    """What was seen while it recorded. Processor time is in seconds, by the process's name."""

    seconds: float
    cpu: dict[str, float]
    plain: float
    first_minute: dict[str, float]
    last_minute: dict[str, float]
    films: list[dict[str, Any]]
    sounds: list[dict[str, Any]]
    readings: int

    def share(self, seconds: float) -> float:
        """In % of a core."""
        return 100 * seconds / self.seconds

    def told(self, fact: str) -> float:
        """What the camera's recordings say together."""
        return sum(film[fact] for film in self.films)


def main() -> None:
    """Run it, and print one table."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as path:
        folder = Path(path)
        played = hum(1, RATE, 0, PLAYED_SECONDS * RATE)
        run = record(folder, played, options.seconds or 60 * options.minutes)
        archive = folder / "archive"
        pictures = counts.frames([archive / job["recording"] for job in run.films], FRAME_RATE)
        sound = counts.samples([archive / job["recording"] for job in run.sounds], played)
    print(show([*_counted(run, pictures, sound), *_cost(run), *_memory(run)]))
    sys.exit(not (pictures.is_whole and sound.is_whole))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-capture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    parser.add_argument("--seconds", type=float, help="the same in seconds: for a look at it")
    parser.add_argument("--folder", type=Path, default=CACHE, help="on the disk to be measured")
    return parser.parse_args()


def record(folder: Path, played: bytes, seconds: float) -> Run:
    """Recordings of a minute, or in a short run four."""
    ears = [FakeMicrophone(folder, device, played) for device in ("hive", "plain")]
    paths = os.pathsep.join(map(str, (services.PROJECT, add_driver(folder))))
    beemon = services.Beemon(
        folder, DEVICES, ALSA_CONFIG_PATH=str(ears[0].config), PYTHONPATH=paths
    )
    for ear in ears:
        ear.start(REAL_TIME)
    try:
        with beemon.running() as service, plain_capture(ears[1]) as plain:
            return _run(beemon, service.pid, plain.pid, seconds)
    finally:
        for ear in ears:
            ear.stop()


def _run(beemon: services.Beemon, service: int, plain: int, seconds: float) -> Run:
    for command in (f"record {CAMERA} 1", f"record {MICROPHONE} 1", "read"):  # it is warm then
        beemon.ask(f"wait {beemon.ask(command)['job']}")
    piece = min(60.0, seconds / 4)
    before, plain_before, began = cpu(service), computed(plain), time.monotonic()
    jobs = ask_for(beemon, piece, round(seconds / piece))
    time.sleep(piece)
    first = memory(service)
    time.sleep(max(0.0, seconds - 1.5 * piece))
    last = memory(service)
    films, sounds = (outcomes(beemon, of_one) for of_one in jobs)
    took = time.monotonic() - began
    after, plain_after = cpu(service), computed(plain)
    return Run(
        took, {who: after[who] - before[who] for who in after},
        plain_after - plain_before, first, last, films, sounds, readings(beemon),
    )


def readings(beemon: services.Beemon) -> int:
    """How many values the sensors have given."""
    with closing(sqlite3.connect(beemon.folder / "archive/ledger.db")) as ledger:
        counted: int = ledger.execute(
            "SELECT count(value) FROM readings JOIN series USING (series)"
            " WHERE sensor LIKE 'sensor.%'"
        ).fetchone()[0]
    return counted


def ask_for(beemon: services.Beemon, seconds: float, count: int) -> list[list[int]]:
    """So many recordings of each; those of one client are made one after the other."""
    with Client(port=beemon.address[1]) as client:
        return [
            [client.request(f"record {device} {seconds:g}").payload["job"] for _ in range(count)]
            for device in (CAMERA, MICROPHONE)
        ]


def outcomes(beemon: services.Beemon, jobs: list[int]) -> list[dict[str, Any]]:
    """How they ended, once they have. Raises RuntimeError where one is not done."""
    with Client(port=beemon.address[1]) as client:
        ended = [client.wait(job).payload for job in jobs]
    for job in ended:
        if job["outcome"] != "done":
            raise RuntimeError(f"a recording is not done: {json.dumps(job)}")
    return ended


@contextmanager
def plain_capture(ear: FakeMicrophone) -> Iterator[subprocess.Popen[bytes]]:
    """`arecord | flac`, with the same buffer and flac's own level of compression."""
    command = (
        f"arecord -q -D plain -t raw -f S16_LE -r {RATE} -c 1 --buffer-time={BUFFER_US}"
        f" --period-time={PERIOD_US} | flac --silent --force-raw-format --endian=little --sign="
        f"signed --channels=1 --bps=16 --sample-rate={RATE} -o {ear.fifo.parent}/plain.flac -; exit"
    )
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], env={**os.environ, "ALSA_CONFIG_PATH": str(ear.config)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        for member in reversed(usage.processes(process.pid)):
            os.kill(member.pid, 15)
        process.wait()


def add_driver(folder: Path) -> Path:
    """Install the package that adds the measured camera's driver, as pip leaves it."""
    packages = folder / "packages"
    info = packages / "beemon_bench-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(PLUGIN, packages)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: beemon-bench\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[beemon.cameras]\nmeasured = measured_camera\n")
    return packages


def cpu(service: int) -> dict[str, float]:
    """Seconds so far, by the process's name."""
    return {name(process, service): process.cpu for process in usage.processes(service)}


def computed(plain: int) -> float:
    """Seconds so far of a family whose threads all live: in a short run it takes no clock tick."""
    return sum(usage.computed_seconds(process.pid) for process in usage.processes(plain))


def memory(service: int) -> dict[str, float]:
    """Megabytes, by the process's name."""
    return {
        name(process, service): usage.pss_megabytes(process.pid)
        for process in usage.processes(service)
    }


def name(process: usage.Process, service: int) -> str:
    """What the table calls it."""
    return "Server" if process.pid == service else NAMES.get(process.name, process.name)


def _counted(run: Run, pictures: counts.Count, sound: counts.Count) -> Iterator[Row]:
    yield Row(f"frames lost at {len(run.films) - 1} boundaries", pictures.lost, "",
              f"of {pictures.held}", target=0)
    yield Row("  doubled, or not shown when they were due", pictures.wrong, "", target=0)
    yield Row(f"samples lost at {len(run.sounds) - 1} boundaries", sound.lost, "",
              f"of {sound.held}", target=0)
    yield Row("  other than what was played", sound.wrong, "", target=0)
    yield Row(f"readings of {SENSORS} sensors", run.readings, "")


def _cost(run: Run) -> Iterator[Row]:
    encoding, drawing = run.told("encoding_seconds"), run.told("drawing_seconds")
    rest = sum(run.cpu.values()) - encoding
    yield Row("the encoder", run.share(encoding), CORE)
    yield Row("everything else", run.share(rest), CORE, target=REST_TARGET)
    yield Row("  drawing the simulated pictures", run.share(drawing), CORE)
    for who, seconds in run.cpu.items():
        own = seconds - (encoding + drawing if who == FILMS else 0.0)
        yield Row(f"  {who}", run.share(own), CORE)
    audio = run.cpu[SOUNDS] + run.cpu["arecord"]
    yield Row("sound: captured, examined, kept", run.share(audio), CORE, "arecord | flac",
              run.share(run.plain), audio / run.plain, AUDIO_TARGET)


def _memory(run: Run) -> Iterator[Row]:
    for who, megabytes in run.last_minute.items():
        yield Row(f"memory (PSS), last minute: {who}", megabytes, "MB", "the first",
                  run.first_minute[who])


if __name__ == "__main__":
    main()
