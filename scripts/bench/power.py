"""How little beemon does while there is nothing to do: `scripts/bench-power` runs this.

A wake-up is a voluntary switch of a thread: it waited, and something, mostly a timer, ended that.
Each keeps a processor from its deep sleep. All processes count, and are watched for the same
minute as a bare Python daemon that waits in poll(2).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import carrying
import services
import wakes
from services import Beemon
from table import Row, show
from wakes import Rest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beemon"
WAKES_TARGET = 2.0  # a second
CPU_TARGET = 0.05  # % of one core
SENSORS = 10
HIVE = f"a hive with {SENSORS} sensors"
ASKED = "the same, asked by its uplink"
NAMES = {"orchestr": "Orchestrator"}  # the kernel keeps 15 bytes of a name
DAEMON = "import select; select.poll().poll()"


def main() -> None:
    """Watch everything for the same time, and print one table."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="power-", dir=options.folder) as folder:
        rows = list(measure(Path(folder), options.settle_seconds, options.idle_seconds))
        if options.camera_minutes:
            import resting  # it needs PyAV

            rows += resting.measure(Path(folder), options.camera_minutes)
    print(show(rows))


def measure(folder: Path, settle: float, seconds: float) -> Iterator[Row]:
    """A service without devices, one with a whole hive, one with an uplink, and uplinks, beside a
    bare daemon. The uplinks with one destination ask another hive, which is not watched."""
    hives = {
        "no devices": _beemon(folder / "0", ""), HIVE: _beemon(folder / "1", _hive()),
        ASKED: _beemon(folder / "2", _hive()),
    }
    other = _beemon(folder / "3", _hive())
    with ExitStack() as stack:
        bare = stack.enter_context(_bare_daemon())
        running = {name: stack.enter_context(hive.running()) for name, hive in hives.items()}
        stack.enter_context(other.running())
        uplinks = stack.enter_context(
            carrying.running(folder / "uplinks", other, hives[ASKED])
        )
        time.sleep(settle)
        watched = {"": bare, **running, **uplinks}
        found = wakes.watch_all({name: one.pid for name, one in watched.items()}, seconds)
        carried = [
            row for name, one in uplinks.items() for row in carrying.rows(name, found[name], one)
        ]
    for name in running:
        yield from _rows(name, found[name], found[""])
    yield from carried


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-power", description=__doc__)
    parser.add_argument("--settle-seconds", type=float, default=75.0, help="before the first look")
    parser.add_argument("--idle-seconds", type=float, default=60.0, help="whole minutes, please")
    parser.add_argument("--camera-minutes", type=float, default=10.0, help="whole fives, or none")
    parser.add_argument("--folder", type=Path, default=CACHE, help="for the archives")
    return parser.parse_args()


def _hive() -> str:
    """A camera and a microphone whose window is far away, and sensors that are read each minute."""
    hour = datetime.now().astimezone() + timedelta(hours=12)
    window = [f"{hour:%H}:00", f"{hour + timedelta(hours=1):%H}:00"]
    recorders = [
        f'[{name}]\ndriver = "simulated"\n[{name}.schedule]\ninterval = "5m"\n'
        f'duration = "30s"\nwindow = {window}\n'
        for name in ("camera.entrance", "microphone.brood")
    ]
    sensors = [
        f'[{name}]\ndriver = "simulated"\nseed = {number}\n[{name}.schedule]\ninterval = "1m"\n'
        for number in range(SENSORS) for name in [f"sensor.{'s' if number else 'brood'}{number}"]
    ]
    return "".join(recorders + sensors)


def _beemon(folder: Path, devices: str) -> Beemon:
    folder.mkdir()
    return Beemon(folder, devices)


@contextmanager
def _bare_daemon() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", DAEMON])
    try:
        yield process
    finally:
        services.stop(process)


def _rows(name: str, rest: list[Rest], daemon: list[Rest]) -> Iterator[Row]:
    of, wanted = "a bare Python daemon", name != ASKED
    yield Row(f"{name}: wake-ups", _sum(rest, "wakes"), "/s", of, _sum(daemon, "wakes"),
              target=WAKES_TARGET if wanted else None)
    for process in rest:
        yield Row(f"  {_title(process, rest)}", process.wakes, "/s")
    yield Row(f"{name}: processor", _sum(rest, "cpu"), "%", of, _sum(daemon, "cpu"),
              target=CPU_TARGET if wanted else None)
    for process in rest:
        yield Row(f"  {_title(process, rest)}", process.cpu, "%")


def _sum(rest: list[Rest], what: str) -> float:
    return sum(getattr(process, what) for process in rest)


def _title(process: Rest, family: list[Rest]) -> str:
    """Its part in the service; the Server is the first of the family."""
    if process is family[0]:
        return "Server"
    own, _, name = process.name.partition("beemon-")
    return "multiprocessing's own" if own else NAMES.get(name, f"Worker: {name}")


if __name__ == "__main__":
    main()
