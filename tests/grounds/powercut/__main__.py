"""``scripts/powercut``: cut the power of the real service under load, N times, and judge each."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from tests.grounds.powercut import disk
from tests.grounds.powercut.cuts import Options, PowerCuts

MEMORY = Path("/mnt")
"""Where the memory that everything is in is mounted, in this process's mount namespace alone."""

SYNCS = {
    "a recording, before its rename": "*.part",
    "the day's folder, after the rename": "*/recordings/????-??-??",
    "the folder of the days, after a new day": "*/recordings",
    "the archive's folder, after a new ledger": "*/archive",
    "the ledger's log, at each commit": "*/ledger.db-wal",
    "the ledger, at each checkpoint": "*/ledger.db",
    "an export, before its rename": "*/exports/.today*",
    "all of them": "*",
}
"""Every sync that beemon does: what is synced, and the pattern of its path."""


def main() -> int:
    """Run, and print the figures; 1 where a state had a violation."""
    options, bites = _options()
    images = disk.prepare(MEMORY)
    if bites:
        _bite(options, images)
        return 0
    cuts = _run(options, images)
    print(_told(cuts))
    print(f"{cuts.bad} states with a violation{_listed(cuts, ': ')}")
    return 1 if cuts.bad else 0


def _told(cuts: PowerCuts) -> str:
    """What was done and looked at, in numbers."""
    counts, seconds = cuts.counts, cuts.seconds
    return (
        f"{cuts.taken} states in {seconds:.0f} s ({cuts.taken / seconds:.1f} a second); "
        f"{counts['cached']} with writes in the device's cache, {counts['boots']} booted, "
        f"{cuts.epochs} gone on from\n"
        f"looked at: {counts['promises']} promises to clients, {counts['jobs']} jobs, "
        f"{counts['files']} recordings and {counts['deleted']} deleted ones, "
        f"{counts['readings']} readings, {counts['slots']} slots, {counts['exports']} exports"
    )


def _bite(options: Options, images: Path) -> None:
    """Take one sync away after the other, and print what that does."""
    print("| sync taken away | states with a violation | most often |\n| --- | --- | --- |")
    for name, pattern in {"none": None, **SYNCS}.items():
        cuts = _run(replace(options, unsynced=pattern, quiet=True), images)
        print(f"| {name} | {cuts.bad} of {cuts.taken} | {_listed(cuts, '')} |", flush=True)


def _run(options: Options, images: Path) -> PowerCuts:
    cuts = PowerCuts(MEMORY / f"run-{time.monotonic()}", images, options)
    cuts.run()
    return cuts


def _listed(cuts: PowerCuts, before: str) -> str:
    """The kinds of violation that came most often."""
    kinds = ", ".join(f"{kind} {count}" for kind, count in cuts.kinds.most_common(3))
    return before + kinds if kinds else ""


def _options() -> tuple[Options, bool]:
    parser = argparse.ArgumentParser(prog="powercut", description=__doc__)
    parser.add_argument("--states", type=int, default=200, help="how many (default: 200)")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="end after these, with fewer states"
    )
    parser.add_argument("--judges", type=int, default=os.cpu_count() or 2, help="processes")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for the images of bad states")
    parser.add_argument("--quiet", action="store_true", help="count violations, do not list them")
    parser.add_argument("--first", action="store_true", help="end with the first violation")
    parser.add_argument(
        "--lying", dest="flushes", action="store_false", help="a device that flushes nothing"
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--unsynced", metavar="PATTERN", help="take away the syncs of these paths")
    only.add_argument(
        "--bite", action="store_true", help="take each sync away in turn; print a table"
    )
    given = vars(parser.parse_args())
    bites = bool(given.pop("bite"))
    return Options(**given), bites


if __name__ == "__main__":
    sys.exit(main())
