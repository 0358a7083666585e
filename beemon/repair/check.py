"""Check: compare the ledger with the files, also beside a running service; change nothing.

The work of the service is not reported as a problem: if something seems to be missing, the ledger
is queried a second time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from beemon.base.progress import Progress
from beemon.ledger import completeness, index, inventory, rows, schema
from beemon.ledger.inventory import Unknown
from beemon.ledger.ledger import NAME, LedgerReader, open_reader
from beemon.ledger.tree import printable
from beemon.storage import files, lock

NO_LEDGER, DAMAGED, LAYOUT = "no-ledger", "damaged-ledger", "wrong-layout"
DAMAGED_ROW = "damaged-row"
NO_FILE, NO_ROW, NOT_DELETED = "no-file", "no-row", "not-deleted"
EMPTY, WRONG_SIZE, WRONG_HASH, UNREADABLE = "empty", "wrong-size", "wrong-hash", "unreadable"
STRAY, NO_OUTCOME, NO_RECORDING = "stray", "no-outcome", "no-recording"
LOST_SLOTS = "lost-slots"

_KEPT = "SELECT path, size, sha256 FROM recordings WHERE deleting_us IS NULL ORDER BY path"
_HOW_MANY_KEPT = "SELECT count(*) FROM recordings WHERE deleting_us IS NULL"
_IS_KEPT = "SELECT 1 FROM recordings WHERE path = ? AND deleting_us IS NULL"
_FORGOTTEN = (
    "SELECT job, command FROM jobs WHERE outcome IS NULL AND run < (SELECT max(run) FROM runs)"
)
_PROMISED = (
    "SELECT job, CASE WHEN json_valid(facts) THEN json_extract(facts, '$.recording') END AS path"
    " FROM jobs WHERE facts LIKE '%\"recording\"%' AND path IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM recordings WHERE recordings.path ="
    " CASE WHEN json_valid(jobs.facts) THEN json_extract(jobs.facts, '$.recording') END)"
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the archive: a word, where (a path, a job), and a sentence."""

    word: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} ({self.word})"


@dataclass
class Report:
    """The result of a check: its scope and findings; ``notes`` for a person are not errors."""

    recordings: int = 0
    size: int = 0
    jobs: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(archive: Path, *, full: bool = False, progress: Progress | None = None) -> Report:
    """Compare the ledger and the files of an archive; ``full`` also reads every file's content.

    Raises ``OSError`` where the archive's folders cannot be read, and
    :class:`~beemon.base.progress.StoppedError`.
    """
    report = Report()
    if not archive.is_dir():
        raise FileNotFoundError(f"there is no archive at {archive}")
    if not (archive / NAME).is_file():
        message = "it does not exist; `beemon archive rebuild` makes one from the files"
        report.findings.append(Finding(NO_LEDGER, NAME, message))
        return report
    try:
        reader = open_reader(archive)
    except sqlite3.DatabaseError as error:
        report.findings.append(_unreadable(error))
        return report
    progress = progress or Progress()
    with closing(reader):
        try:
            with progress.stopping(reader.db.interrupt):
                report.findings += _Check(archive, reader, report, progress, full=full).findings()
        except (sqlite3.DatabaseError, *rows.UNREADABLE) as error:
            report.findings.append(_unreadable(error))
    return report


def _unreadable(error: Exception) -> Finding:
    return Finding(DAMAGED, NAME, f"it cannot be read: {error}")


class _Check:
    """One check; ``report`` gets the counts."""

    def __init__(
        self, archive: Path, reader: LedgerReader, report: Report, progress: Progress, *,
        full: bool,
    ) -> None:
        self._archive = archive
        self._progress = progress
        self._reader = reader
        self._db = reader.db
        self._report = report
        self._full = full

    def findings(self) -> Iterator[Finding]:
        layout = schema.version(self._db)
        if layout != schema.VERSION:
            message = f"its layout is {layout}, and this beemon's is {schema.VERSION}"
            yield Finding(LAYOUT, NAME, f"{message}; a start of the service brings it up to date")
            return
        yield from self._ledger()
        yield from self._slots()
        yield from self._files()
        yield from self._rows()
        self._note_what_waits()

    # The ledger by itself

    def _ledger(self) -> Iterator[Finding]:
        self._progress.tell("checking the structure of the database")
        pragma = "integrity_check" if self._full else "quick_check"
        for (said,) in self._db.execute(f"PRAGMA main.{pragma}(10)").fetchall():
            if said != "ok":
                yield Finding(DAMAGED, NAME, said)
        for row in self._db.execute("PRAGMA main.foreign_key_check").fetchmany(10):
            message = f"row {row[1]} of {row[0]} refers to a row of {row[2]} that does not exist"
            yield Finding(DAMAGED, NAME, message)
        self._progress.tell("checking the rows of the database")
        for damage in rows.damaged(self._db):
            yield Finding(DAMAGED_ROW, f"{damage.table} {damage.row}", damage.why)
        (self._report.jobs,) = self._db.execute("SELECT count(*) FROM jobs").fetchone()
        for row in self._db.execute(_FORGOTTEN).fetchall():
            message = f"it has no outcome, and its run has ended: {row['command']}"
            yield Finding(NO_OUTCOME, f"job {row['job']}", message)
        for row in self._db.execute(_PROMISED).fetchall():
            message = f"its recording is not in the database: {row['path']}"
            yield Finding(NO_RECORDING, f"job {row['job']}", message)

    def _slots(self) -> Iterator[Finding]:
        self._progress.tell("counting the scheduled jobs")
        for device, counts in completeness.of(self._reader, by_rows=True).devices.items():
            if not counts.adds_up and counts.recount is not None:
                message = (
                    f"according to its schedule, {counts.recount} jobs were due, but "
                    f"{counts.due} are recorded"
                )
                yield Finding(LOST_SLOTS, device, message)

    def _note_what_waits(self) -> None:
        if lock.holder(self._archive) is not None:
            return
        waiting = {
            "jobs are open; the next start ends them": "outcome IS NULL",
            "files were not finished; the next start salvages them": "leftover IS NOT NULL",
        }
        for message, condition in waiting.items():
            (count,) = self._db.execute(
                f"SELECT count(*) FROM jobs WHERE {condition}"  # noqa: S608  (one of the above)
            ).fetchone()
            if count:
                self._report.notes.append(f"{count} {message}")

    # Every file has its row

    def _files(self) -> Iterator[Finding]:
        """Recordings without a row in the ledger; those that a new ledger has yet to read are only
        counted."""
        self._progress.tell("looking for files that the database does not have")
        is_complete = index.is_complete(self._db)
        waiting = 0
        for file in inventory.unknown_files(self._archive, self._db):
            if is_complete or file.is_deleted:
                yield _unexpected(file)
            else:
                waiting += 1
        if waiting:
            self._report.notes.append(
                f"the database is new, and {waiting} files are not in it yet; the service adds "
                "them while it works, and deletes nothing until then"
            )

    # Every row has its file

    def _rows(self) -> Iterator[Finding]:
        (count,) = self._db.execute(_HOW_MANY_KEPT).fetchone()
        for row in self._db.execute(_KEPT):
            self._progress.tell("recordings compared", self._report.recordings, count)
            self._report.recordings += 1
            self._report.size += row["size"]
            try:
                found = self._compare(row)
            except FileNotFoundError:
                if self._db.execute(_IS_KEPT, (row["path"],)).fetchone():
                    yield Finding(NO_FILE, row["path"], "the file is missing")
            except OSError as error:
                yield Finding(UNREADABLE, row["path"], f"it cannot be read: {error.strerror}")
            else:
                yield from [found] if found else []

    def _compare(self, row: sqlite3.Row) -> Finding | None:
        path = self._archive / row["path"]
        size = path.stat().st_size
        if size == 0:
            return Finding(EMPTY, row["path"], "it is empty")
        if size != row["size"]:
            message = f"it has {size} bytes instead of the recorded {row['size']}"
            return Finding(WRONG_SIZE, row["path"], message)
        if self._full and files.digest(path)[1] != row["sha256"]:
            return Finding(WRONG_HASH, row["path"], "its content differs from the recorded hash")
        return None


def _unexpected(file: Unknown) -> Finding:
    path = printable(file.path)
    if file.is_deleted:
        return Finding(NOT_DELETED, path, "the database has it as deleted")
    if file.is_temporary:
        return Finding(STRAY, path, "it is unfinished, and no job knows it")
    return Finding(NO_ROW, path, "the database has no such recording")
