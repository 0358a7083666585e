"""Quarantine: a damaged ledger is set aside whole, beside the archive's other files.

It is decided by a mark, a small file that is durable before anything is moved: whoever finds the
damage leaves it, and the next start moves the ledger away, begins a new one and enters there what
happened. A power cut at any point between leaves the mark, so that the rest is done then. What
was set aside is never deleted by beemon.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from beemon import clock
from beemon.archive import recordings
from beemon.archive.ledger import NAME

MARK = "ledger.damaged"
MOST = 3
"""How many damaged ledgers may lie there: more would mean that the disk ruins each new one."""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PARTS = ("-wal", "-shm", "")  # a new ledger must never meet the log of the old one


class TooManyDamagedError(OSError):
    """Several ledgers were damaged already: another new one would not fare better."""


@dataclass(frozen=True)
class Damaged:
    """A ledger that is to be set aside under the name ``aside``, and what is wrong with it."""

    why: str
    aside: str


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is wrong, rather than that the disk fails or is busy."""
    code = getattr(error, "sqlite_errorcode", 0)  # the module's own errors have none
    return code & 0xFF in _DAMAGE  # the higher bits say where it was noticed (sqlite.org/rescode)


def marked(archive: Path) -> Damaged | None:
    """What is to be set aside, if anything is. Raises ``OSError``."""
    try:
        said = json.loads((archive / MARK).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:  # the mark itself was cut short: it says that there is damage all the same
        return Damaged("it was found to be damaged", _free_name(archive))
    return Damaged(said["why"], said["aside"])


def mark(archive: Path, why: str) -> Damaged:
    """Leave word that the ledger is to be set aside. Raises ``OSError``."""
    damaged = Damaged(why, _free_name(archive))
    with (archive / MARK).open("w", encoding="utf-8") as file:
        json.dump({"why": damaged.why, "aside": damaged.aside}, file)
        file.flush()
        os.fsync(file.fileno())
    recordings.sync_folder(archive)
    return damaged


def unmark(archive: Path) -> None:
    """It is set aside, and the new ledger says so."""
    (archive / MARK).unlink(missing_ok=True)
    recordings.sync_folder(archive)


def set_aside(archive: Path, damaged: Damaged) -> None:
    """Move what is left of it under its old name. Raises ``OSError``; it may be repeated."""
    if (archive / damaged.aside).exists():
        return  # the ledger itself was moved last: what has its name is a new one
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            (archive / f"{NAME}{part}").rename(archive / f"{damaged.aside}{part}")
            recordings.sync_folder(archive)


def _free_name(archive: Path) -> str:
    if len(list(archive.glob("ledger-damaged-*.db"))) >= MOST:
        raise TooManyDamagedError(
            f"{MOST} damaged ledgers lie in {archive} already, so that the disk itself is in "
            "doubt: replace the card, or move them elsewhere and restart beemon"
        )
    moment = datetime.fromtimestamp(clock.now().utc_us / 1e6, UTC)
    stem = f"ledger-damaged-{moment:%Y-%m-%d@%H-%M-%SZ}"
    again = (f"{stem}{suffix}.db" for suffix in ("", "-2", "-3", "-4"))
    return next(name for name in again if not (archive / name).exists())
