"""Indexing: recordings are entered in the ledger from the tags in their files.

The tags hold the same facts as the ledger. For a file without tags, its name gives the device and
the start, and its content gives the length.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from beemon.base import clock
from beemon.base.moments import to_microseconds
from beemon.base.progress import Progress
from beemon.base.recording import RecordingFacts
from beemon.ledger import index, inventory
from beemon.ledger.index import Entry
from beemon.ledger.ledger import Ledger, LedgerReader
from beemon.ledger.tree import printable
from beemon.media import tags
from beemon.media.measure import UnmeasurableError, measure
from beemon.repair.salvage import StillInUseError, salvage
from beemon.storage import files
from beemon.storage.files import Place

log = logging.getLogger(__name__)

BATCH_SECONDS = 5.0
"""Time in seconds to read files before the results are entered."""

_NAME = re.compile(
    r"(?P<hive>[^@]+)@(?P<moment>\d{4}-\d\d-\d\d@\d\d-\d\d-\d\dZ)(?:-\d+)?"
    r"\.(?P<device>[^.]+\.[^.]+)\.(?:flac|mp4|jpg)"
)


def index_as(run: int, archive: Path) -> dict[str, int]:
    """:func:`index_all` as work of a run of the service, beside it. Raises ``OSError``."""
    try:
        with closing(Ledger(archive, run)) as ledger:
            return index_all(ledger)
    except sqlite3.Error as error:
        raise OSError(f"the database cannot be written: {error}") from error


def index_all(ledger: Ledger, progress: Progress | None = None) -> dict[str, int]:
    """Enter every recording that the ledger does not know; return the number of files examined.

    Unfinished recordings are salvaged. Files of an unknown kind are left unchanged and counted as
    ``unknown``. It may be stopped at any moment and repeated. Raises ``OSError``,
    ``sqlite3.Error``, :class:`~beemon.base.progress.StoppedError`.
    """
    progress = progress or Progress()
    counts = {"entered": 0, "unknown": 0}
    job = index.job_for(ledger)
    with closing(LedgerReader(ledger.archive)) as reader:
        batch: list[Entry] = []
        since = clock.now().monotonic
        for entry in _entries(ledger.archive, reader, counts):
            batch.append(entry)
            progress.tell("files read", counts["entered"] + len(batch))
            if clock.now().monotonic - since > BATCH_SECONDS:
                counts["entered"] += index.enter(ledger, job, batch)
                batch, since = [], clock.now().monotonic
        counts["entered"] += index.enter(ledger, job, batch)
    index.end(ledger, job, **counts)
    return counts


def _entries(archive: Path, reader: LedgerReader, counts: dict[str, int]) -> Iterator[Entry]:
    for file in inventory.unknown_files(archive, reader.db):
        if file.is_deleted:
            continue
        path = archive / file.path
        try:
            entry = _salvaged(path) if file.is_temporary else _whole(path)
        except OSError as error:  # one file's bad sector, or who may read it, is no other's
            if error.errno not in (errno.EIO, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG):
                raise
            log.warning("%s: %s", printable(file.path), error.strerror or error)
            entry = None
        if entry:
            yield entry
        elif os.path.lexists(path):
            log.warning("%s: it could not be identified, so it is not added to the database",
                        printable(file.path))
            counts["unknown"] += 1


def _salvaged(temporary: Path) -> Entry | None:
    """The salvaged remains of a job that only a lost ledger knew."""
    final = temporary.with_name(
        temporary.name.removeprefix(".").removesuffix(files.TEMPORARY_SUFFIX)
    )
    told = _told_by_name(final)
    try:
        facts = salvage(Place(temporary, final)) if told else None
    except StillInUseError:
        return None
    return (final, told[0], told[1].and_then(facts)) if told and facts else None


def _whole(path: Path) -> Entry | None:
    """The facts in a recording's own file; None if it has none."""
    if not path.name.isprintable():
        return None  # a name of any bytes fits into no ledger
    told = _told_by_tags(path) or _told_by_name(path)
    if told is None:
        return None
    device, facts = told
    if facts.seconds is None:
        facts = facts.and_then(_measured(path))
    size, sha256 = files.digest(path)
    facts = replace(facts, size=size, sha256=sha256)
    return path, device, replace(facts, start_monotonic=None)  # it is of another boot than the job


def _told_by_tags(path: Path) -> tuple[str, RecordingFacts] | None:
    try:
        said = tags.read(path)
    except (tags.BadTagsError, ImportError):
        return None
    if said is None:
        return None
    return said.device, replace(
        said.facts, clock=said.clock, verdict=said.verdict, findings=said.findings or None,
        job=said.job,
    )


def _told_by_name(path: Path) -> tuple[str, RecordingFacts] | None:
    """The moment in a name is that of the job's begin; the quality of the clock is unknown."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    try:
        moment = datetime.strptime(found["moment"], "%Y-%m-%d@%H-%M-%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None  # a moment that there is not, such as one of 2026-02-31
    start = to_microseconds(moment)
    return found["device"], RecordingFacts(start, clock=clock.Quality.UNSURE)


def _measured(path: Path) -> RecordingFacts:
    try:
        return measure(path)
    except UnmeasurableError as error:
        return RecordingFacts(verdict=tags.FAILED, findings=(str(error),))
    except ImportError:
        return RecordingFacts()
