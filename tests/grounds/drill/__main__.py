"""Runs the fault drill and prints its tables; exits 1 where anything is not as it should be."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import grounds
from tests.grounds.drill import cameras, files, gpio, simulated, sound
from tests.grounds.drill.case import Rig, Stand
from tests.grounds.drill.service import Course, Service
from tests.grounds.drill.verdict import (
    Ledger,
    Row,
    beside,
    judge,
    judge_good,
    judge_output,
    summary,
    table,
)
from tests.hive import until

AT_ONCE = 4
"""How many devices are drilled at the same time."""
CASES = ("driver", "fault", "underneath", "reason", "tier", "noticed", "well again", "beside it")
GOOD = ("beside them", "asked", "lost", "longest")


def main() -> int:
    """Drill; 0 where all is as it should be."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--brief", action="store_true", help="one fault or two of each driver")
    options.add_argument("--only", default="", help="the devices whose names hold this")
    options.add_argument("--keep", type=Path, help="an empty folder for what the service leaves")
    asked = options.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="beemon-drill-") as temporary:
        folder = asked.keep or Path(temporary)
        stands, left_out = set_up(folder)
        for stand in stands:
            stand.rigs = [chosen(r, asked.brief) for r in stand.rigs if asked.only in r.device]
            stand.rigs = [rig for rig in stand.rigs if rig.cases]
        try:
            return drill(folder, stands, left_out)
        finally:
            for stand in stands:
                stand.close()


def set_up(folder: Path) -> tuple[list[Stand], list[str]]:
    """What this machine can have; what it cannot, and why."""
    lacking = {
        "picamera2": grounds.picamera2_missing(), "v4l2": grounds.missing_package("av"),
        "alsa": grounds.alsa_missing(), "gpiozero": grounds.missing_package("gpiozero"),
    }
    made = {
        "picamera2": cameras.pi, "v4l2": cameras.usb, "alsa": sound.stand, "gpiozero": gpio.stand,
        "files": files.stand, "simulated": simulated.stand,
    }
    stands = [make(folder) for name, make in made.items() if not lacking.get(name)]
    left_out = [f"{name}: {why}" for name, why in lacking.items() if why]
    return stands, [f"left out: {what}" for what in left_out + gpio.CANNOT_BE_TOLD]


def chosen(rig: Rig, brief: bool) -> Rig:
    """The rig with its brief cases alone."""
    return dataclasses.replace(rig, cases=[c for c in rig.cases if c.brief or not brief])


def drill(folder: Path, stands: list[Stand], left_out: list[str]) -> int:
    """Run all cases against one service and print what came of it."""
    began = time.monotonic()
    service = Service(folder, stands)
    scheduled = [g.device for g in service.good if not g.device.startswith("output.")]
    outputs = [g.device for g in service.good if g.device.startswith("output.")]
    service.start()
    try:
        first = time.monotonic()
        with service.switching(outputs) as switched:
            courses = run(service, [rig for stand in stands for rig in stand.rigs])
        last = time.monotonic()
        ledger = Ledger(service.archive)
        until(lambda: not unfinished(ledger, scheduled, last), 60)
    finally:
        service.stop()
    rows = []
    for course in courses:
        well, due = beside(ledger, scheduled, course.began, course.well or last)
        rows.append(judge(course, ledger, f"{well} of {due}"))
    good = [judge_good(device, ledger, first, last) for device in scheduled]
    good += [judge_output(output, switched[output]) for output in outputs]
    return tell(rows, good, left_out, time.monotonic() - began)


def unfinished(ledger: Ledger, devices: list[str], last: float) -> bool:
    """Whether a slot from before that moment has no outcome yet."""
    return any(
        job["outcome"] is None and job["at"] <= last
        for device in devices for job in ledger.scheduled(device)
    )


def run(service: Service, rigs: list[Rig]) -> list[Course]:
    """Devices of one line one after the other, and several lines at once."""
    lines: dict[str, list[Rig]] = defaultdict(list)
    for rig in rigs:
        lines[rig.line].append(rig)

    def follow(line: list[Rig]) -> list[Course]:
        return [service.drill(rig, case) for rig in line for case in rig.cases]

    longest_first = sorted(lines.values(), key=lambda line: -sum(len(r.cases) for r in line))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [course for line in pool.map(follow, longest_first) for course in line]
    order = [rig.device for rig in rigs]
    return sorted(found, key=lambda course: order.index(course.rig.device))


def tell(rows: list[Row], good: list[Row], left_out: list[str], took: float) -> int:
    """Print it; 1 where anything is wrong."""
    print(table(CASES, rows), end="\n\n")
    print(table(GOOD, good), end="\n\n")
    print(summary(rows), end="\n\n")
    print("\n".join(left_out), end="\n\n" if left_out else "")
    bad = sum(bool(row.wrong) for row in [*rows, *good])
    print(f"{len(rows)} faults in {took:.0f} s; {bad} not as it should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
