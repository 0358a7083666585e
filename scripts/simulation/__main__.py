"""Plays a year on a small disk, then says what became of it and whether that is right."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from year import FREE_SHARE, Seen, Year

from beemon.base.facts import to_json
from beemon.cli import layout
from beemon.cli import render as rendering
from beemon.cli.numbers import amount
from beemon.ledger import completeness
from beemon.ledger.ledger import LedgerReader
from beemon.repair import check

NO_ROOM_LOST = ("-q", "-F", "-m", "0", "-i", "8192")
NO_JOURNAL = ("-O", "^has_journal")
"""Its power is never cut here: power cuts end the service, and `scripts/powercut` is for disks."""
MEMORY_GROWTH = 3_000_000
"""Bytes that the process may grow by after its first tenth: a year would show any leak."""


def main() -> int:
    """Play; the exit status says whether all that has to hold held."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=float, default=365.0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--megabytes", type=int, default=512, help="how large the disk is")
    asked = options.parse_args()
    logging.disable(logging.WARNING)  # a year's mishaps are told in numbers
    with small_disk(asked.megabytes) as disk:
        began = time.monotonic()
        year = Year(disk, asked.days, asked.seed, asked.megabytes)
        year.play()
        minutes = (time.monotonic() - began) / 60
        print(f"{asked.days:g} days of a hive in {minutes:.1f} minutes, seed {asked.seed}\n")
        return tell(year.archive, year.seen, asked.megabytes)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """An ext4 in memory, mounted; the mount namespace ends with this process."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        image, mount = Path(folder, "disk.img"), Path(folder, "disk")
        mount.mkdir()
        with image.open("wb") as file:
            file.truncate(megabytes * 1_000_000)
        subprocess.run(["mkfs.ext4", *NO_ROOM_LOST, *NO_JOURNAL, str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
        try:
            yield mount
        finally:
            subprocess.run(["umount", "--lazy", str(mount)], check=True)


def tell(archive: Path, seen: Seen, megabytes: int) -> int:
    """Print what happened, and hold it against what was promised."""
    for event, count in sorted(seen.events.items()):
        print(f"{count:8}  {event}")
    reader = LedgerReader(archive)
    complete = completeness.of(reader)
    reader.close()
    print()
    layout.say(*rendering.parts("completeness", to_json(complete)))
    wanted = megabytes * 1e6 * FREE_SHARE
    promises = {
        "every slot has exactly one outcome, and their sum is what was due": complete.adds_up,
        "the archive's check finds nothing": not check.check(archive).findings,
        f"room is kept: never less than {amount(seen.least_free, 'B')} free, where "
        f"{wanted / 1e6:g} of {megabytes} MB were wanted": seen.least_free > 0.9 * wanted,
        f"memory stays flat: {growth(seen.memory) / 1e6:+.1f} MB after the first tenth of the runs":
            growth(seen.memory) < MEMORY_GROWTH,
    }
    print()
    for promise, held in promises.items():
        print(f"{'holds' if held else 'BROKEN'}: {promise}")
    for finding in check.check(archive).findings[:20]:
        print(f"  {finding}")
    return 0 if all(promises.values()) else 1


def growth(memory: list[int]) -> int:
    """From the end of the first tenth of the runs to the largest later on."""
    settled = len(memory) // 10
    return max(memory[settled:]) - memory[settled]


if __name__ == "__main__":
    sys.exit(main())
