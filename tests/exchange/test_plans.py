"""Queries cost what they return: no statement of a reader or of an export scans a table that grows.

What is examined is what the connections execute, so that no statement can be forgotten.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from beemon.exchange import export
from beemon.exchange.layout import About, Selection
from beemon.exchange.layouts import LAYOUTS
from beemon.exchange.period import parse
from beemon.exchange.tables import UnknownDeviceError, View
from beemon.ledger import events
from beemon.ledger.ledger import LedgerReader
from beemon.ledger.reader import ArchiveReader
from tests.seasons import DAY, NOON

SMALL = {"archive", "calibrations", "latest", "runs", "schedules", "series", "unreckoned"}
"""They grow with the devices, the starts and the changes of the config, not with each minute."""
NO_TABLES = {"CONSTANT", "found"}

EXCEPTIONS = {
    "SELECT * FROM (SELECT * FROM sound_jobs ORDER BY job DESC LIMIT":
        "it ends with the last row it returns, or that `jobs SINCE` could return",
    "SELECT * FROM sound_events WHERE 1 ORDER BY event DESC LIMIT": "likewise",
    "SELECT run = ?1 FROM jobs WHERE outcome = 'done' OR run <> ?1 ORDER BY job DESC LIMIT":
        "back to the latest job that was done in this run, no further than the run",
    "SELECT device FROM recordings UNION": "only before it is said that a device is unknown",
}

Examined = dict[str, list[str]]
"""Of each statement the steps of its plan."""

READS: dict[str, Callable[[ArchiveReader], object]] = {
    "job": lambda reader: reader.job(1),
    "jobs": lambda reader: [reader.jobs(20), reader.jobs(20, NOON)],
    "has_done_work": lambda reader: reader.has_done_work(1),
    "recordings": lambda reader: reader.recordings(NOON, NOON + DAY, "microphone.brood"),
    "kept_file": lambda reader: reader.kept_file(1),
    "latest": lambda reader: reader.latest(),
    "quantities": lambda reader: reader.quantities("sensor.scale"),
    "history": lambda reader: [
        reader.history("sensor.scale", "weight", since_us) for since_us in (NOON, 2**52)
    ],
    "calibrations": lambda reader: [reader.calibrations(()), reader.calibrations({"sensor.scale"})],
    "events": lambda reader: [reader.events(NOON, 10, kind) for kind in (None, "inspection")],
    "findings": lambda reader: reader.findings(NOON, NOON + DAY),
    "chain_of_finding": lambda reader: reader.chain_of_finding(1),
    "event_kinds": lambda reader: reader.event_kinds(),
    "changes": lambda reader: follow(reader),
    "record": lambda reader: reader.record(1),
    "event": lambda reader: reader.event(1),
    "not_uploaded": lambda reader: reader.not_uploaded(0, 10),
    "uploaded": lambda reader: reader.uploaded(0, 10),
    "waiting_for_upload": lambda reader: reader.waiting_for_upload(),
    "latest_readings": lambda reader: reader.latest_readings(),
    "uuid": lambda reader: reader.uuid(),
    "end_of_changes": lambda reader: reader.end_of_changes(),
    "usage": lambda reader: reader.usage(),
    "completeness": lambda reader: [reader.completeness(since_us) for since_us in (0, NOON)],
}


class Examining(sqlite3.Connection):
    """A connection that notes the plan of each statement that it executes."""

    examined: Examined

    def execute(self, sql: str, parameters: object = ()) -> sqlite3.Cursor:
        is_query = sql.lstrip().startswith(("SELECT", "WITH"))
        if is_query and "sqlite_master" not in sql:  # which is as long as the schema
            plan = super().execute(f"EXPLAIN QUERY PLAN {sql}", parameters)  # type: ignore[arg-type]
            self.examined[" ".join(sql.split())] = [detail for *_, detail in plan.fetchall()]
        return super().execute(sql, parameters)  # type: ignore[arg-type]


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Examined:
    found: Examined = {}
    factory = type("Examining", (Examining,), {"examined": found})
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=factory))
    return found


def follow(reader: ArchiveReader) -> None:
    """The changes, from the first page to where nothing is new."""
    before, page = None, reader.changes(None)
    while before != page.cursor:
        before, page = page.cursor, reader.changes(page.cursor)


def scans(examined: Examined) -> dict[str, list[str]]:
    """The statements that scan a table that grows, each with what it scans."""
    found = {}
    for sql, plan in examined.items():
        names = [match[1] for step in plan if (match := re.match(r"SCAN (?:main\.)?(\w+)", step))]
        if growing := [name for name in names if name not in SMALL | NO_TABLES]:
            found[sql] = growing
    return found


def without_exceptions(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {sql: names for sql, names in found.items() if not sql.startswith(tuple(EXCEPTIONS))}


@pytest.mark.parametrize("method", READS)
def test_no_query_of_the_reader_scans_what_grows(
    archive: Path, examined: Examined, method: str
) -> None:
    with closing(ArchiveReader(archive)) as reader:
        READS[method](reader)
    assert examined
    assert without_exceptions(scans(examined)) == {}


def test_every_query_of_the_reader_is_examined() -> None:
    public = {name for name in vars(ArchiveReader) if not name.startswith("_")}
    assert public - {"close", "one_moment", "version"} == READS.keys()


def exports(folder: Path, archive: Path) -> Iterator[None]:
    """Each layout of an export, of all and of some devices."""
    for number, devices in enumerate(([], ["sensor.scale", "microphone.brood"])):
        for layout in LAYOUTS.values():
            if layout.name == "parquet":  # the rows of csv, by a library that may be missing
                continue
            with closing(LedgerReader(archive)) as reader:
                view = View(reader, parse("2026-06-01", "2026-06-30"), devices)
                view.check_devices()
                selection = Selection(view, archive, About("apiary-7"))
                export.export(layout, selection, folder / f"{layout.name}-{number}")
                yield


def test_no_export_scans_what_grows(archive: Path, examined: Examined, tmp_path: Path) -> None:
    for _ in exports(tmp_path, archive):
        assert without_exceptions(scans(examined)) == {}
    assert len(examined) > 20


def test_each_exception_is_still_one(archive: Path, examined: Examined, tmp_path: Path) -> None:
    with closing(ArchiveReader(archive)) as reader:
        reader.jobs(20)
        reader.has_done_work(1)
        with reader.one_moment() as ledger:
            events.recent(ledger, 10)
            with pytest.raises(UnknownDeviceError):
                View(ledger, parse("2026-06-01"), ["sensor.none"]).check_devices()
    told = scans(examined)
    assert all(any(sql.startswith(begin) for sql in told) for begin in EXCEPTIONS)


def test_a_scan_is_noticed(archive: Path, examined: Examined) -> None:
    with closing(LedgerReader(archive)) as reader:
        reader.db.execute("SELECT count(*) FROM readings WHERE job = 1")
    assert [*scans(examined).values()] == [["readings"]]
