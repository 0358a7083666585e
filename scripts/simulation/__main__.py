"""Plays a year or a winter on a small disk, then says what became of it, and if that is right."""

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

from life import FREE_SHARE, Seen
from solar import WATT_HOURS, WATTS, Supply, Weather
from winter import PROFILES, Outcome, Winter
from year import Year

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
    options.add_argument("--days", type=float, help="how many: a year, or a winter's 120")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--megabytes", type=int, default=512, help="how large the disk is")
    options.add_argument("--winter", action="store_true", help="play a winter on solar power")
    options.add_argument("--watts", type=float, default=WATTS, help="of the winter's panel")
    options.add_argument("--watt-hours", type=float, default=WATT_HOURS, help="of its battery")
    asked = options.parse_args()
    logging.disable(logging.WARNING)  # a year's mishaps are told in numbers
    began = time.monotonic()
    held = play_winter(asked, began) if asked.winter else play_year(asked, began)
    return 0 if held else 1


def play_year(asked: argparse.Namespace, began: float) -> bool:
    """Whether all held in a year."""
    with small_disk(asked.megabytes) as disk:
        year = Year(disk, asked.days or 365.0, asked.seed, asked.megabytes)
        year.play()
        say_time(f"{asked.days or 365:g} days of a hive", began, asked.seed)
        return tell(year.archive, year.seen, asked.megabytes)


def play_winter(asked: argparse.Namespace, began: float) -> bool:
    """Whether all held in a winter, played once for each of the profiles."""
    days, told = asked.days or 120.0, {}
    for name, power in PROFILES.items():
        with small_disk(asked.megabytes) as disk:
            supply = Supply(Weather(asked.seed), asked.watts, asked.watt_hours)
            winter = Winter(disk, days, asked.seed, asked.megabytes, supply, power)
            winter.play()
            told[name] = Outcome(winter)
    say_time(f"{days:g} days from 1 November", began, asked.seed)
    print(f"a panel of {asked.watts:g} W and a battery of {asked.watt_hours:g} Wh\n")
    labels = dict.fromkeys(label for one in told.values() for label in one.rows)
    rows = [(label, *(one.rows[label] for one in told.values())) for label in labels]
    layout.say(layout.Table([("", *told), *rows], headed=True))
    return all(hold({
        f"{name}: nothing is torn: the archive's check finds nothing": not one.findings,
        f"{name}: every slot has exactly one outcome, and their sum is what was due":
            one.completeness.adds_up,
    }) for name, one in told.items())


def say_time(what: str, began: float, seed: int) -> None:
    """Print what was played, and how long that took since ``began``."""
    print(f"{what} in {(time.monotonic() - began) / 60:.1f} minutes, seed {seed}\n")


def hold(promises: dict[str, bool]) -> bool:
    """Print what was promised and whether it held; whether all did."""
    print()
    for promise, held in promises.items():
        print(f"{'holds' if held else 'BROKEN'}: {promise}")
    return all(promises.values())


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


def tell(archive: Path, seen: Seen, megabytes: int) -> bool:
    """Print what happened, and hold it against what was promised."""
    for event, count in sorted(seen.events.items()):
        print(f"{count:8}  {event}")
    reader = LedgerReader(archive)
    complete = completeness.of(reader)
    reader.close()
    print()
    layout.say(*rendering.parts("completeness", to_json(complete)))
    wanted = megabytes * 1e6 * FREE_SHARE
    findings = check.check(archive).findings
    held = hold({
        "every slot has exactly one outcome, and their sum is what was due": complete.adds_up,
        "the archive's check finds nothing": not findings,
        f"room is kept: never less than {amount(seen.least_free, 'B')} free, where "
        f"{wanted / 1e6:g} of {megabytes} MB were wanted": seen.least_free > 0.9 * wanted,
        f"memory stays flat: {growth(seen.memory) / 1e6:+.1f} MB after the first tenth of the runs":
            growth(seen.memory) < MEMORY_GROWTH,
    })
    for finding in findings[:20]:
        print(f"  {finding}")
    return held


def growth(memory: list[int]) -> int:
    """From the end of the first tenth of the runs to the largest later on."""
    settled = len(memory) // 10
    return max(memory[settled:]) - memory[settled]


if __name__ == "__main__":
    sys.exit(main())
