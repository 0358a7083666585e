"""Quarantine: a damaged ledger is renamed and kept complete beside the archive's other files.

The process that finds the damage writes a mark, a small durable file. The next start moves the
ledger away, begins a new one and enters an event there. A power cut in between leaves the mark, so
the next start finishes the move. beemon never deletes a ledger in quarantine.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import re
import sqlite3
from pathlib import Path

from beemon.base import clock
from beemon.base.moments import to_datetime
from beemon.base.values import value_class
from beemon.ledger.ledger import NAME
from beemon.ledger.rows import UNREADABLE
from beemon.ledger.schema import LayoutError
from beemon.storage import files

log = logging.getLogger(__name__)

MARK = "ledger.damaged"
MANY = 3
"""From this number of damaged ledgers, the disk itself is in doubt."""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CONTENT = (
    *_DAMAGE, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_TOOBIG,
)
_PARTS = ("-wal", "-shm", "")  # a new ledger must never meet the log of the old one
_LEAST_BYTES = 512  # of an SQLite database; it takes a shorter file for an empty one
_NAME = re.compile(r"ledger-damaged-[0-9@Z-]+\.db")


@value_class
class Damaged:
    """A ledger to be renamed to ``aside``, and its damage."""

    why: str
    aside: str


def is_damage(error: Exception) -> bool:
    """Whether the file itself is wrong, rather than that the disk fails or is busy."""
    return isinstance(error, LayoutError) or code_of(error) in _DAMAGE


def is_content(error: Exception) -> bool:
    """Whether what the ledger holds is to blame: its file, its tables or a value."""
    return isinstance(error, (LayoutError, *UNREADABLE)) or code_of(error) in _CONTENT


def code_of(error: Exception) -> int:
    """SQLite's code of an error, without the higher bits, which only name the place.

    It is 0 for the errors of Python's module, which have no code (sqlite.org/rescode).
    """
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def marked(archive: Path) -> Damaged | None:
    """The ledger marked as damaged; None if there is no mark. Raises ``OSError``.

    An unreadable mark also means damage. It is written again, so that its name stays the same.
    """
    try:
        said = json.loads((archive / MARK).read_text("utf-8"))
        if _NAME.fullmatch(said["aside"]):
            return Damaged(str(said["why"]), said["aside"])
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        log.warning("the mark %s cannot be read: %r", archive / MARK, error)
    return mark(archive, "it was found to be damaged")


def all_aside(archive: Path) -> list[Path]:
    """The damaged ledgers that were kept, the oldest first."""
    return sorted(archive.glob("ledger-damaged-*.db"))


def is_emptied(archive: Path) -> bool:
    """Whether there is a ledger of fewer bytes than one has, and no log that will fill it."""
    sizes = [
        (archive / f"{NAME}{part}").stat().st_size
        for part in ("", "-wal") if (archive / f"{NAME}{part}").exists()
    ]
    return bool(sizes) and sum(sizes) < _LEAST_BYTES


def has_odd_header(archive: Path) -> bool:
    """Whether the header names a format that no SQLite writes, for which it only ever reads."""
    try:
        with (archive / NAME).open("rb") as file:
            formats = file.read(20)[18:]
    except OSError:  # whoever opens it will say why
        return False
    return bool(set(formats) - {1, 2})


def mark(archive: Path, why: str) -> Damaged:
    """Mark the ledger as damaged, for the next start. Raises ``OSError``."""
    damaged = Damaged(why, _free_name(archive))
    with (archive / MARK).open("w", encoding="utf-8") as file:
        json.dump({"why": damaged.why, "aside": damaged.aside}, file)
        file.flush()
        os.fsync(file.fileno())
    files.sync_folder(archive)
    return damaged


def unmark(archive: Path) -> None:
    """Remove the mark: the damaged ledger is renamed, and the new one has an event about it."""
    (archive / MARK).unlink(missing_ok=True)
    files.sync_folder(archive)


def set_aside(archive: Path, damaged: Damaged) -> None:
    """Move what is left of it under its old name. Raises ``OSError``; it may be repeated."""
    if (archive / damaged.aside).exists():
        return  # the ledger itself was moved last: what has its name is a new one
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            (archive / f"{NAME}{part}").rename(archive / f"{damaged.aside}{part}")
            files.sync_folder(archive)


def _free_name(archive: Path) -> str:
    moment = to_datetime(clock.now().utc_us)
    stem = f"ledger-damaged-{moment:%Y-%m-%d@%H-%M-%SZ}"
    names = (f"{stem}{f'-{n}' if n > 1 else ''}.db" for n in itertools.count(1))
    return next(name for name in names if not (archive / name).exists())
