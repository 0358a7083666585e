"""Rows that cannot be read: left out by each reader, and named by the check."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from beemon.base.clock import Quality
from beemon.ledger import calibrations, completeness, events, inspections, rows, schema
from beemon.ledger import readings as series
from beemon.ledger.calibrations import Made
from beemon.ledger.history import history
from beemon.ledger.ledger import NAME, Ledger, LedgerReader
from beemon.ledger.session import ArchiveSession
from beemon.protocol.replies import JobFacts
from beemon.repair import check
from tests import seasons

HARMS = {
    "facts cut short": "UPDATE {table} SET facts = substr(facts, 1, length(facts) - 1)",
    "facts of no kind": "UPDATE {table} SET facts = '[]'",
    "facts as a blob": "UPDATE {table} SET facts = x'00ff'",
    "a time in no calendar": "UPDATE {table} SET {time} = 9000000000000000000",
    "a time before any": "UPDATE {table} SET {time} = -9000000000000000000",
    "a time that is text": "UPDATE {table} SET {time} = 'soon'",
    "a clock of no quality": "UPDATE {table} SET clock = 'broken'",
}
TIMES = {"events": "utc_us", "jobs": "accepted_us", "calibrations": "made_us"}
CASES = [(table, harm) for table in TIMES for harm in HARMS]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two days of everything, to be damaged."""
    seasons.make(tmp_path)
    with closing(Ledger(tmp_path, 1)) as ledger, ledger.transaction():
        calibrations.enter(ledger, Made("sensor.scale", "weight", 5, Quality.RTC, {"job": 7}))
    return tmp_path


def harm(archive: Path, *statements: str) -> None:
    db = sqlite3.connect(archive / NAME)
    db.execute("PRAGMA ignore_check_constraints = ON")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def looks(db: sqlite3.Connection) -> Iterator[Callable[[], object]]:
    """Everything that is asked of a ledger."""
    reader = type("Reader", (), {"db": db})()
    yield lambda: events.recent(reader, 99)
    yield lambda: events.since(reader, 0, 99)
    yield lambda: calibrations.in_force(db)
    yield lambda: calibrations.history(db)
    yield lambda: completeness.of(reader)
    yield lambda: series.latest(db)
    yield lambda: history(db, "sensor.brood", "temperature", 0, 10**15)


@pytest.mark.parametrize(("table", "kind"), CASES)
def test_a_damaged_row_is_left_out_and_named_by_the_check(
    archive: Path, table: str, kind: str
) -> None:
    harm(archive, HARMS[kind].format(table=table, time=TIMES[table]))
    reader = LedgerReader(archive)
    for look in looks(reader.db):
        look()
    reader.jobs(99)
    reader.close()
    found = [f for f in check.check(archive).findings if f.word == check.DAMAGED_ROW]
    assert found
    assert {finding.where.split()[0] for finding in found} == {table}


def test_a_job_that_cannot_be_read_says_so(archive: Path) -> None:
    harm(archive, "UPDATE jobs SET facts = '{' WHERE job = 1")
    reader = LedgerReader(archive)
    told = reader.job(1)
    assert told == JobFacts(1, damaged="facts is not JSON, or is incomplete")
    assert 1 not in [job.job for job in reader.jobs(99)]
    assert reader.job(10**6) is None
    reader.close()


def test_a_number_that_json_cannot_say_is_damage(archive: Path) -> None:
    harm(archive, "UPDATE jobs SET facts = '{\"seconds\": 1e999}' WHERE job = 1")
    reader = LedgerReader(archive)
    assert reader.job(1) == JobFacts(1, damaged="it cannot be read")
    reader.close()


def test_an_infinite_value_is_left_out_of_the_history(archive: Path) -> None:
    harm(archive, "UPDATE readings SET value = 9e999, reason = NULL")
    reader = LedgerReader(archive)
    told = history(reader.db, "sensor.brood", "temperature", seasons.NOON, seasons.NOON + 10**9)
    assert told is not None
    assert told.rows == ()
    reader.close()


def test_text_that_is_not_utf8_is_shown_and_named_by_the_check(archive: Path) -> None:
    harm(archive, "UPDATE jobs SET command = CAST(x'72656164ff' AS TEXT) WHERE job = 1")
    reader = LedgerReader(archive)
    assert {job.job: job.command for job in reader.jobs(99)}[1] == "read\ufffd"
    reader.close()
    [finding] = [f for f in check.check(archive).findings if f.word == check.DAMAGED_ROW]
    assert (finding.where, finding.message) == ("jobs 1", "command is not UTF-8")


def test_an_inspection_that_cannot_be_read_counts_as_none(ledger: Ledger) -> None:
    with ledger.transaction():
        inspections.enter_begin(ledger, "lid off", ledger.clock.stamp())
        assert inspections.resume(ledger) is not None
        ledger.db.execute("UPDATE events SET facts = '{\"state\": \"begun\"'")
        assert inspections.resume(ledger) is None


@pytest.mark.parametrize("statement", [
    "DELETE FROM runs",
    "UPDATE archive SET uuid = NULL",
    "UPDATE schedules SET definition = '{'",
    "UPDATE schedules SET definition = '{\"place\": [1]}'",
    "UPDATE runs SET started_us = -9000000000000000000",
    "UPDATE runs SET accounted_us = 9000000000000000000",
    "UPDATE jobs SET temporary = NULL, final = 'x', outcome = NULL",
    "UPDATE jobs SET job = 9223372036854775807 WHERE job = (SELECT max(job) FROM jobs)",
    "UPDATE series SET unit = x'ff'",
    "UPDATE latest SET utc_us = 'x'",
])
def test_a_start_depends_on_no_row(archive: Path, statement: str) -> None:
    try:
        harm(archive, statement)
    except sqlite3.IntegrityError:
        harm(archive, statement.replace("NULL", "x'00'"))
    register = ArchiveSession(archive)
    register.open()
    assert 0 < register.accept("read", "test") < 10**6
    register.reader.completeness(0)
    register.close()
    assert list(archive.glob("ledger-damaged-*")) == []


STRANGE = (
    None, "", "soon", "good", b"\0\xff", 0, -1, 0.5, 2**53 - 1, 2**53, -(2**53), 2**62, -(2**62),
    1.7e308, 1.79e308, float("inf"), -float("inf"), 253402214400000000, -62135510400000000,
)


def test_a_reading_is_named_as_damaged_exactly_if_it_is_left_out(tmp_path: Path) -> None:
    seasons.make(tmp_path)
    with closing(Ledger(tmp_path)) as ledger:
        db, names = ledger.db, schema.columns(ledger.db)["readings"]
        db.execute("PRAGMA ignore_check_constraints = ON")
        for name, value in itertools.product(names, STRANGE):
            db.execute("DELETE FROM readings")
            row = {"utc_us": 9, "series": 1, "value": 1.5, "monotonic_ms": 1, "job": 1,
                   "clock": "synchronised", name: value}
            marks = ", ".join(f":{key}" for key in row)
            try:
                db.execute(f"INSERT INTO readings ({', '.join(row)}) VALUES ({marks})", row)
            except sqlite3.IntegrityError:  # a column that is never NULL
                continue
            seen = db.execute("SELECT count(*) FROM sound_readings").fetchone()[0]
            assert len(list(rows.damaged(db))) == 1 - seen, (name, value)
