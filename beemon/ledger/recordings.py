"""The catalog: the recordings that the ledger knows, from their entry to their deletion.

Recordings are numbered in the order in which they were made, independently of the clock. A deletion
has two steps, so that a power cut in between is noticed. The row's state is ``deleting`` before the
file is deleted and ``deleted`` afterwards. The row remains, and its path is never used again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from beemon.base.facts import to_json
from beemon.base.moments import iso
from beemon.base.recording import Recording, RecordingFacts, recording_facts
from beemon.base.values import value_class
from beemon.ledger import rows
from beemon.ledger.ledger import Ledger

_COLUMNS = ("size", "sha256", "clock", "start_monotonic", "verdict", "findings")
"""Facts that have a column of their own under the same name."""
_SHOWN = ("job", "size", "sha256", "seconds", "clock", "verdict")
"""Columns that are facts; one that is named among the others is taken from there."""
_KEPT = "SELECT * FROM recordings WHERE deleting_us IS NULL ORDER BY recording"
_KEPT_OF_DEVICE = (
    "SELECT * FROM recordings WHERE device = ? AND deleting_us IS NULL ORDER BY recording"
)

_BETWEEN = (
    "SELECT * FROM recordings WHERE start_us >= ?1 AND start_us < ?2 AND deleting_us IS NULL"
    " AND (?3 IS NULL OR device = ?3) ORDER BY start_us, recording"
)


_OF_JOB = """
SELECT path, size, sha256, deleting_us FROM sound_jobs AS jobs
    JOIN sound_recordings AS recordings
    ON path IN (final, json_extract(jobs.facts, '$.recording'))
WHERE jobs.job = ? LIMIT 1
"""


@value_class
class KeptFile:
    """The file of a recording: its path in the archive, its size in bytes and its SHA-256.

    ``is_deleted``: its deletion has begun at least.
    """

    path: str
    size: int
    sha256: str
    is_deleted: bool


def enter(ledger: Ledger, job: int, device: str, path: Path, facts: RecordingFacts) -> int:
    """Enter a complete recording, within a transaction; return its number.

    Raises ``sqlite3.IntegrityError`` if the path was entered before, or if the facts lack ``size``
    or ``sha256``.
    """
    rest = {k: v for k, v in to_json(facts).items() if k not in _COLUMNS}
    cursor = ledger.db.execute(
        "INSERT INTO recordings (job, device, path, size, sha256, start_us, start_monotonic,"
        " seconds, clock, verdict, findings, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job, device, ledger.relative(path), facts.size, facts.sha256,
            facts.start_utc_us, facts.start_monotonic, facts.seconds,
            facts.clock or ledger.clock.stamp().quality, facts.verdict or "good",
            json.dumps(facts.findings) if facts.findings else None, json.dumps(rest),
        ),
    )
    return int(cursor.lastrowid or 0)


def kept(db: sqlite3.Connection, device: str | None = None) -> Iterator[sqlite3.Row]:
    """The recordings of a device, or all, that are not deleted, in the order of making."""
    if device is None:
        yield from db.execute(_KEPT)
    else:
        yield from db.execute(_KEPT_OF_DEVICE, (device,))


def between(
    db: sqlite3.Connection, from_us: int, until_us: int, device: str | None = None
) -> list[sqlite3.Row]:
    """The recordings of a device, or all, that began in a period and are not deleted, in order of
    time."""
    return db.execute(_BETWEEN, (from_us, until_us, device)).fetchall()


def of_row(row: sqlite3.Row) -> Recording:
    """The recording of a row. Raises one of :data:`~beemon.ledger.rows.UNREADABLE`."""
    columns = {name: row[name] for name in _SHOWN}
    facts = recording_facts({**columns, **rows.parse(row["facts"])})
    return Recording(row["recording"], row["device"], row["path"], iso(row["start_us"]), facts)


def newest(db: sqlite3.Connection, device: str) -> sqlite3.Row | None:
    """The recording of a device that was made last and is not deleted."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM recordings WHERE device = ? AND deleting_us IS NULL"
        " ORDER BY recording DESC LIMIT 1",
        (device,),
    ).fetchone()
    return row


def find(db: sqlite3.Connection, path: str) -> sqlite3.Row | None:
    """The recording that has or had a path (relative to the archive)."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM recordings WHERE path = ?", (path,)
    ).fetchone()
    return row


def file_of_job(db: sqlite3.Connection, job: int) -> KeptFile | None:
    """The file of a job's recording; None if there is none, or if a row is damaged."""
    row = db.execute(_OF_JOB, (job,)).fetchone()
    if row is None:
        return None
    return KeptFile(row["path"], row["size"], row["sha256"], row["deleting_us"] is not None)


def is_taken(ledger: Ledger, path: Path) -> bool:
    """Whether a recording has or had this path, or an open job is going to use it."""
    name = ledger.relative(path)
    asked = "SELECT 1 FROM jobs WHERE outcome IS NULL AND final = ?"
    return find(ledger.db, name) is not None or bool(ledger.db.execute(asked, (name,)).fetchone())


def begin_deletion(ledger: Ledger, recording: int, at_us: int) -> None:
    """Enter that a recording's file is about to go; then it no longer counts as kept."""
    ledger.db.execute(
        "UPDATE recordings SET deleting_us = ? WHERE recording = ? AND deleting_us IS NULL",
        (at_us, recording),
    )


def end_deletion(ledger: Ledger, recording: int, at_us: int) -> None:
    """Enter that a recording's file has gone."""
    ledger.db.execute(
        "UPDATE recordings SET deleted_us = ? WHERE recording = ? AND deleting_us IS NOT NULL",
        (at_us, recording),
    )


def half_deleted(db: sqlite3.Connection) -> list[sqlite3.Row]:
    """The recordings whose deletion began and did not come to its end."""
    return db.execute(
        "SELECT * FROM recordings WHERE deleting_us IS NOT NULL AND deleted_us IS NULL"
        " ORDER BY recording"
    ).fetchall()
