"""A year of one reading a minute from ten sensors, asked for what people ask for.

The references hold the same numbers: a bare SQLite table and one of hours beside it, rrdtool with
an archive of minutes and one of hours, and DuckDB, each asked through its own Python binding or,
for rrdtool, as a program.
"""

from __future__ import annotations

import importlib
import shutil
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from table import Row

from beemon.base.moments import US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND
from beemon.ledger import history, hours
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger

SENSORS = 10
CHOSEN = 3  # the series that is asked for
BEGAN_US = 1_750_000_000_000_000 // US_PER_HOUR * US_PER_HOUR
LATEST_MS = 1.0

Question = Callable[[], object]


def measure(folder: Path, rounds: int, days: int) -> Iterator[Row]:
    """Fill all of them, then ask in turns."""
    minutes = days * 1440
    print(f"filling {minutes * SENSORS / 1e6:.2f} million readings", flush=True)
    now_us = BEGAN_US + minutes * US_PER_MINUTE
    ours, plain = Ours(folder / "year", minutes), Plain(folder, minutes)
    asked: dict[str, dict[str, Question]] = {
        "latest of all": {
            "beemon": ours.latest, "raw SQLite": plain.latest,
        },
        "last 24 h of one": {
            "beemon": lambda: ours.day(now_us), "raw SQLite": lambda: plain.day(now_us),
        },
        "a year of one by the hour": {
            "beemon": ours.year, "a table of hours": plain.hours, "raw SQLite": plain.year,
            **_rrdtool(folder, minutes), **_duckdb(folder, plain, now_us),
        },
        "  as a client's reply": {"beemon": lambda: ours.reply(now_us)},
    }
    size = (folder / "year/ledger.db").stat().st_size / 1e6
    yield Row(f"{days} days of {SENSORS} sensors on disk", size, "MB", "bare SQLite",
              (folder / "plain.db").stat().st_size / 1e6)
    for name, subjects in asked.items():
        yield from _rows(name, subjects, rounds)


def _rows(name: str, subjects: dict[str, Question], rounds: int) -> Iterator[Row]:
    times: dict[str, list[float]] = {subject: [] for subject in subjects}
    for _ in range(rounds + 1):
        for subject, question in subjects.items():
            began = time.perf_counter()
            question()
            times[subject].append((time.perf_counter() - began) * 1e3)
    median = {subject: statistics.median(taken[1:]) for subject, taken in times.items()}
    ours = median.pop("beemon")
    target = LATEST_MS if name == "latest of all" else None
    yield Row(name, ours, "ms", target=target)
    for subject, reference in median.items():
        yield Row("", ours, "ms", subject, reference, ours / reference)


class Ours:
    """The ledger; its hours were reckoned as housekeeping does it."""

    def __init__(self, folder: Path, minutes: int) -> None:
        folder.mkdir()
        self._ledger = Ledger(folder)
        self._ledger.prepare()
        db = self._ledger.db
        db.execute("BEGIN")
        db.executemany("INSERT INTO series VALUES (?, ?, 'temperature', '°C')",
                       [(number, f"sensor.s{number}") for number in range(1, SENSORS + 1)])
        db.executemany(
            "INSERT INTO readings (utc_us, series, value, raw, monotonic_ms, clock, job)"
            " VALUES (?, ?, ?, ?, ?, 'synchronised', ?)",
            ((at, number, value, value * 1000, minute * 60_000, minute + 1)
             for minute, at, number, value in _readings(minutes)),
        )
        db.execute("INSERT INTO latest (series, utc_us, value, reason, quality, clock, raw)"
                   " SELECT series, max(utc_us), value, reason, quality, clock, raw"
                   " FROM readings WHERE utc_us >= ? GROUP BY series",
                   (BEGAN_US + (minutes - 1) * US_PER_MINUTE,))
        hours.note_changes(db, range(BEGAN_US, BEGAN_US + minutes * US_PER_MINUTE, US_PER_HOUR))
        db.execute("COMMIT")
        more = True
        while more:
            with self._ledger.transaction() as ledger:
                more = hours.reckon(ledger, BEGAN_US + minutes * US_PER_MINUTE)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def latest(self) -> object:
        """The word `readings`."""
        return series.latest(self._ledger.db)

    def day(self, now_us: int) -> object:
        """1,440 readings."""
        return series.since(self._ledger.db, CHOSEN, now_us - 24 * US_PER_HOUR, 3000)

    def year(self) -> object:
        """8,760 hours."""
        return hours.since(self._ledger.db, CHOSEN, BEGAN_US, history.MOST_HOURS)

    def reply(self, now_us: int) -> object:
        """The word `history`, but for the JSON."""
        sensor = f"sensor.s{CHOSEN}"
        return history.history(self._ledger.db, sensor, "temperature", BEGAN_US, now_us)


class Plain:
    """A table whose key is sensor and time, which is the best order to ask it in."""

    def __init__(self, folder: Path, minutes: int) -> None:
        self._db = sqlite3.connect(folder / "plain.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("CREATE TABLE readings (sensor INTEGER, utc_us INTEGER, value REAL,"
                         " PRIMARY KEY (sensor, utc_us)) WITHOUT ROWID")
        self._db.execute("CREATE TABLE hours (sensor INTEGER, hour INTEGER, mean REAL,"
                         " minimum REAL, maximum REAL, PRIMARY KEY (sensor, hour)) WITHOUT ROWID")
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO readings VALUES (?, ?, ?)", self.rows(minutes))
        self._db.execute("INSERT INTO hours SELECT sensor, utc_us / 3600000000, avg(value),"
                         " min(value), max(value) FROM readings GROUP BY 1, 2")
        self._db.execute("COMMIT")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.minutes = minutes

    def rows(self, minutes: int) -> Iterator[tuple[int, int, float]]:
        """Sensor, time and value, as they come."""
        return ((number, at, value) for _, at, number, value in _readings(minutes))

    def latest(self) -> object:
        """Written as one would who knows that it is slow to group by."""
        return [
            self._db.execute("SELECT utc_us, value FROM readings WHERE sensor = ?"
                             " ORDER BY utc_us DESC LIMIT 1", (number,)).fetchone()
            for number in range(1, SENSORS + 1)
        ]

    def day(self, now_us: int) -> object:
        """1,440 readings."""
        return self._db.execute(
            "SELECT utc_us, value FROM readings WHERE sensor = ? AND utc_us >= ?",
            (CHOSEN, now_us - 24 * US_PER_HOUR),
        ).fetchall()

    def hours(self) -> object:
        """8,760 hours, reckoned before."""
        return self._db.execute("SELECT hour, mean, minimum, maximum FROM hours WHERE sensor = ?",
                                (CHOSEN,)).fetchall()

    def year(self) -> object:
        """8,760 hours, reckoned now."""
        return self._db.execute(
            "SELECT utc_us / 3600000000, avg(value), min(value), max(value) FROM readings"
            " WHERE sensor = ? GROUP BY 1", (CHOSEN,),
        ).fetchall()


def _rrdtool(folder: Path, minutes: int) -> dict[str, Question]:
    """The chosen series alone, with archives of hours for mean, minimum and maximum."""
    program = shutil.which("rrdtool")
    if program is None:
        return {}
    path, began = folder / "year.rrd", BEGAN_US // US_PER_SECOND
    length = minutes // 60 + 1
    archives = [f"RRA:{kind}:0.5:60:{length}" for kind in ("AVERAGE", "MIN", "MAX")]
    subprocess.run([program, "create", path, "--step", "60", "--start", str(began - 60),
                    "DS:value:GAUGE:120:U:U", *archives], check=True)
    updates = [f"{at // US_PER_SECOND}:{value}" for _, at, number, value in _readings(minutes)
               if number == CHOSEN]
    for first in range(0, len(updates), 2000):
        subprocess.run([program, "update", path, *updates[first : first + 2000]], check=True)

    def fetch() -> object:
        return [
            subprocess.run([program, "fetch", path, kind, "--resolution", "3600", "--start",
                            str(began), "--end", str(began + minutes * 60)],
                           check=True, capture_output=True).stdout
            for kind in ("AVERAGE", "MIN", "MAX")
        ]

    return {"rrdtool": fetch}


def _duckdb(folder: Path, plain: Plain, now_us: int) -> dict[str, Question]:
    """A table as DuckDB keeps it; it reads the plain SQLite file's rows."""
    try:
        duckdb: Any = importlib.import_module("duckdb")
    except ImportError:
        return {}
    db = duckdb.connect(str(folder / "year.duckdb"))
    rows = folder / "year.csv"
    with rows.open("w") as file:
        file.writelines(f"{n},{at},{value}\n" for n, at, value in plain.rows(plain.minutes))
    columns = "{'sensor': 'INTEGER', 'utc_us': 'BIGINT', 'value': 'DOUBLE'}"
    db.execute("CREATE TABLE readings AS SELECT * FROM"
               f" read_csv('{rows}', header = false, columns = {columns})")
    rows.unlink()

    def year() -> object:
        return db.execute(
            "SELECT utc_us // 3600000000, avg(value), min(value), max(value) FROM readings"
            f" WHERE sensor = {CHOSEN} AND utc_us < {now_us} GROUP BY 1 ORDER BY 1"
        ).fetchall()

    return {"DuckDB": year}


def _readings(minutes: int) -> Iterator[tuple[int, int, int, float]]:
    """Minute, time, series and value."""
    for minute in range(minutes):
        at = BEGAN_US + minute * US_PER_MINUTE
        for number in range(1, SENSORS + 1):
            yield minute, at, number, 20 + (minute * 7919 + number * 104_729) % 1000 / 100
