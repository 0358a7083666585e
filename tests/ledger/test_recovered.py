"""What a ledger that was set aside still holds comes back, marked, and once."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.finding import Finding
from beemon.base.moments import US_PER_HOUR
from beemon.base.readings import Reading
from beemon.ledger import calibrations, completeness, events, findings, quarantine, recovered
from beemon.ledger import readings as series
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import NAME, Ledger, LedgerReader
from beemon.ledger.session import ArchiveSession
from beemon.repair import check
from tests import seasons

PAGE = 1024
SWARM = Finding(
    "swarm", "first", "apiary-7", "2026-06-01T12:15:00.000Z", "2026-06-01T12:45:00.000Z",
    "2026-06-01T12:45:00.000Z", "At 12:15 1.3 kg left.", "swarm", 1, "sensor.scale",
)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two days of everything, and a calibration."""
    seasons.make(tmp_path)
    with closing(Ledger(tmp_path, 1)) as ledger, ledger.transaction():
        facts = {"job": 2, "factor": 2.0, "zero": 1.0}
        calibrations.enter(ledger, Made("sensor.scale", "weight", 5, Quality.RTC, facts))
    return tmp_path


def set_aside(archive: Path) -> Path:
    """Begin a new ledger instead of the one there is; the path of the old one."""
    before = set(quarantine.all_aside(archive))
    quarantine.mark(archive, "a test says so")
    with closing(ArchiveSession(archive)) as register:
        register.open()
    (path,) = set(quarantine.all_aside(archive)) - before
    return path


def take(archive: Path) -> list[recovered.Taken]:
    with closing(ArchiveSession(archive)) as register:
        register.open()
        with closing(Ledger(archive, register.run_number)) as ledger:
            return recovered.take_all(ledger)


def count(archive: Path, table: str) -> int:
    with closing(LedgerReader(archive)) as reader:
        return int(reader.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def fill(archive: Path, readings: int) -> None:
    """A day with a reading a minute, from its own job each."""
    with closing(Ledger(archive, 1)) as ledger, ledger.transaction():
        for minute in range(readings):
            job = ledger.accept("read sensor.brood", "schedule")
            at = Stamp(seasons.NOON + minute * 60_000_000, 5.0, Quality.RTC)
            series.keep(ledger, job, [Reading("sensor.brood", "weight", "g", 1.0, None, at)])


def test_all_of_a_sound_ledger_comes_back_and_is_marked(archive: Path) -> None:
    kept = {table: count(archive, table) for table in ("jobs", "readings", "events", "recordings")}
    aside = set_aside(archive)
    [taken] = take(archive)
    assert taken.gaps == {}
    assert {table: taken.rows[table] for table in kept} == kept
    with closing(LedgerReader(archive)) as reader:
        marks = {job.result.recovered_from for job in reader.jobs(99) if job.origin == "schedule"}
        assert marks == {aside.name}
        event = events.latest(reader, "inspection")
        assert event is not None
        assert event.facts["recovered_from"] == aside.name
        found = series.values(reader.db, "sensor.brood", "temperature", 0, 2 * seasons.NOON)
        assert [row["value"] for row in found][:3] == [35.0, 35.125, 35.25]
        [run] = reader.db.execute("SELECT * FROM runs WHERE ended = 'recovered'").fetchall()
        assert aside.name in run["ended_why"]
        assert completeness.of(reader).adds_up
    assert [f for f in check.check(archive).findings if f.word != check.NO_ROW] == []


def test_it_is_taken_once(archive: Path) -> None:
    set_aside(archive)
    take(archive)
    before = {table: count(archive, table) for table in ("readings", "jobs", "events")}
    runs = count(archive, "runs")
    assert take(archive) == []
    assert {table: count(archive, table) for table in before} == before
    assert count(archive, "runs") == runs + 1


def test_jobs_whose_number_is_taken_get_another(archive: Path) -> None:
    aside = set_aside(archive)
    with closing(ArchiveSession(archive)) as register:
        register.open()
        with closing(Ledger(archive, register.run_number)) as ledger, ledger.transaction():
            ledger.db.execute("UPDATE jobs SET job = 1, command = 'read sensor.other'")
    take(archive)
    with closing(LedgerReader(archive)) as reader:
        job = reader.job(1)
        assert job is not None
        assert job.command == "read sensor.other"
        moved = reader.job(-1)
        assert moved is not None
        assert moved.result.recovered_from == aside.name


def test_what_is_the_latest_stays_the_latest(archive: Path) -> None:
    set_aside(archive)
    made = Made("sensor.scale", "weight", 9, Quality.RTC, {"job": 99, "factor": 3.0, "zero": 1.0})
    with closing(ArchiveSession(archive)) as register:
        register.open()
        with closing(Ledger(archive, register.run_number)) as ledger, ledger.transaction():
            calibrations.enter(ledger, made)
            events.enter(ledger, "inspection", "now", state="ended", note="")
    take(archive)
    with closing(LedgerReader(archive)) as reader:
        assert [one.facts["factor"] for one in calibrations.in_force(reader.db)] == [3.0]
        event = events.latest(reader, "inspection")
        assert event is not None
        assert event.message == "now"


def test_a_word_on_a_finding_stays_on_that_finding(archive: Path) -> None:
    with closing(Ledger(archive, 1)) as ledger, ledger.transaction():
        old = 100
        ledger.db.execute(
            "UPDATE events SET event = ? WHERE event = ?", (old, findings.enter(ledger, SWARM))
        )
        findings.enter(ledger, replace(SWARM, stage="stands", revises=old))
        findings.enter_label(ledger, old, "yes")
        findings.enter_label(ledger, 4711, "yes")
    set_aside(archive)
    with closing(ArchiveSession(archive)) as register:
        register.open()
        with closing(Ledger(archive, register.run_number)) as ledger, ledger.transaction():
            later = replace(SWARM, from_="2026-07-01T12:15:00.000Z")
            new = findings.enter(ledger, later)
            ledger.db.execute("UPDATE events SET event = ? WHERE event = ?", (old, new))
    take(archive)
    with closing(LedgerReader(archive)) as reader:
        found = {one.found.from_: one for one in findings.between(reader, 0, 2 * seasons.NOON)}
        assert {begin: one.label for begin, one in found.items()} == {
            SWARM.from_: "yes", later.from_: None,
        }
        chain = findings.chain_of(reader, found[SWARM.from_].finding)
        assert [one.found.revises for one in chain] == [None, chain[0].finding]


@pytest.mark.parametrize("seed", range(8))
def test_of_a_damaged_file_all_comes_back_but_what_is_in_its_damaged_pages(
    archive: Path, seed: int
) -> None:
    fill(archive, 1440)
    aside = set_aside(archive)
    chance = random.Random(seed)
    pages = aside.stat().st_size // PAGE
    with aside.open("r+b") as file:
        for _ in range(3):
            file.seek(chance.randrange(pages // 4, pages) * PAGE)
            file.write(chance.choice([b"\0", b"\xff"]) * PAGE)
    [taken] = take(archive)
    assert taken.rows["readings"] > 900
    assert taken.rows["jobs"] > 900
    with closing(LedgerReader(archive)) as reader:
        (lost,) = reader.db.execute(
            "SELECT count(*) FROM readings WHERE job NOT IN (SELECT job FROM jobs)"
        ).fetchone()
    assert lost == 0


@pytest.mark.parametrize("offset", [0, 16, 18, 20, 24, 44, 56])
def test_a_damaged_header_costs_no_row(archive: Path, offset: int) -> None:
    kept = count(archive, "readings")
    aside = set_aside(archive)
    with aside.open("r+b") as file:
        file.seek(offset)
        file.write(b"\x5a\x5a")
    [taken] = take(archive)
    assert taken.rows["readings"] == kept
    assert not list(archive.glob(".recovering-*"))


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1000])
def test_of_what_is_no_ledger_nothing_comes_back_and_that_is_said(
    archive: Path, content: bytes
) -> None:
    aside = set_aside(archive)
    for part in ("-wal", "-shm"):
        aside.with_name(aside.name + part).unlink(missing_ok=True)
    aside.write_bytes(content)
    [taken] = take(archive)
    assert str(taken).startswith(f"nothing of {aside.name} can be read")


def test_hours_that_came_back_are_reckoned_again(archive: Path) -> None:
    set_aside(archive)
    take(archive)
    with closing(sqlite3.connect(archive / NAME)) as db:
        hours = {hour for (hour,) in db.execute("SELECT hour FROM unreckoned")}
    assert seasons.NOON // US_PER_HOUR in hours
