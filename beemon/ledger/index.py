"""The index: recordings that a new ledger does not know are entered in it from their files.

A new ledger is begun if the old one was lost or damaged. The index is then incomplete until every
file has been read once, even across restarts. Meanwhile nothing may be deleted
(:func:`is_complete`). All entries belong to the job that found the files. The number of the job
that made a recording is kept among its facts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from beemon.base import outcomes
from beemon.base.recording import RecordingFacts
from beemon.ledger import events, inventory, rows
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.media import tags
from beemon.storage import files

KIND = "index"
"""The events that say when an index began, and when it was complete."""
COMMAND = "index"
ORIGIN = "archive"

_LATEST = 50
"""Number of latest recordings whose jobs are looked up, so that no new job has the same number."""

Entry = tuple[Path, str, RecordingFacts]
"""A recording's file, its device and its facts."""


def is_complete(db: sqlite3.Connection) -> bool:
    """Whether every recording is in the ledger, as far as anyone knows."""
    row = db.execute(
        "SELECT facts FROM sound_events WHERE kind = ? ORDER BY event DESC LIMIT 1", (KIND,)
    ).fetchone()
    return row is None or bool(rows.parse(row["facts"])["complete"])


def begin_if_new(ledger: Ledger) -> bool:
    """Mark the index as incomplete if this is a ledger's first run and there are files.

    Stands within a transaction. Job numbers go on behind those of the latest recordings.
    """
    (runs,) = ledger.db.execute("SELECT count(*) FROM runs").fetchone()
    if runs > 1 or not inventory.has_files(ledger.archive):
        return False
    message = (
        "the database is new and does not know the recordings yet; they are added from their "
        "files, and none is deleted until then"
    )
    events.enter(ledger, KIND, message, complete=False)
    ledger.db.execute(
        "INSERT INTO jobs (job, run, command, origin, accepted_us, accepted_monotonic, clock)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (_free_job(ledger), ledger.run, COMMAND, ORIGIN, *ledger.clock.stamp()),
    )
    return True


def job_for(ledger: Ledger) -> int:
    """The open job of this run that indexes; a new one if there is none."""
    with ledger.transaction():
        row = ledger.db.execute(
            "SELECT job FROM sound_jobs WHERE outcome IS NULL AND command = ? AND run = ?",
            (COMMAND, ledger.run),
        ).fetchone()
        return int(row["job"]) if row else ledger.accept(COMMAND, ORIGIN)


def enter(ledger: Ledger, job: int, entries: Iterable[Entry]) -> int:
    """Enter recordings; return how many were new."""
    new = 0
    with ledger.transaction():
        for path, device, facts in entries:
            if catalog.find(ledger.db, ledger.relative(path)) is None:
                catalog.enter(ledger, job, device, path, facts)
                new += 1
    return new


def end(ledger: Ledger, job: int, *, entered: int, unknown: int = 0) -> None:
    """Say that the index is complete, and give its job its outcome."""
    with ledger.transaction():
        if not is_complete(ledger.db):
            message = f"every recording was examined: {entered} were added"
            events.enter(ledger, KIND, message, complete=True, entered=entered, unknown=unknown)
        ledger.end(job, outcomes.done(entered=entered, unknown=unknown))


def _free_job(ledger: Ledger) -> int:
    (known,) = ledger.db.execute("SELECT ifnull(max(job), 0) FROM sound_jobs").fetchone()
    return max(_latest_job(ledger.archive), int(known)) + 1


def _latest_job(archive: Path) -> int:
    """The highest job number that the latest recordings name; 0 where none says one."""
    found = (file for file in (archive / files.FOLDER).glob("*/*") if not file.is_symlink())
    return max((_job_of(file) for file in sorted(found)[-_LATEST:]), default=0)


def _job_of(file: Path) -> int:
    try:
        said = tags.read(file)
    except (tags.BadTagsError, OSError, ImportError):
        return 0
    return said.job if said else 0
