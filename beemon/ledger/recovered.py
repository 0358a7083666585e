"""Recovered rows: the readable content of a damaged ledger is copied into the current one.

Everything is marked. Runs that come from there end as ``recovered``; jobs, events, recordings and
calibrations name the ledger in their facts (``recovered_from``); readings belong to such a job.
Jobs keep their numbers where these are free. All other rows are numbered below those in use, in
their order, so that what is the latest stays the latest.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beemon.base import outcomes
from beemon.ledger import events, hours, quarantine, rows, schema, slots
from beemon.ledger.aside import Aside, Row
from beemon.ledger.ledger import Ledger

KIND = "recovered"
"""The events that say what was taken; one for each ledger."""
ORIGIN = "archive"
_OTHERS = {"finding": "revises", "label": "finding"}
"""By the kind of an event, its fact that is the number of another event."""
_MOST_EVENTS = 10_000


@dataclass
class Taken:
    """The numbers of rows taken from each table of the ledger ``name``, and of unreadable places.

    ``trouble`` is set if nothing could be read at all.
    """

    name: str
    rows: Counter[str] = field(default_factory=Counter)
    gaps: dict[str, int] = field(default_factory=dict)
    trouble: str | None = None

    def __str__(self) -> str:
        if self.trouble:
            return f"nothing of {self.name} can be read: {self.trouble}"
        counts = ", ".join(f"{count} {table}" for table, count in sorted(self.rows.items()))
        lost = ", ".join(sorted(self.gaps))
        return f"from {self.name}, beemon recovered: {counts or 'no rows'}" + (
            f"; some {lost} cannot be read" if lost else ""
        )


def take_all(ledger: Ledger) -> list[Taken]:
    """Take the readable rows of each damaged ledger, once. Raises ``sqlite3.Error``."""
    done = {event.facts.get("aside") for event in events.recent(ledger, _MOST_EVENTS, KIND)}
    paths = reversed(quarantine.all_aside(ledger.archive))  # numbers go down, and so back in time
    return [_take(ledger, path) for path in paths if path.name not in done]


def _take(ledger: Ledger, path: Path) -> Taken:
    taken = Taken(path.name)
    with ledger.transaction():
        try:
            aside = Aside(path)
        except (sqlite3.DatabaseError, OSError) as error:
            taken.trouble = str(error)
        else:
            with closing(aside):
                _Transfer(ledger, aside, taken).do()
                taken.gaps = aside.gaps
        events.enter(
            ledger, KIND, str(taken), aside=taken.name, taken=dict(taken.rows), gaps=taken.gaps
        )
    return taken


class _Transfer:
    """Takes one ledger's rows, table by table; each table knows the numbers of those before it."""

    def __init__(self, ledger: Ledger, aside: Aside, taken: Taken) -> None:
        self._ledger, self._db = ledger, ledger.db
        self._aside, self._taken = aside, taken
        self._runs: dict[int, int] = {}
        self._jobs: dict[int, int] = {}
        self._schedules: dict[int, int] = {}
        self._series: dict[int, int] = {}
        self._calibrations: dict[int, int] = {}
        self._until_us = 0
        self._rest: int | None = None

    def do(self) -> None:
        self._take_runs()
        self._take_jobs()
        self._take_schedules()
        self._take_skips()
        self._take_events()
        self._take_recordings()
        self._take_calibrations()
        self._take_series()
        self._take_readings()
        self._take_hours()
        if self._rest is not None:
            self._ledger.end(self._rest, outcomes.done(recovered_from=self._taken.name))

    def _take_runs(self) -> None:
        found = self._below("runs")
        self._until_us = max((row["accounted_us"] or 0 for row, _ in found), default=0)
        for row, number in found:
            self._runs[row["run"]] = number
            why = f"recovered from {self._taken.name}"
            self._insert("runs", {
                **row, "run": number, "began": None, "ended": KIND, "ended_why": why,
            })

    def _take_jobs(self) -> None:
        found = self._unique("jobs")
        used = {job for (job,) in self._db.execute("SELECT job FROM main.jobs")}
        below = min([0, *used]) - 1
        for row in reversed(found):
            number = row["job"]
            if number in used:
                number, below = below, below - 1
            self._jobs[row["job"]] = number
            self._until_us = max(self._until_us, row["slot_us"] or 0)
            if row["outcome"] is None:
                row |= {"outcome": "interrupted", "reason": "crash",
                        "message": "its outcome was lost with the database"}
            self._insert("jobs", {
                **self._marked(row), "job": number, "run": self._run(row["run"]), "leftover": None,
            })

    def _take_schedules(self) -> None:
        first = self._db.execute("SELECT min(from_us) FROM sound_schedules").fetchone()[0]
        found = self._unique("schedules")
        for row in found:
            until_us = row["until_us"] or max(self._until_us, row["from_us"])
            values = {**row, "schedule": None, "until_us": until_us}
            self._schedules[row["schedule"]] = self._insert("schedules", values)
        if found and first and self._until_us and self._until_us < first:
            slots.enter_unaccounted(self._ledger, slots.Unaccounted(
                self._until_us, first, "the database of that time was damaged"
            ))

    def _take_skips(self) -> None:
        for row, number in self._below("skips"):
            if row["schedule"] in self._schedules:
                self._insert("skips", {
                    **row, "skip": number, "run": self._run(row["run"]),
                    "schedule": self._schedules[row["schedule"]],
                })

    def _take_events(self) -> None:
        found = self._below("events")
        numbers = {row["event"]: number for row, number in found}
        for row, number in found:
            marked = self._marked(row, {_OTHERS.get(row["kind"], ""): numbers})
            self._insert("events", {**marked, "event": number, "run": self._run(row["run"])})

    def _take_recordings(self) -> None:
        """Those without a file, or not yet entered from their files."""
        known = {path for (path,) in self._db.execute("SELECT path FROM main.recordings")}
        for row, number in self._below("recordings"):
            if row["path"] not in known:
                values = {**row, "recording": number, "job": self._job(row["job"])}
                self._insert("recordings", self._marked(values))

    def _take_calibrations(self) -> None:
        known = {
            (sensor, quantity, made_us): number for number, sensor, quantity, made_us in
            self._db.execute("SELECT calibration, sensor, quantity, made_us FROM main.calibrations")
        }
        for row, number in self._below("calibrations"):
            key = row["sensor"], row["quantity"], row["made_us"]
            self._calibrations[row["calibration"]] = known.get(key, number)
            if key not in known:
                facts = rows.parse(row["facts"])
                if facts.get("job") is not None:
                    facts["job"] = self._jobs.get(facts["job"], -abs(facts["job"]))
                values = {**row, "calibration": number, "facts": json.dumps(facts)}
                self._insert("calibrations", self._marked(values))

    def _take_series(self) -> None:
        for row in self._unique("series"):
            key = row["sensor"], row["quantity"], row["unit"]
            self._db.execute(
                "INSERT OR IGNORE INTO series (sensor, quantity, unit) VALUES (?, ?, ?)", key
            )
            (self._series[row["series"]],) = self._db.execute(
                "SELECT series FROM main.series WHERE sensor = ? AND quantity = ? AND unit = ?", key
            ).fetchone()

    def _take_readings(self) -> None:
        for row in self._aside.rows("readings"):
            if row["series"] not in self._series:
                continue
            calibration = self._calibrations.get(row["calibration"]) if row["calibration"] else None
            self._insert("readings", {
                **row, "series": self._series[row["series"]], "job": self._job(row["job"]),
                "calibration": calibration,
            })
            hours.note_changes(self._db, [row["utc_us"]])

    def _take_hours(self) -> None:
        for row in self._aside.rows("hours"):
            if row["series"] in self._series:
                self._insert("hours", {**row, "series": self._series[row["series"]]})

    # Numbers

    def _run(self, run: int) -> int:
        """The number here of a run; this one's where its row is lost."""
        return self._runs.get(run, self._ledger.run)

    def _job(self, job: int) -> int:
        """The number here of a job; where its row is lost, one for all of those."""
        if job in self._jobs:
            return self._jobs[job]
        if self._rest is None:
            self._rest = self._ledger.accept(f"recover {self._taken.name}", ORIGIN)
        return self._rest

    def _unique(self, table: str) -> list[Row]:
        """The rows that can be read, in their order."""
        key = schema.keys(table)[0]
        found = {row[key]: row for row in self._aside.rows(table)}
        return [found[number] for number in sorted(found)]

    def _below(self, table: str) -> list[tuple[Row, int]]:
        """The rows that can be read, each with a number below all that are in use."""
        found = self._unique(table)
        key = schema.keys(table)[0]
        (least,) = self._db.execute(
            f"SELECT min({key}) FROM main.{table}"  # noqa: S608  (one of the tables)
        ).fetchone()
        first = min(1, least if least is not None else 1) - len(found)
        return list(zip(found, range(first, first + len(found)), strict=True))

    def _marked(self, row: Row, others: Mapping[str, Mapping[int, int]] | None = None) -> Row:
        """The row with its mark. ``others`` are, by the name of a fact that is the number of
        another row, the numbers here; a fact whose row is lost is left out."""
        facts = {**rows.parse(row["facts"]), "recovered_from": self._taken.name}
        for name, numbers in (others or {}).items():
            other = facts.pop(name, None)
            if type(other) is int and other in numbers:
                facts[name] = numbers[other]
        return {**row, "facts": json.dumps(facts)}

    def _insert(self, table: str, values: dict[str, Any]) -> int:
        """Enter a row, unless there is one of its key; return its number."""
        known = _known(table, values)
        marks = ", ".join("?" for _ in known)
        cursor = self._db.execute(
            f"INSERT OR IGNORE INTO main.{table} ({', '.join(known)})"  # noqa: S608
            f" VALUES ({marks})",
            [values[name] for name in known],
        )
        self._taken.rows[table] += cursor.rowcount
        return int(cursor.lastrowid or 0)


def _known(table: str, values: Row) -> list[str]:
    """The columns that hold something, and that today's table has too."""
    columns = schema.today()[table]
    return [name for name in values if name in columns and values[name] is not None]
