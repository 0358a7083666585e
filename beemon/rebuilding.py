"""Rebuilding: the ledger is made to agree with the files again, by who has the archive alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from beemon import indexing, salvage
from beemon.archive import catalog, events
from beemon.archive.ledger import Ledger
from beemon.archive.register import Register


def rebuild(archive: Path) -> dict[str, int]:
    """Enter what the files say in the ledger, which is made where it is missing or damaged.

    Returns how many recordings were ``entered``, how many files are ``unknown``, and how many
    recordings are ``lost``: entered once, and without a file now. Raises
    :class:`~beemon.archive.lock.ArchiveBusyError` while a service runs, and ``OSError``.
    """
    if not archive.is_dir():
        raise FileNotFoundError(f"there is no archive at {archive}")
    with closing(Register(archive)) as register:
        register.open()
        try:
            with closing(Ledger(archive, register.run_number)) as ledger:
                salvage.salvage_all(ledger)
                counts = indexing.index_all(ledger)
                return {**counts, "lost": _enter_lost(ledger)}
        except sqlite3.Error as error:
            raise OSError(f"the ledger cannot be written: {error}") from error


def _enter_lost(ledger: Ledger) -> int:
    """Enter as deleted what has no file any more, each with an event that says so."""
    lost = [row for row in catalog.kept(ledger.db) if not (ledger.archive / row["path"]).exists()]
    with ledger.transaction():
        for row in lost:
            now = ledger.clock.now().utc_us
            catalog.begin_deletion(ledger, row["recording"], now)
            catalog.end_deletion(ledger, row["recording"], now)
            events.enter(ledger, "lost", f"the file is missing: {row['path']}", row["device"])
    return len(lost)
