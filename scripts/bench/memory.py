"""What memory beemon takes while it records, by process and by import: `scripts/bench-memory`.

The real service records a simulated camera of 1080p30 with the software encoder, a microphone and
ten sensors, by their schedules. What each process takes is its own memory and its share of what it
shares (PSS of proc(5)), looked at each second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import services
import usage
from capture import name
from table import Row, show

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beemon"
TARGET = 160.0  # MB, all processes together
SENSORS = 10
LOOK_SECONDS = 1.0
DEVICES = """\
[camera.entrance]
driver = "simulated"
width = 1920
height = 1080
frame_rate = 30
bitrate = 2000000
schedule = {{ interval = "{recordings:g}s", duration = "{video:g}s" }}
[microphone.brood]
driver = "simulated"
schedule = {{ interval = "{recordings:g}s", duration = "{sound:g}s" }}
""" + "".join(
    f'[sensor.s{number}]\ndriver = "simulated"\nseed = {number}\n'
    'schedule = {{ interval = "{readings:g}s" }}\n'
    for number in range(SENSORS)
)
IMPORTS = {
    "Python": [],
    "beemon's Worker": ["multiprocessing.spawn", "beemon.worker.worker", "ctypes"],
    "numpy": ["numpy"],
    "soundfile, its checks": ["soundfile", "beemon.checks.sound"],
    "PyAV, its checks": ["av", "beemon.checks.video"],
    "mutagen": ["mutagen.mp4", "mutagen.flac"],
    "beemon's Orchestrator": ["beemon.orchestrator.work"],
    "beemon's Server": ["beemon.server.run"],
}
"""What a process imports, one after the other: each weighs what those before it do not have."""
WEIGH = """
import importlib, sys, time
began = time.process_time()
for name in sys.argv[1:]:
    importlib.import_module(name)
took = time.process_time() - began
rollup = open("/proc/self/smaps_rollup").read().split()
print(rollup[rollup.index("Private_Clean:") + 1], rollup[rollup.index("Private_Dirty:") + 1],
      rollup[rollup.index("Rss:") + 1], len(sys.modules), took)
"""


def main() -> None:
    """Run it, and print one table."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.imports:
        print(show(imports(options.folder)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as path:
        looks = record(Path(path), 60 * options.minutes, options.rate)
    print(show(rows(looks)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-memory", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    parser.add_argument(
        "--rate", type=float, default=1, help="how many times as often as usual (default: 1)"
    )
    parser.add_argument("--imports", action="store_true", help="weigh the imports instead")
    parser.add_argument("--folder", type=Path, default=CACHE, help="on the disk to be measured")
    return parser.parse_args()


def record(folder: Path, seconds: float, rate: float) -> list[dict[str, float]]:
    """Megabytes by the process's name, a look after the other.

    As usual, sensors are read each minute, and every five minutes there are 30 s of video and a
    minute of sound.
    """
    usual = {"recordings": 300.0, "video": 30.0, "sound": 60.0, "readings": 60.0}
    devices = DEVICES.format(**{name: every / rate for name, every in usual.items()})
    beemon = services.Beemon(folder, devices)
    looks = []
    with beemon.running() as service:
        for command in ("record camera.entrance 1", "record microphone.brood 1", "read"):
            beemon.ask(f"wait {beemon.ask(command)['job']}")  # every worker runs now
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            looks.append(look(service.pid))
            time.sleep(LOOK_SECONDS)
    return looks


def look(service: int) -> dict[str, float]:
    """Megabytes by the process's name; one that begins or ends just now is left out."""
    found: dict[str, float] = {}
    for process in usage.processes(service):
        try:
            found[name(process, service)] = usage.pss_megabytes(process.pid)
        except OSError:
            continue
    return found


def rows(looks: list[dict[str, float]]) -> Iterator[Row]:
    """Each process in the first and last fifth, the most that it took, and all together."""
    fifth = max(1, len(looks) // 5)
    early, late = by_process(looks[:fifth]), by_process(looks[-fifth:])
    most = by_process(looks)
    for who in late:
        yield Row(f"{who}, usually", statistics.median(late[who]), "MB", "at the beginning",
                  statistics.median(early.get(who, late[who])))
        yield Row("  at most", max(most[who]), "MB")
    sums = [sum(one.values()) for one in looks]
    yield Row("all, usually", statistics.median(sums[-fifth:]), "MB", "at the beginning",
              statistics.median(sums[:fifth]), target=TARGET)
    yield Row("  at most", max(sums), "MB", target=TARGET)


def by_process(looks: list[dict[str, float]]) -> dict[str, list[float]]:
    """All looks at each process."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in looks:
        for who, megabytes in one.items():
            found[who].append(megabytes)
    return found


def imports(folder: Path) -> Iterator[Row]:
    """What each import adds to a process: memory of its own, modules, processor time."""
    given: list[str] = []
    before = (0.0, 0, 0.0)
    for what, modules in IMPORTS.items():
        given += modules
        now = weigh(given, folder)
        yield Row(what, now[0] - before[0], "MB",
                  f"{now[1] - before[1]} modules, {1e3 * (now[2] - before[2]):.0f} ms")
        before = now


def weigh(modules: list[str], folder: Path) -> tuple[float, int, float]:
    """Megabytes of the process's own, modules, and seconds of processor time."""
    for _ in range(2):  # once to compile them
        told = subprocess.run(
            [sys.executable, "-c", WEIGH, *modules], env=services.environment(folder),
            capture_output=True, text=True, check=True,
        ).stdout.split()
    return (int(told[0]) + int(told[1])) * 1024 / 1e6, int(told[3]), float(told[4])


if __name__ == "__main__":
    main()
