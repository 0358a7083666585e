"""The cost of a day's findings: CPU time and memory of the process that makes them."""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from beemon.base.clock import Quality, Stamp
from beemon.base.finding import STANDS, Finding, Measured
from beemon.base.moments import US_PER_DAY, US_PER_MINUTE, from_iso, iso
from beemon.base.readings import Calibration, Reading
from beemon.ledger import finding_days, hours, readings
from beemon.ledger.finding_days import Looked
from beemon.ledger.ledger import Ledger

BEGIN_US = from_iso("2026-06-01T00:00:00Z")
DAYS, SENSORS, LOOKS = 4, 10, 5
CALIBRATION = Calibration(zero=-8000.0, factor=0.02, job=1, noise=3.0)
MOST_SECONDS, MOST_MEGABYTES = 0.3, 40.0

LOOK = f"""
import os, sys, time
os.environ["TZ"] = "UTC"
from datetime import date
from pathlib import Path
import beemon.worker.worker
from beemon.config.settings import Hive, Weighing
from beemon.worker.messages import Asked
from beemon.worker import insight
hive = Hive(name="apiary-7", empty=21e3, nest=("sensor.s0", "temperature"),
            outside=("sensor.s1", "temperature"))
asked = Asked(date(2026, 6, {DAYS}), {BEGIN_US + DAYS * US_PER_DAY}, hive,
              {{"sensor.scale": Weighing()}}, date(2026, 6, 2))
before = time.process_time()
done = insight.look(1, Path(sys.argv[1]), asked)
spent = time.process_time() - before
assert not done.defects and done.facts["findings"], done
status = Path("/proc/self/status").read_text().split()
print(spent, int(status[status.index("VmHWM:") + 1]) / 1024, time.process_time())
"""


def make(archive: Path) -> None:
    """Days of sensors with three quantities each, and of a calibrated scale, read every minute;
    and the sums of the thirty days before."""
    chance = random.Random(1)
    with closing(Ledger(archive)) as ledger:
        ledger.prepare()
        ledger.db.execute("PRAGMA synchronous=OFF")
        for number in range(DAYS * 24):
            with ledger.transaction():
                at_us = BEGIN_US + number * 60 * US_PER_MINUTE
                readings.keep(ledger, 1, _hour(at_us, chance))
                hours.reckon(ledger, at_us + 60 * US_PER_MINUTE)
        with ledger.transaction():
            ledger.begin_run()
            for ago in range(1, 31):
                finding_days.enter(ledger, _sum(BEGIN_US + US_PER_DAY - ago * US_PER_DAY))


def _hour(at_us: int, chance: random.Random) -> list[Reading]:
    found = []
    for minute in range(60):
        at = Stamp(at_us + minute * US_PER_MINUTE, minute * 60.0, Quality.SYNCHRONISED)
        day = math.sin(at.utc_us / US_PER_DAY * 2 * math.pi)
        for number in range(SENSORS):
            name, base = f"sensor.s{number}", 35.0 if number == 0 else 15.0 + 5 * day
            found += [
                Reading(name, "temperature", "°C", base + chance.gauss(0, 0.1), None, at),
                Reading(name, "humidity", "%", 60.0 + chance.gauss(0, 1), None, at),
                Reading(name, "pressure", "hPa", 950.0 + chance.gauss(0, 1), None, at),
            ]
        grams = 42_000.0 + 300 * day + chance.gauss(0, 8)
        found.append(Reading(
            "sensor.scale", "weight", "g", grams, None, at, raw=grams / 0.02,
            calibration=CALIBRATION, uncertainty=9.0,
        ))
    return found


def _sum(begin_us: int) -> Looked:
    numbers = tuple(
        Measured(name, 1.0, "g", 0.5, 1440)
        for name in ("net", "night_loss", "dip", "level", "nest_mean", "nest_sd", "heat")
    )
    begin, end = iso(begin_us), iso(begin_us + US_PER_DAY)
    one = Finding("day", STANDS, "apiary-7", begin, end, end, "…" * 300, "day", 1, measured=numbers)
    return Looked(begin[:10], end, "", is_whole=True, findings=(one,))


def report(data: Path, real: Path | None) -> Iterator[str]:
    """The lines of the report; it makes its own data."""
    del data, real
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        found = [look(folder) for _ in range(LOOKS)]
    seconds, megabytes, process = (statistics.median(each) for each in zip(*found, strict=True))
    yield f"a day of {SENSORS} sensors and a scale, read every minute; median of {LOOKS} looks"
    yield f"  {seconds:.2f} s CPU (most {MOST_SECONDS}), {process:.2f} s with the process's start"
    yield f"  {megabytes:.0f} MB at most, all pages of the process (most {MOST_MEGABYTES:.0f})"


def look(archive: str) -> tuple[float, ...]:
    """The CPU seconds of one look, the most megabytes, and the CPU seconds of its process."""
    ran = subprocess.run(
        [sys.executable, "-c", LOOK, archive], capture_output=True, text=True, check=True
    )
    return tuple(map(float, ran.stdout.split()))


if __name__ == "__main__":
    print(*report(Path(), None), sep="\n")
