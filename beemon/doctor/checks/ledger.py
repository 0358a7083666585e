"""The ledger: sound pages and indexes, as far as a second or so shows it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine
from beemon.ledger import quarantine
from beemon.ledger.ledger import NAME

_SMALL_BYTES = 32 << 20
_SMALL_TABLES = ("archive", "runs", "schedules")
_GROWING_TABLES = ("jobs", "recordings", "events")
_NEWEST = 1000
_WHY = "Outcomes and readings may be lost."
_NEXT = "beemon archive check; the next start begins a new database and keeps the old one"


def check(machine: Machine) -> Iterator[Finding]:
    """Run SQLite's quick check; of a large ledger, on a part.

    It cannot be interrupted, and takes minutes for some gigabytes. The service does it daily.
    """
    if machine.archive is None or not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    if (machine.archive / quarantine.MARK).exists():
        yield problem("the database is marked as damaged", _WHY, "sudo systemctl restart beemon")
        return
    is_small = (machine.archive / NAME).stat().st_size <= _SMALL_BYTES
    try:
        with machine.ledger() as ledger:
            yield _whole(ledger.db) if is_small else _part(ledger.db)
    except sqlite3.DatabaseError as error:
        if not quarantine.is_damage(error):
            raise
        yield problem(f"the database is damaged: {error}", _WHY, _NEXT)


def _whole(db: sqlite3.Connection) -> Finding:
    return _judged(_check(db, "1")) or ok("the database is sound")


def _part(db: sqlite3.Connection) -> Finding:
    """The small tables, and the newest rows of the others: a power cut damages what is new."""
    said = "ok"
    for table in _SMALL_TABLES:
        said = _check(db, table) if said == "ok" else said
    for table in _GROWING_TABLES:
        db.execute(f"SELECT * FROM main.{table} ORDER BY rowid DESC LIMIT {_NEWEST}").fetchall()  # noqa: S608
    return _judged(said) or ok("the newest part of the database is sound; "
                               "the service looks at all of it daily")


def _check(db: sqlite3.Connection, what: str) -> str:
    return str(db.execute(f"PRAGMA main.quick_check({what})").fetchone()[0]).splitlines()[0]


def _judged(said: str) -> Finding | None:
    return None if said == "ok" else problem(f"the database is damaged: {said}", _WHY, _NEXT)
