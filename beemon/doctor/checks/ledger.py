"""The ledger: sound pages and indexes, as far as a second shows it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine
from beemon.ledger import quarantine

_SECONDS = 1.0
_WHY = "Outcomes and readings may be lost."
_NEXT = "beemon archive check; the next start begins a new database and keeps the old one"


def check(machine: Machine) -> Iterator[Finding]:
    """Run SQLite's quick check, and stop it after a second."""
    if machine.archive is None or not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    if (machine.archive / quarantine.MARK).exists():
        yield problem("the database is marked as damaged", _WHY, "sudo systemctl restart beemon")
        return
    try:
        with machine.ledger(_SECONDS) as ledger:
            yield _looked(ledger.db)
    except sqlite3.DatabaseError as error:
        if not quarantine.is_damage(error):
            raise
        yield problem(f"the database is damaged: {error}", _WHY, _NEXT)


def _looked(db: sqlite3.Connection) -> Finding:
    try:
        said = [str(row[0]) for row in db.execute("PRAGMA main.quick_check(1)")]
    except sqlite3.OperationalError as error:
        if quarantine.code_of(error) != sqlite3.SQLITE_INTERRUPT:
            raise
        return ok(f"the database is sound, as far as {_SECONDS:g} s show it; "
                  "whole: beemon archive check")
    if said == ["ok"]:
        return ok("the database is sound")
    return problem(f"the database is damaged: {said[0].splitlines()[0]}", _WHY, _NEXT)
