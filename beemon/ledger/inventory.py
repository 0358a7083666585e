"""Inventory: find files of the archive that the ledger does not know; the service may run.

Each folder is listed before the ledger is queried. A file that is finished or deleted meanwhile is
therefore either known or gone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from beemon.base.values import value_class
from beemon.ledger import rows
from beemon.storage import files

_ROWS_OF_FOLDER = "SELECT path, deleted_us FROM recordings WHERE path > ? AND path < ?"
_OF_JOBS = (
    "SELECT temporary, final FROM jobs WHERE outcome IS NULL AND temporary IS NOT NULL"
    " UNION ALL SELECT leftover, final FROM jobs WHERE leftover IS NOT NULL"
)


@value_class
class Unknown:
    """A file that no recording and no job accounts for; ``path`` is relative to the archive.

    ``is_deleted``: the ledger says that it was deleted.
    """

    path: str
    is_deleted: bool

    @property
    def is_temporary(self) -> bool:
        """Whether it was never finished."""
        return files.is_temporary(Path(self.path))


def unknown_files(archive: Path, db: sqlite3.Connection) -> Iterator[Unknown]:
    """The files that the ledger does not know, sorted by name. Raises ``OSError``."""
    for folder, subfolders, names in os.walk(archive / files.FOLDER):
        subfolders.sort()
        within = str(Path(folder).relative_to(archive))
        paths = [f"{within}/{name}" for name in sorted(names)]
        if not within.isprintable():
            yield from (Unknown(path, is_deleted=False) for path in paths)
            continue  # the ledger can name no such folder
        for found in _unaccounted(db, within, paths):
            if os.path.lexists(archive / found.path):
                yield found


def has_files(archive: Path) -> bool:
    """Whether there is any file at all among the recordings."""
    return any(names for _, _, names in os.walk(archive / files.FOLDER))


def _unaccounted(db: sqlite3.Connection, within: str, paths: list[str]) -> list[Unknown]:
    with rows.one_moment(db):
        found = db.execute(_ROWS_OF_FOLDER, (f"{within}/", f"{within}0")).fetchall()
        known = {path for row in db.execute(_OF_JOBS) for path in row}
    known |= {row["path"] for row in found if row["deleted_us"] is None}
    deleted = {row["path"] for row in found if row["deleted_us"] is not None}
    return [Unknown(path, path in deleted) for path in paths if path not in known]
