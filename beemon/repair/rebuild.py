"""Rebuilding: make the ledger agree with the files again, while no service uses the archive."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from beemon.base.progress import Progress
from beemon.ledger import events, examination, quarantine, recovered
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import NAME, Ledger
from beemon.ledger.recovered import Taken
from beemon.ledger.session import ArchiveSession
from beemon.repair import indexing, salvage
from beemon.storage.lock import ArchiveLock


@dataclass(frozen=True)
class Rebuilt:
    """The result of a rebuild.

    ``entered`` is the number of recordings entered, and ``unknown`` that of unknown files. ``lost``
    is the number of recordings in the ledger whose files are missing. ``taken`` are the rows taken
    from each damaged ledger.
    """

    entered: int
    unknown: int
    lost: int
    taken: list[Taken]


def rebuild(archive: Path, progress: Progress | None = None) -> Rebuilt:
    """Enter the recordings from their files, and the readable rows of damaged ledgers.

    A missing ledger is created, and a damaged one is first renamed. Raises
    :class:`~beemon.storage.lock.ArchiveBusyError` while a service runs, ``OSError``, and
    :class:`~beemon.base.progress.StoppedError`; then it may be repeated.
    """
    progress = progress or Progress()
    if not archive.is_dir():
        raise FileNotFoundError(f"there is no archive at {archive}")
    progress.tell("checking the structure of the database")
    _set_aside_if_damaged(archive, progress)
    try:
        return _rebuild(archive, progress)
    except sqlite3.Error as error:
        if not quarantine.is_damage(error):
            raise _unwritable(error) from error
        quarantine.mark(archive, str(error))  # an index was damaged, which the look passes over
    try:
        return _rebuild(archive, progress)
    except sqlite3.Error as error:
        raise _unwritable(error) from error


def _rebuild(archive: Path, progress: Progress) -> Rebuilt:
    with closing(ArchiveSession(archive)) as register:
        register.open()
        with closing(Ledger(archive, register.run_number)) as ledger:
            progress.tell("taking the rows of damaged databases")
            taken = recovered.take_all(ledger)
            progress.tell("finishing interrupted recordings")
            salvage.salvage_all(ledger)
            counts = indexing.index_all(ledger, progress)
            progress.tell("looking for missing files")
            return Rebuilt(counts["entered"], counts["unknown"], _enter_lost(ledger), taken)


def _unwritable(error: sqlite3.Error) -> OSError:
    return OSError(f"the database cannot be written: {error}")


def _set_aside_if_damaged(archive: Path, progress: Progress) -> None:
    """Mark the ledger as damaged if its file is."""
    with closing(ArchiveLock(archive)):
        if (archive / NAME).exists() and (wrong := examination.of_file(archive, progress)):
            quarantine.mark(archive, wrong)


def _enter_lost(ledger: Ledger) -> int:
    """Enter recordings without a file as deleted, each with an event."""
    lost = [row for row in catalog.kept(ledger.db) if not (ledger.archive / row["path"]).exists()]
    with ledger.transaction():
        for row in lost:
            now = ledger.clock.now().utc_us
            catalog.begin_deletion(ledger, row["recording"], now)
            catalog.end_deletion(ledger, row["recording"], now)
            events.enter(ledger, "lost", f"the file is missing: {row['path']}", row["device"])
    return len(lost)
