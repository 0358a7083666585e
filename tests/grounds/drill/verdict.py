"""What a drill shows: a row for each case, one for each good device, and what is wrong of them."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.grounds.drill.case import Case
from tests.grounds.drill.service import INTERVAL_SECONDS, Answered, Course

LONGEST_SECONDS = 60.0
"""How long a device may take to work again, once its fault has gone."""
LATE_SECONDS = 5.0
"""How much later than its deadline a fault may be noticed."""
RECORDING_SECONDS = 14.0
"""The deadline of a recording of three seconds; a reading's is a second, or three of a mean."""
SENSOR_SECONDS = 3.0
GAP_SECONDS = 1.6 * INTERVAL_SECONDS
"""Further apart may no two slots begin."""

Readings = list[dict[str, Any]]


@dataclass
class Row:
    """A line of a table, and what about it is not as it should be."""

    cells: list[str]
    wrong: list[str]


class Ledger:
    """What the drilled service wrote down."""

    def __init__(self, archive: Path) -> None:
        self._path = archive / "ledger.db"

    def rows(self, query: str, *values: object) -> Readings:
        with closing(sqlite3.connect(self._path)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, values)]

    def readings(self, job: int) -> Readings:
        """Those of a job, with their sensors' and quantities' names."""
        return self.rows(
            "SELECT sensor, quantity, value, reason FROM readings JOIN series USING (series) "
            "WHERE job = ?", job,
        )

    def scheduled(self, device: str) -> Readings:
        """A device's scheduled jobs, in order."""
        return [
            job for job in self.rows(
                "SELECT job, command, accepted_monotonic AS at, outcome, reason, message "
                "FROM jobs WHERE origin = 'schedule' ORDER BY job")
            if device in job["command"].split()
        ]

    def verdict(self, job: int) -> str | None:
        """Of the job's recording."""
        found = self.rows("SELECT verdict FROM recordings WHERE job = ?", job)
        return found[0]["verdict"] if found else None


def judge(course: Course, ledger: Ledger, beside: str) -> Row:
    """A case's row."""
    case, device = course.case, course.rig.device
    shown = course.failed
    reason = reason_of(shown, device, ledger) if shown else None
    noticed = shown.answered - course.began if shown else None
    again = course.well - course.ended if course.well and course.ended else None
    wrong = [course.trouble] if course.trouble else []
    reasons = (case.reason, case.also or case.reason)
    if not course.trouble and (reason not in reasons or course.tier != case.tier):
        wrong.append(f"expected {case.reason} and {case.tier}")
    if noticed is not None and noticed > bound(course):
        wrong.append("noticed too late")
    if again is not None and again > LONGEST_SECONDS:
        wrong.append("well again too late")
    wrong += made_up(course, ledger)
    cells = [course.rig.driver, case.fault, case.what, reason or "-", course.tier or "-",
             span(noticed), "never" if case.lasts else span(again), beside]
    return Row(cells, list(dict.fromkeys(wrong)))


def reason_of(answer: Answered, device: str, ledger: Ledger) -> str | None:
    """The reason of the job, or that of the first of its readings without a value."""
    if answer.job.get("reason") != "partly":
        return answer.job.get("reason")
    readings = ledger.readings(answer.job["job"])
    return next((r["reason"] for r in readings if r["reason"] and r["sensor"] == device), None)


def bound(course: Course) -> float:
    """Within how many seconds a fault is to be noticed."""
    lag = 0.0 if course.case.lag == float("inf") else course.case.lag
    recorder = course.rig.device.startswith(("camera.", "microphone."))
    return lag + LATE_SECONDS + (RECORDING_SECONDS if recorder else SENSOR_SECONDS)


def made_up(course: Course, ledger: Ledger) -> list[str]:
    """What was taken for true under the fault, after its lag."""
    case, device, found = course.case, course.rig.device, []
    for answer in course.under:
        if answer.asked < course.began + case.lag:
            continue
        values = [r for r in ledger.readings(answer.job["job"]) if r["value"] is not None]
        if case.reason is None:
            found += [f"{r['quantity']} was {r['value']:g}" for r in values
                      if r["quantity"] in case.zero and r["value"]]
        elif device.startswith("sensor."):
            found += [f"{r['quantity']} had a value" for r in values if is_lie(case, r)]
        elif answer.done:
            found.append("counted as done")
        elif ledger.verdict(answer.job["job"]) == "good":
            found.append("its recording counted as good")
    return found


def is_lie(case: Case, reading: dict[str, Any]) -> bool:
    """Whether the quantity is one that lies."""
    return not case.lies or reading["quantity"] in case.lies


def beside(ledger: Ledger, devices: list[str], began: float, ended: float) -> tuple[int, int]:
    """Of the good devices' slots in that span, how many are as they should be, and how many."""
    jobs = [(d, j) for d in devices for j in ledger.scheduled(d) if began <= j["at"] <= ended]
    return sum(not lacking(ledger, d, j) for d, j in jobs), len(jobs)


def lacking(ledger: Ledger, device: str, job: dict[str, Any]) -> str | None:
    """What a good device's job lacks: its outcome, or for a sensor a value."""
    if not device.startswith("sensor."):
        return None if job["outcome"] == "done" else f"{job['outcome']}: {job['reason']}"
    readings = [r for r in ledger.readings(job["job"]) if r["sensor"] == device]
    reasons = [r["reason"] for r in readings if r["reason"]]
    return (reasons or ([] if readings else ["no reading"]) or [None])[0]


def judge_good(device: str, ledger: Ledger, began: float, ended: float) -> Row:
    """A good device's row: every tick has its slot, and every slot what it is for."""
    jobs = [job for job in ledger.scheduled(device) if began <= job["at"] <= ended]
    lost = [why for job in jobs if (why := lacking(ledger, device, job))]
    times = [began, *(job["at"] for job in jobs), ended]
    widest = max(b - a for a, b in itertools.pairwise(times))
    wrong = [f"lost: {', '.join(lost)}"] if lost else []
    if widest > GAP_SECONDS:
        wrong.append("a slot is missing")
    return Row([device, str(len(jobs)), str(len(lost)), span(widest)], wrong)


def judge_output(device: str, answers: list[Answered]) -> Row:
    """An output's row: whatever was asked of it was done, and soon."""
    lost = [str(answer.job.get("reason")) for answer in answers if not answer.done]
    longest = max((a.answered - a.asked for a in answers), default=0.0)
    wrong = [f"lost: {', '.join(lost)}"] if lost or not answers else []
    return Row([device, str(len(answers)), str(len(lost)), span(longest)], wrong)


def span(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"


def table(heading: tuple[str, ...], rows: list[Row]) -> str:
    """The rows below their heading, with what is wrong after each."""
    cells = [list(heading), *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in [Row(list(heading), []), *rows]:
        padded = (cell.ljust(width) for cell, width in zip(row.cells, widths, strict=True))
        wrong = f"  WRONG: {'; '.join(row.wrong)}" if row.wrong else ""
        lines.append(f"{'  '.join(padded)}{wrong}".rstrip())
    return "\n".join(lines)


FAULTS = ("hangs", "dies", "lies", "freezes")


def summary(rows: list[Row]) -> str:
    """A line for each driver, in Markdown: what answered each fault, and when it was well again."""
    found: dict[str, dict[str, str]] = {}
    for driver, fault, _, reason, tier, _, again, _ in (row.cells for row in rows):
        said = f"`{reason}`, {tier}, {again}" if reason != "-" else "not told, nothing counted"
        found.setdefault(driver, {}).setdefault(fault, said)
    lines = [f"| driver | {' | '.join(FAULTS)} |", "| --- " * (len(FAULTS) + 1) + "|"]
    lines += [
        f"| {driver} | {' | '.join(told.get(fault, '') for fault in FAULTS)} |"
        for driver, told in found.items() if driver != "simulated"
    ]
    return "\n".join(lines)
