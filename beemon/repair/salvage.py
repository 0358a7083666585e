"""Salvage: repair recordings that a crash left unfinished, or delete them, without devices.

The file is cut in place after its last complete part. This needs no space on a full disk, and can
be repeated after another crash. Then the recording is checked and kept like any other.
"""

from __future__ import annotations

import errno
import fcntl
import logging
from dataclasses import replace
from pathlib import Path

from beemon.base.recording import RecordingFacts
from beemon.checks.examine import try_to_examine
from beemon.ledger import recovery
from beemon.ledger.ledger import Ledger
from beemon.media import flac, jpeg, mp4, tags
from beemon.media.kinds import Kind, kind_of
from beemon.media.measure import UnmeasurableError, measure
from beemon.storage import files
from beemon.storage.files import Place

log = logging.getLogger(__name__)

_MENDERS = {Kind.FLAC: flac.mend, Kind.MP4: mp4.mend, Kind.JPEG: jpeg.count_whole}
"""Functions that cut a file of a kind after its last complete part, and return the number of
parts."""


class StillInUseError(BlockingIOError):
    """The worker that wrote the file has not gone yet."""


def salvage(where: Place) -> RecordingFacts | None:
    """Give the file at ``where.temporary`` its final name; return the facts about it.

    Return None if nothing in it could be kept; it is then deleted. The facts hold ``size``,
    ``sha256`` and the measurements. They also hold ``salvaged``, or ``recovered`` for a complete
    file with its final name, and the ``verdict`` and ``findings`` of a failed check. Raises
    :class:`StillInUseError`, ``OSError``.
    """
    if not where.temporary.exists():
        if where.final.parent.is_dir():  # who gave it that name, or removed it, may have ended
            files.sync_folder(where.final.parent)
        if not where.final.exists():
            return None
        return replace(_facts(where.final, *files.digest(where.final)), recovered=True)
    refuse_if_in_use(where.temporary)
    if not _mend(where.temporary):
        where.temporary.unlink()
        files.sync_folder(where.temporary.parent)
        return None
    return replace(_facts(where.final, *files.keep_file(where)), salvaged=True)


def salvage_all(ledger: Ledger) -> int:
    """Salvage and enter all waiting remains at once; return their number.

    The caller must be the only user of the archive. Raises ``OSError``, ``sqlite3.Error``.
    """
    found = recovery.leftovers(ledger)
    for leftover in found:
        salvaged = salvage(leftover.place)
        with ledger.transaction():
            recovery.settle(ledger, leftover, salvaged)
    return len(found)


def refuse_if_in_use(path: Path) -> None:
    """Raise :class:`StillInUseError` if another process has the file open.

    The kernel grants a write lease on a file only to the single process that has it open
    (fcntl(2)).
    """
    with path.open("r+b") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError as error:
            raise StillInUseError(error.errno, "is still being written", str(path)) from error
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EACCES):  # no leases on this filesystem
                raise


def _mend(path: Path) -> int:
    """Cut the file behind its last whole part; 0 if there is none."""
    kind = kind_of(path)
    try:
        return _MENDERS[kind](path) if kind else 0
    except ValueError:
        return 0


def _facts(path: Path, size: int, sha256: str) -> RecordingFacts:
    """The facts in the file's tags, if it was finished, and those found by measuring it."""
    told = _told(path)
    try:
        measured = measure(path)
    except UnmeasurableError as error:
        findings = (str(error),)
        return replace(told, verdict=tags.FAILED, findings=findings, size=size, sha256=sha256)
    found = try_to_examine(path, measured)
    for look, details in found.defects.items():
        log.error("%s: the %s has a defect:\n%s", path.name, look, details.rstrip())
    return replace(found.judged(told.and_then(measured)), size=size, sha256=sha256)


def _told(path: Path) -> RecordingFacts:
    """The facts in the tags, which are a recording's last bytes; none without tags."""
    try:
        said = tags.read(path)
    except (tags.BadTagsError, ImportError):
        return RecordingFacts()
    return replace(said.facts, clock=said.clock) if said else RecordingFacts()
