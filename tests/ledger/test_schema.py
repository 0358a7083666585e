"""The ledger's tables: new ones, and those of a ledger that an older beemon wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from beemon.ledger import schema

LAYOUT_1 = """
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    started_us INTEGER NOT NULL, started_monotonic REAL NOT NULL,
    boot_id TEXT NOT NULL, clock TEXT NOT NULL, version TEXT NOT NULL
);
CREATE TABLE jobs (
    job INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs,
    command TEXT NOT NULL, origin TEXT NOT NULL,
    accepted_us INTEGER NOT NULL, accepted_monotonic REAL NOT NULL, clock TEXT NOT NULL,
    device TEXT, started_us INTEGER, temporary TEXT, final TEXT,
    ended_us INTEGER, outcome TEXT CHECK (outcome IN ('done','failed','skipped','interrupted')),
    reason TEXT, message TEXT, facts TEXT
);
CREATE INDEX open_jobs ON jobs (job) WHERE outcome IS NULL;
CREATE TABLE recordings (
    recording INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs, device TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    start_us INTEGER, seconds REAL, clock TEXT NOT NULL, facts TEXT NOT NULL
);
CREATE TABLE readings (
    utc_us INTEGER NOT NULL, sensor TEXT NOT NULL, quantity TEXT NOT NULL,
    value REAL, unit TEXT NOT NULL, reason TEXT, quality TEXT NOT NULL, raw REAL,
    job INTEGER NOT NULL,
    PRIMARY KEY (utc_us, sensor, quantity),
    CHECK ((value IS NULL) <> (reason IS NULL))
) WITHOUT ROWID;
CREATE TABLE latest (
    sensor TEXT NOT NULL, quantity TEXT NOT NULL, utc_us INTEGER NOT NULL,
    value REAL, unit TEXT NOT NULL, reason TEXT, quality TEXT NOT NULL,
    PRIMARY KEY (sensor, quantity)
) WITHOUT ROWID;
INSERT INTO runs VALUES (1, 1000000, 5.0, 'boot', 'rtc', '0.1.0');
INSERT INTO jobs VALUES (1, 1, 'read', 'schedule', 2000000, 6.0, 'rtc', NULL, NULL, NULL, NULL,
    2500000, 'done', NULL, NULL, NULL);
INSERT INTO jobs VALUES (2, 1, 'record m.a', 'queue', 3000000, 7.0, 'rtc', 'm.a', 3000000, 't', 'f',
    4000000, 'interrupted', 'crash', NULL, '{"leftover": "t"}');
INSERT INTO recordings VALUES (1, 1, 'm.a', 'p', 10, 'sha', 2000000, 1.0, 'rtc', '{}');
INSERT INTO readings VALUES (2250000, 's.a', 'temperature', 34.5, '°C', NULL, 'good', NULL, 1);
INSERT INTO readings VALUES (2260000, 's.a', 'humidity', NULL, '%', 'timeout', 'good', NULL, 1);
PRAGMA user_version = 1;
"""


@pytest.fixture
def db():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def tables(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}


def test_a_new_file_gets_all_tables_once(db):
    assert schema.version(db) == 0
    assert schema.bring_up_to_date(db)
    assert schema.version(db) == schema.VERSION
    assert not schema.bring_up_to_date(db)


def test_an_older_ledger_keeps_every_row(db):
    db.executescript(LAYOUT_1)
    assert schema.bring_up_to_date(db)
    assert db.execute("SELECT job, outcome, leftover FROM jobs").fetchall() == [
        (1, "done", None), (2, "interrupted", "t"),
    ]
    assert db.execute("SELECT path, verdict FROM recordings").fetchall() == [("p", "good")]
    assert db.execute(
        "SELECT utc_us, sensor, quantity, unit, value, reason, quality, monotonic_ms, clock"
        " FROM readings JOIN series USING (series) ORDER BY utc_us"
    ).fetchall() == [
        (2250000, "s.a", "temperature", "°C", 34.5, None, None, 6250, "rtc"),
        (2260000, "s.a", "humidity", "%", None, "timeout", None, 6260, "rtc"),
    ]
    assert db.execute("SELECT count(*) FROM latest").fetchall() == [(2,)]


LAYOUT_2 = """
CREATE TABLE runs (run INTEGER PRIMARY KEY);
CREATE TABLE jobs (
    job INTEGER PRIMARY KEY, origin TEXT NOT NULL, slot_us INTEGER,
    accepted_us INTEGER NOT NULL, clock TEXT NOT NULL, leftover TEXT, outcome TEXT
);
CREATE TABLE skips (
    skip INTEGER PRIMARY KEY, device TEXT NOT NULL, first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL
);
CREATE TABLE schedules (schedule INTEGER PRIMARY KEY, device TEXT NOT NULL, until_us INTEGER);
CREATE TABLE recordings (
    recording INTEGER PRIMARY KEY, job INTEGER NOT NULL, device TEXT NOT NULL, start_us INTEGER,
    clock TEXT NOT NULL, verdict TEXT NOT NULL, uploaded_us INTEGER, deleting_us INTEGER,
    deleted_us INTEGER
);
CREATE TABLE events (
    event INTEGER PRIMARY KEY, utc_us INTEGER NOT NULL, clock TEXT NOT NULL, kind TEXT NOT NULL
);
CREATE TABLE readings (
    utc_us INTEGER NOT NULL, series INTEGER NOT NULL,
    value REAL, reason TEXT, quality TEXT, raw REAL, calibration INTEGER,
    monotonic_ms INTEGER NOT NULL, clock TEXT NOT NULL, job INTEGER NOT NULL,
    PRIMARY KEY (utc_us, series),
    CHECK ((value IS NULL) <> (reason IS NULL))
) WITHOUT ROWID;
CREATE TABLE latest (
    series INTEGER PRIMARY KEY, utc_us INTEGER NOT NULL,
    value REAL, reason TEXT, quality TEXT, clock TEXT NOT NULL, raw REAL
);
INSERT INTO readings VALUES (1, 2, 3.5, NULL, NULL, NULL, 4, 5, 'rtc', 6);
INSERT INTO latest VALUES (2, 1, 3.5, NULL, NULL, 'rtc', NULL);
PRAGMA user_version = 2;
"""


def test_a_ledger_without_uncertainties_gets_the_columns_and_keeps_its_rows(db):
    db.executescript(LAYOUT_2)
    assert schema.bring_up_to_date(db)
    assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert db.execute("SELECT value, calibration, uncertainty FROM readings").fetchall() == [
        (3.5, 4, None),
    ]
    assert db.execute("SELECT value, calibration, uncertainty FROM latest").fetchall() == [
        (3.5, None, None),
    ]
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    schema.bring_up_to_date(fresh)
    for table in ("readings", "latest"):
        columns = f"SELECT name, type FROM pragma_table_info('{table}')"
        assert db.execute(columns).fetchall() == fresh.execute(columns).fetchall()


def test_an_older_ledger_has_the_same_tables_as_a_new_one_afterwards(db):
    db.executescript(LAYOUT_1)
    schema.bring_up_to_date(db)
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    schema.bring_up_to_date(fresh)
    changed = {name for name in tables(db) ^ tables(fresh) if "TABLE runs" not in name}
    assert changed == set()
    columns = "SELECT name FROM pragma_table_info('runs')"
    assert db.execute(columns).fetchall() == fresh.execute(columns).fetchall()
    fresh.close()


def test_an_index_that_is_missing_is_made(db):
    schema.bring_up_to_date(db)
    db.execute("DROP INDEX timed_events")
    assert schema.bring_up_to_date(db)
    assert schema.indexes(db) == schema.today_indexes()
    assert not schema.bring_up_to_date(db)


def layout_5() -> str:
    """The tables as they were before days were counted."""
    return schema.TABLES.replace(schema.DAYS, "")


def layout_4() -> str:
    """The tables as they were before changes were entered."""
    return layout_5().replace(schema.CHANGES, "")


def test_a_ledger_without_an_identity_gets_a_place_for_it_and_keeps_its_runs(db):
    now = layout_4()
    before = now.replace(now[now.index("CREATE TABLE archive"):now.index(";", now.index(
        "CREATE TABLE archive")) + 1], "")
    before = before.replace(""",
    began TEXT, ended_us INTEGER, ended TEXT, ended_why TEXT""", "")
    db.executescript(before + """
        INSERT INTO runs VALUES (1, 2, 3.0, 'boot', 'rtc', '0.1.0', NULL, NULL, NULL);
        PRAGMA user_version = 3;
    """)
    assert schema.bring_up_to_date(db)
    assert schema.version(db) == schema.VERSION
    assert db.execute("SELECT run, boot_id, began, ended FROM runs").fetchall() == [
        (1, "boot", None, None),
    ]
    assert db.execute("SELECT * FROM archive").fetchall() == []


def test_a_ledger_without_changes_enters_them_from_now_on(db):
    db.executescript(layout_4() + """
        INSERT INTO runs (run, started_us, started_monotonic, boot_id, clock, version)
            VALUES (1, 2, 3.0, 'boot', 'rtc', '0.1.0');
        INSERT INTO jobs (job, run, command, origin, accepted_us, accepted_monotonic, clock)
            VALUES (1, 1, 'read', 'test', 2, 3.0, 'rtc');
        PRAGMA user_version = 4;
    """)
    assert schema.version(db) == 4
    assert schema.bring_up_to_date(db)
    assert schema.version(db) == schema.VERSION
    assert db.execute("SELECT job, outcome FROM jobs").fetchall() == [(1, None)]
    db.execute("UPDATE jobs SET outcome = 'done' WHERE job = 1")
    assert db.execute("SELECT change, job, event FROM changes").fetchall() == [(1, 1, None)]
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    schema.bring_up_to_date(fresh)
    assert tables(db) == tables(fresh)
    fresh.close()


def test_a_ledger_without_counts_has_all_its_days_counted(db):
    day = 86_400_000_000
    db.executescript(layout_5())
    db.execute("INSERT INTO runs (run, started_us, started_monotonic, boot_id, clock, version)"
               " VALUES (1, 2, 3.0, 'boot', 'rtc', '0.1.0')")
    db.executemany(
        "INSERT INTO jobs (run, command, origin, slot_us, accepted_us, accepted_monotonic, clock)"
        " VALUES (1, 'read', ?, ?, ?, 3.0, 'rtc')",
        [("schedule", 5 * day, 5 * day), ("schedule", 6 * day - 1, 6 * day),
         ("schedule", None, 7 * day), ("test", None, 8 * day)],
    )
    db.execute("INSERT INTO skips VALUES (1, 1, 'sensor.a', 1, 'down', ?, ?, 9)", (day, 9 * day))
    db.execute("PRAGMA user_version = 5")
    assert schema.version(db) == 5
    assert schema.bring_up_to_date(db)
    assert db.execute("SELECT day FROM uncounted").fetchall() == [(5,), (7,), (9,)]
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    schema.bring_up_to_date(fresh)
    assert tables(db) == tables(fresh)
    fresh.close()


def test_a_migration_that_is_cut_off_anywhere_leaves_the_older_ledger(tmp_path):
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as db:
        db.executescript(layout_5() + "PRAGMA user_version = 5;")
        db.execute("INSERT INTO runs (run, started_us, started_monotonic, boot_id, clock, version)"
                   " VALUES (1, 2, 3.0, 'boot', 'rtc', '0.1.0')")
        db.executemany(
            "INSERT INTO jobs (run, command, origin, slot_us, accepted_us, accepted_monotonic,"
            " clock) VALUES (1, 'read', 'schedule', ?, ?, 3.0, 'rtc')",
            [(day * 86_400_000_000, day * 86_400_000_000) for day in range(1, 200)],
        )
    steps, cuts, is_cut = 100, 0, True
    while is_cut:
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as db:
            assert schema.version(db) == 5
            db.set_progress_handler(lambda: 1, steps)
            try:
                is_cut = not schema.bring_up_to_date(db)
            except sqlite3.OperationalError:
                cuts, steps = cuts + 1, steps + 300
    assert cuts > 9
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        assert schema.version(db) == schema.VERSION
        assert db.execute("SELECT count(*) FROM uncounted").fetchone() == (199,)
        assert schema.indexes(db) == schema.today_indexes()
