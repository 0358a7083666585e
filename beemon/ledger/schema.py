"""Schema: the tables of the ledger, and the migration of older ledgers.

Columns that end in ``_us`` hold microseconds since 1970, UTC. Monotonic times are seconds
(``_monotonic``) or milliseconds (``_ms``) since boot, and are valid within the boot named in the
run's row. A ``clock`` column holds a ``clock.Quality``, the reliability of the UTC time
beside it at the time of writing.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from typing import NamedTuple

VERSION = 6
_HEADER_BYTES = 100  # of the first page (sqlite.org/fileformat.html, 1.3)

TABLES = """
-- Which archive this is: one row. `first_job`: jobs are numbered from here on, since numbers below
-- it may have been given at the same place in another archive.
CREATE TABLE archive (
    uuid TEXT NOT NULL, made_us INTEGER NOT NULL, first_job INTEGER NOT NULL
);
-- One row for each time the service ran. `sure_us`: when the clock became right in a run that
-- began unsure. `accounted_us`: every slot up to here is in `jobs` or in `skips`. `began`: why the
-- service was started, a word of :mod:`beemon.ledger.starts`. `ended`: how the run ended and
-- `ended_why` a sentence on that; NULL where it could not say so any more.
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    started_us INTEGER NOT NULL, started_monotonic REAL NOT NULL,
    boot_id TEXT NOT NULL, clock TEXT NOT NULL, version TEXT NOT NULL,
    sure_us INTEGER, accounted_us INTEGER, accounted_clock TEXT,
    began TEXT, ended_us INTEGER, ended TEXT, ended_why TEXT
);
-- Every command, and its one outcome. `slot_us`: the scheduled moment that it stands for.
-- A slot is known by a believable clock only: what the schedule asked for by another has none.
-- `leftover`: the file of a recording that nobody finished, until it is salvaged or removed.
CREATE TABLE jobs (
    job INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs,
    command TEXT NOT NULL, origin TEXT NOT NULL, slot_us INTEGER,
    accepted_us INTEGER NOT NULL, accepted_monotonic REAL NOT NULL, clock TEXT NOT NULL,
    device TEXT, started_us INTEGER, started_monotonic REAL,
    temporary TEXT, final TEXT, leftover TEXT,
    ended_us INTEGER, ended_monotonic REAL,
    outcome TEXT CHECK (outcome IN ('done','failed','skipped','interrupted')),
    reason TEXT, message TEXT, facts TEXT
);
CREATE INDEX open_jobs ON jobs (job) WHERE outcome IS NULL;
CREATE INDEX slot_jobs ON jobs (slot_us) WHERE slot_us IS NOT NULL;
CREATE INDEX leftover_jobs ON jobs (job) WHERE leftover IS NOT NULL;
CREATE INDEX unsure_jobs ON jobs (job) WHERE clock = 'unsure';
-- The jobs that `slot_jobs` does not find by when they were accepted: those without a slot, and
-- late ones. So a slot costs no entry here.
CREATE INDEX other_jobs ON jobs (accepted_us)
    WHERE slot_us IS NULL OR accepted_us NOT BETWEEN slot_us AND slot_us + 600000000;
-- Slots that never became jobs: a row for each series of them with one reason. Like all that
-- tells of slots they are entered by a believable clock only, and so never dated anew.
CREATE TABLE skips (
    skip INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs,
    device TEXT NOT NULL, schedule INTEGER NOT NULL REFERENCES schedules, reason TEXT NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, slots INTEGER NOT NULL
);
CREATE INDEX device_skips ON skips (device, skip);
CREATE INDEX timed_skips ON skips (last_us);
CREATE INDEX long_skips ON skips (last_us)
    WHERE first_us / 86400000000 <> last_us / 86400000000;
-- What the slots of a device followed, after which moment and up to which (NULL: still). Every
-- slot in a row's span is in `jobs` or in `skips`, once; where the clock was set back, spans of a
-- device overlap, and what they share was due twice.
CREATE TABLE schedules (
    schedule INTEGER PRIMARY KEY,
    device TEXT NOT NULL, from_us INTEGER NOT NULL, until_us INTEGER, definition TEXT NOT NULL
);
CREATE INDEX open_schedules ON schedules (device) WHERE until_us IS NULL;
-- Recordings that were kept. `verdict`: `good`, or `failed` for one that is kept as evidence.
-- A recording is deleted in two steps: `deleting_us` before its file goes, `deleted_us` after.
CREATE TABLE recordings (
    recording INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs, device TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    start_us INTEGER, start_monotonic REAL, seconds REAL, clock TEXT NOT NULL,
    verdict TEXT NOT NULL DEFAULT 'good', findings TEXT, facts TEXT NOT NULL,
    uploaded_us INTEGER, deleting_us INTEGER, deleted_us INTEGER
);
CREATE INDEX kept_recordings ON recordings (device, recording) WHERE deleting_us IS NULL;
CREATE INDEX uploaded_recordings ON recordings (recording)
    WHERE uploaded_us IS NOT NULL AND deleting_us IS NULL;
CREATE INDEX failed_recordings ON recordings (recording)
    WHERE verdict = 'failed' AND deleting_us IS NULL;
CREATE INDEX deleting_recordings ON recordings (recording)
    WHERE deleting_us IS NOT NULL AND deleted_us IS NULL;
CREATE INDEX timed_recordings ON recordings (start_us);
CREATE INDEX unsure_recordings ON recordings (job) WHERE clock = 'unsure';
-- What is measured: one quantity of one sensor (or of a recorder's recordings) in one unit.
CREATE TABLE series (
    series INTEGER PRIMARY KEY,
    sensor TEXT NOT NULL, quantity TEXT NOT NULL, unit TEXT NOT NULL,
    UNIQUE (sensor, quantity, unit)
);
-- A value or a reason. `quality` and `calibration` are NULL for a good value without calibration.
-- `uncertainty`: the value's standard uncertainty, where it is known.
CREATE TABLE readings (
    utc_us INTEGER NOT NULL, series INTEGER NOT NULL,
    value REAL, reason TEXT, quality TEXT, raw REAL, calibration INTEGER,
    monotonic_ms INTEGER NOT NULL, clock TEXT NOT NULL, job INTEGER NOT NULL, uncertainty REAL,
    PRIMARY KEY (utc_us, series),
    CHECK ((value IS NULL) <> (reason IS NULL))
) WITHOUT ROWID;
CREATE INDEX unsure_readings ON readings (job) WHERE clock = 'unsure';
CREATE TABLE latest (
    series INTEGER PRIMARY KEY, utc_us INTEGER NOT NULL,
    value REAL, reason TEXT, quality TEXT, clock TEXT NOT NULL, raw REAL,
    calibration INTEGER, uncertainty REAL
);
-- Whole hours of a series, reckoned once they are over. `hour`: hours since 1970, UTC. `thinned`:
-- 1 once their readings were deleted, so that they cannot be reckoned again.
CREATE TABLE hours (
    series INTEGER NOT NULL, hour INTEGER NOT NULL,
    count INTEGER NOT NULL, missing INTEGER NOT NULL, mean REAL, minimum REAL, maximum REAL,
    thinned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (series, hour)
) WITHOUT ROWID;
-- The hours whose readings changed since they were reckoned, this one among them.
CREATE TABLE unreckoned (hour INTEGER PRIMARY KEY);
-- How raw values become values: readings name the calibration that made them. One whose facts
-- hold a `job` was measured, and the latest of its sensor is in force; `of` is the quantity that
-- the sensor measures. Rows are never changed.
CREATE TABLE calibrations (
    calibration INTEGER PRIMARY KEY,
    sensor TEXT NOT NULL, quantity TEXT NOT NULL, made_us INTEGER NOT NULL, clock TEXT NOT NULL,
    facts TEXT NOT NULL
);
-- What happened to the hive or to beemon itself: an inspection, a clock that was set, a deletion.
CREATE TABLE events (
    event INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs,
    utc_us INTEGER NOT NULL, monotonic REAL NOT NULL, clock TEXT NOT NULL,
    kind TEXT NOT NULL, device TEXT, message TEXT NOT NULL, facts TEXT
);
CREATE INDEX kind_events ON events (kind, event);
CREATE INDEX timed_events ON events (utc_us);
CREATE INDEX timed_kinds ON events (kind, utc_us);
CREATE INDEX unsure_events ON events (event) WHERE clock = 'unsure';
"""

CHANGES = """
-- Each change to a job that has ended, or to an event, in the order of the transactions. The
-- numbers have no gaps; the oldest rows may be deleted (:mod:`beemon.ledger.changes`).
CREATE TABLE changes (change INTEGER PRIMARY KEY, job INTEGER, event INTEGER);
"""
_HAS_ENDED = "WHEN (SELECT outcome FROM jobs WHERE job = NEW.job) IS NOT NULL"
# Triggers, because no writer can forget them, and because they are cheaper than one more statement.
# A recording or a reading that comes before its job's end is part of that one change.
CHANGES += "".join(
    f"CREATE TRIGGER {name} AFTER {when} BEGIN INSERT INTO changes (change, {unit})"  # noqa: S608
    f" VALUES ((SELECT ifnull(max(change), 0) + 1 FROM changes WHERE change < {2**53}),"
    f" NEW.{unit}); END;"
    for name, unit, when in (
        ("job_entered", "job", "INSERT ON jobs WHEN NEW.outcome IS NOT NULL"),
        ("job_changed", "job", "UPDATE ON jobs WHEN NEW.outcome IS NOT NULL"),
        ("recording_entered", "job", f"INSERT ON recordings {_HAS_ENDED}"),
        ("recording_changed", "job", f"UPDATE ON recordings {_HAS_ENDED}"),
        ("reading_entered", "job", f"INSERT ON readings {_HAS_ENDED}"),
        ("reading_changed", "job", f"UPDATE ON readings {_HAS_ENDED}"),
        ("event_entered", "event", "INSERT ON events"),
        ("event_changed", "event", "UPDATE ON events"),
    )
)
TABLES += CHANGES

DAYS = """
-- The counts of a past day, as JSON (:mod:`beemon.ledger.days`), by days since 1970, UTC.
CREATE TABLE days (day INTEGER PRIMARY KEY, counts TEXT NOT NULL);
-- The days whose jobs or skipped slots changed since they were counted, this one among them.
CREATE TABLE uncounted (day INTEGER PRIMARY KEY);
"""
_DAY_OF_JOB = "CAST(ifnull({row}.slot_us, {row}.accepted_us) / 86400000000 AS INTEGER)"
_IS_SCHEDULED = "({row}.slot_us IS NOT NULL OR {row}.origin = 'schedule')"
_DAY_OF_SKIP = "CAST({row}.last_us / 86400000000 AS INTEGER)"
# Of a day that is not counted yet, these write nothing.
DAYS += "".join(
    f"CREATE TRIGGER {name} AFTER {when} BEGIN DELETE FROM days WHERE day = {day};"  # noqa: S608
    f" INSERT OR IGNORE INTO uncounted VALUES ({day}); END;"
    for name, when, day in (
        (f"{name}_of_day", when.replace("{row}", row), day.replace("{row}", row))
        for table, day, condition in (
            ("job", _DAY_OF_JOB, f"WHEN {_IS_SCHEDULED}"), ("skip", _DAY_OF_SKIP, ""),
        )
        for name, row, when in (
            (f"{table}_entered", "NEW", f"INSERT ON {table}s {condition}"),
            (f"{table}_moved", "OLD", f"UPDATE ON {table}s {condition}"),
            (f"{table}_changed", "NEW", f"UPDATE ON {table}s {condition}"),
            (f"{table}_deleted", "OLD", f"DELETE ON {table}s {condition}"),
        )
    )
)
TABLES += DAYS

_RUNS_FROM_3 = """
ALTER TABLE runs ADD COLUMN began TEXT;
ALTER TABLE runs ADD COLUMN ended_us INTEGER;
ALTER TABLE runs ADD COLUMN ended TEXT;
ALTER TABLE runs ADD COLUMN ended_why TEXT;
"""
_FROM_1 = """
ALTER TABLE runs ADD COLUMN sure_us INTEGER;
ALTER TABLE runs ADD COLUMN accounted_us INTEGER;
ALTER TABLE runs ADD COLUMN accounted_clock TEXT;
ALTER TABLE jobs RENAME TO jobs_1;
ALTER TABLE recordings RENAME TO recordings_1;
ALTER TABLE readings RENAME TO readings_1;
DROP TABLE latest;
DROP INDEX open_jobs;
"""
_FILL_FROM_1 = """
INSERT INTO jobs (job, run, command, origin, accepted_us, accepted_monotonic, clock, device,
                  started_us, temporary, final, leftover, ended_us, outcome, reason, message, facts)
    SELECT job, run, command, origin, accepted_us, accepted_monotonic, clock, device,
           started_us, temporary, final, json_extract(facts, '$.leftover'), ended_us, outcome,
           reason, message, facts FROM jobs_1;
INSERT INTO recordings (recording, job, device, path, size, sha256, start_us, seconds, clock, facts)
    SELECT recording, job, device, path, size, sha256, start_us, seconds, clock, facts
    FROM recordings_1;
INSERT INTO series (sensor, quantity, unit) SELECT DISTINCT sensor, quantity, unit FROM readings_1;
INSERT INTO readings (utc_us, series, value, reason, quality, raw, monotonic_ms, clock, job)
    SELECT old.utc_us, series, value, old.reason, nullif(quality, 'good'), raw,
           round((old.utc_us - accepted_us) / 1e3 + accepted_monotonic * 1e3), jobs.clock, old.job
    FROM readings_1 AS old JOIN series USING (sensor, quantity, unit) JOIN jobs USING (job);
INSERT INTO latest (series, utc_us, value, reason, quality, clock, raw)
    SELECT series, max(utc_us), value, reason, quality, clock, raw FROM readings GROUP BY series;
INSERT INTO unreckoned (hour) SELECT DISTINCT utc_us / 3600000000 FROM readings;
DROP TABLE recordings_1;
DROP TABLE readings_1;
DROP TABLE jobs_1;
"""
_FROM_2 = """
ALTER TABLE readings ADD COLUMN uncertainty REAL;
ALTER TABLE latest ADD COLUMN calibration INTEGER;
ALTER TABLE latest ADD COLUMN uncertainty REAL;
"""


def _table(name: str) -> str:
    """The statement that makes one of the tables."""
    start = TABLES.index(f"CREATE TABLE {name} (")
    return TABLES[start : TABLES.index(";", start) + 1]


_FROM_3 = _RUNS_FROM_3 + _table("archive") + CHANGES + DAYS
_SCRIPTS = {
    0: TABLES,
    1: _FROM_1 + _RUNS_FROM_3 + TABLES.replace(_table("runs"), "") + _FILL_FROM_1,
    2: _FROM_2 + _FROM_3,
    3: _FROM_3,
    4: CHANGES + DAYS,
    5: DAYS,
}
_ALL_UNCOUNTED = """
INSERT OR IGNORE INTO uncounted
    SELECT DISTINCT CAST(slot_us / 86400000000 AS INTEGER) FROM jobs WHERE slot_us IS NOT NULL;
INSERT OR IGNORE INTO uncounted
    SELECT DISTINCT CAST(accepted_us / 86400000000 AS INTEGER) FROM jobs
    WHERE slot_us IS NULL AND origin = 'schedule';
INSERT OR IGNORE INTO uncounted
    SELECT DISTINCT CAST(last_us / 86400000000 AS INTEGER) FROM skips;
"""
"""For a ledger that has held no counts so far; by its indexes."""


_MARKS = {
    6: ("days", "day"), 5: ("changes", "change"), 4: ("archive", "uuid"),
    3: ("latest", "uncertainty"), 2: ("readings", "series"), 1: ("readings", "sensor"),
}
"""For each layout a table and column that no earlier one has."""


class LayoutError(sqlite3.DatabaseError):
    """The tables are those of no layout: some of them, or of their columns, are missing."""


class Column(NamedTuple):
    """A column as its table declares it."""

    name: str
    type: str
    is_needed: bool
    key: int


def version(db: sqlite3.Connection) -> int:
    """The layout of a ledger by its tables; 0 for a new file.

    The number in the file may be damaged. It is used only if it is higher than all known layouts,
    and the tables hold something unknown too. Raises :class:`LayoutError`.
    """
    (named,) = db.execute("PRAGMA main.user_version").fetchone()
    there = {table: set(names) for table, names in columns(db).items()}
    found = next((n for n, (table, name) in _MARKS.items() if name in there.get(table, ())), 0)
    ours = {table: set(names) for table, names in today().items()}
    is_strange = any(names - ours.get(table, set()) for table, names in there.items())
    if named > VERSION and is_strange:
        return int(named)
    is_whole = all(names <= there.get(table, set()) for table, names in ours.items())
    if (found == VERSION and not is_whole) or (found == 0 and there):
        raise LayoutError("tables or columns are missing")
    return found


def bring_up_to_date(db: sqlite3.Connection) -> bool:
    """Make the tables, or change older ones, in one transaction; whether anything was to do.

    Indexes belong to no layout: those that are missing are made. Raises :class:`LayoutError` where
    the tables are not what they should be.
    """
    found = version(db)
    (named,) = db.execute("PRAGMA user_version").fetchone()
    missing = today_indexes().keys() - indexes(db).keys()
    if found == VERSION == named and not missing:
        return False
    script = _SCRIPTS.get(found, "") + "".join(
        f"{sql.replace('INDEX', 'INDEX IF NOT EXISTS', 1)};" for sql in today_indexes().values()
    )
    if 0 < found < VERSION:
        script += _ALL_UNCOUNTED
    db.executescript(f"BEGIN IMMEDIATE;{script}PRAGMA user_version={VERSION};COMMIT;")
    return True


def columns(db: sqlite3.Connection) -> dict[str, dict[str, Column]]:
    """The tables that are there, each with its columns by name."""
    rows = db.execute(
        "SELECT t.name, c.name, c.type, c.\"notnull\", c.pk FROM main.sqlite_master AS t"
        " JOIN pragma_table_info(t.name, 'main') AS c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid"
    )
    found: dict[str, dict[str, Column]] = {}
    for table, name, kind, is_needed, key in rows:
        column = Column(str(name), str(kind), bool(is_needed or key), int(key))
        found.setdefault(str(table), {})[column.name] = column
    return found


def today() -> dict[str, dict[str, Column]]:
    """The tables of today's layout."""
    return _today()[0]


def indexes(db: sqlite3.Connection) -> dict[str, str]:
    """The statements that made the indexes that are there, by their names."""
    return dict(db.execute(
        "SELECT name, sql FROM main.sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall())


def today_indexes() -> dict[str, str]:
    """The statements that make today's indexes, by their names."""
    return _today()[1]


@cache
def _today() -> tuple[dict[str, dict[str, Column]], dict[str, str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES)
        return columns(db), indexes(db)


@cache
def pages_of_names(page_bytes: int) -> dict[int, bytes]:
    """The pages of a new ledger that name its tables, by their offset in the file.

    The header of the file is not included.
    """
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"PRAGMA page_size={page_bytes}")
        db.executescript(TABLES)
        content = db.serialize()
        others = {page for (page,) in db.execute("SELECT rootpage FROM sqlite_master")}
    pages = {page * page_bytes: page + 1 not in others
             for page in range(len(content) // page_bytes)}
    return {
        max(start, _HEADER_BYTES): content[max(start, _HEADER_BYTES) : start + page_bytes]
        for start, names in pages.items() if names
    }


def keys(table: str) -> list[str]:
    """The columns that are a row's key; none where the table has no key of its own."""
    named = [column for column in today()[table].values() if column.key]
    return [column.name for column in sorted(named, key=lambda column: column.key)]


def texts(table: str) -> list[str]:
    """The columns that hold text."""
    return [column.name for column in today()[table].values() if column.type == "TEXT"]
