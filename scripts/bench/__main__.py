"""What beemon's Server costs, beside plain servers: `scripts/bench-server` runs this.

Every figure stands beside a reference that was measured in the same minutes on the same machine,
so it is the ratios that can be compared between machines.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import durable
import idle
import roundtrips
import services
import starting
from roundtrips import Subject
from services import Beemon
from table import Row, show

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beemon"


def main() -> None:
    """Run everything and print one table."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
        beemon = Beemon(Path(folder))
        print(f"{os.cpu_count()} cores; the archive is on {_file_system(Path(folder))}", flush=True)
        rows = list(_all_rows(beemon, options))
    print(show(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-server", description=__doc__)
    parser.add_argument("--idle-seconds", type=float, default=60.0, help="0 leaves that out")
    parser.add_argument("--rounds", type=int, default=7, help="of each comparison (default: 7)")
    parser.add_argument("--folder", type=Path, default=CACHE, help="on the disk to be measured")
    return parser.parse_args()


def _all_rows(beemon: Beemon, options: argparse.Namespace) -> Iterator[Row]:
    with beemon.running():
        yield from _round_trip_rows(beemon, options.rounds)
        yield from durable.measure(beemon, options.rounds)
    yield from starting.measure(beemon, options.rounds)
    if options.idle_seconds:
        yield from idle.measure(beemon, options.idle_seconds)


def _round_trip_rows(beemon: Beemon, rounds: int) -> Iterator[Row]:
    with ExitStack() as stack:
        subjects = list(_subjects(beemon, stack))
        for connections in (1, 8):
            figures = roundtrips.measure(subjects, connections, rounds)
            yield from roundtrips.rows(figures, connections)


def _subjects(beemon: Beemon, stack: ExitStack) -> Iterator[Subject]:
    status = beemon.ask("status")
    for word in ("ping", "status"):
        yield Subject("beemon", word, beemon.address, f"{word}\n".encode())
    for name in ("threading", "asyncio"):
        address = stack.enter_context(services.peer(name, beemon.folder, status))
        for word in ("ping", "status"):
            yield Subject(name, word, address, f"{word}\n".encode())
    address = stack.enter_context(services.peer("echo", beemon.folder, status))
    yield Subject("echo", "any", address, b"ping\n")
    if found := stack.enter_context(services.redis(beemon.folder)):
        yield Subject("redis", "any", found, b"PING\r\n")


def _file_system(folder: Path) -> str:
    """The type of the file system: on one in memory, durable means nothing."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    inside = [(len(m[1]), m[2]) for m in mounts if folder.is_relative_to(m[1])]
    return max(inside, default=(0, "an unknown file system"))[1]


if __name__ == "__main__":
    main()
