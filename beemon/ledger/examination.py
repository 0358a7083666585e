"""Examination: check that the ledger's file is intact, and that each row can be read.

It can take minutes on a small machine, so a thread of the lowest priority does it, soon after the
start and then daily. Its findings are reported; it changes nothing.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from beemon.base.values import value_class
from beemon.ledger import quarantine, rows
from beemon.ledger.ledger import LedgerReader
from beemon.ledger.quarantine import is_damage
from beemon.ledger.rows import Damage
from beemon.protocol.reports import Trouble

if TYPE_CHECKING:
    from beemon.base.progress import Progress

log = logging.getLogger(__name__)

KIND = "examination"
"""The events that say what an examination found."""
FIRST_SECONDS = 5.0
AGAIN_SECONDS = 86_400.0
_NAMED = 3
_MOST_ROWS = 10_000
_LOWEST = 19


@value_class
class Found:
    """The damage of the file, in SQLite's words (None: there is none), and the damaged rows."""

    file: str | None = None
    rows: tuple[Damage, ...] = ()

    @property
    def troubles(self) -> list[Trouble]:
        """The problems to show."""
        found = []
        if self.file:
            found.append(Trouble(
                "ledger-file", f"the database file is damaged ({self.file})",
                "sudo systemctl stop beemon; sudo -u beemon beemon archive rebuild; "
                "sudo systemctl start beemon",
            ))
        if self.rows:
            count = len(self.rows)
            named = ", ".join(f"{one.table} {one.row}" for one in self.rows[:_NAMED])
            more = ", …" if count > _NAMED else ""
            are = "1 row of the database is damaged and" if count == 1 else \
                f"{count} rows of the database are damaged and"
            found.append(Trouble(
                "ledger-rows", f"{are} left out ({named}{more})", "to see why: beemon archive check"
            ))
        return found


def of_file(archive: Path, progress: Progress | None = None) -> str | None:
    """The damage of the ledger's file, in SQLite's words.

    None if there is none, or if this cannot be determined now. Raises
    :class:`~beemon.base.progress.StoppedError`.
    """
    def look(db: sqlite3.Connection) -> str | None:
        with progress.stopping(db.interrupt) if progress else nullcontext():
            return _quick_check(db)

    return _look_into(archive, look, is_damage)


def of_ledger(archive: Path) -> str | None:
    """The damage of the ledger's file, or of its first damaged row.

    None if there is none, or if this cannot be determined now.
    """
    return _look_into(archive, _first_damage, quarantine.is_content)


def _look_into(
    archive: Path, look: Callable[[sqlite3.Connection], str | None],
    is_ledgers: Callable[[Exception], bool],
) -> str | None:
    """The result of a look, or the error that ended it, if the ledger caused it."""
    try:
        with closing(LedgerReader(archive)) as reader:
            return look(reader.db)
    except sqlite3.DatabaseError as error:
        return str(error) if is_ledgers(error) else None


def _first_damage(db: sqlite3.Connection) -> str | None:
    return _quick_check(db) or next(map(str, rows.damaged(db)), None)


def of(db: sqlite3.Connection) -> Found:
    """The damage. Raises ``sqlite3.DatabaseError``."""
    wrong = _quick_check(db)
    missing = [
        Damage(row[0], str(row[1]), f"it refers to a row of {row[2]} that does not exist")
        for row in db.execute("PRAGMA main.foreign_key_check").fetchmany(_MOST_ROWS)
    ]
    return Found(wrong, (*islice(rows.damaged(db), _MOST_ROWS), *missing))


def _quick_check(db: sqlite3.Connection) -> str | None:
    """SQLite's first complaint on the file; those on values are the rows' own."""
    for (said,) in db.execute("PRAGMA main.quick_check(100)").fetchall():
        if said != "ok" and not said.startswith(_ON_VALUES):
            return str(said).splitlines()[-1]
    return None


_ON_VALUES = ("NULL value in", "CHECK constraint failed", "NUMERIC value in", "TEXT value in",
              "non-")


class Examiner(threading.Thread):
    """Examines an archive's ledger again and again; ``tell`` gets what it found each time.

    An error of SQLite's that means damage ends the process, with word for the next start.
    """

    def __init__(
        self,
        archive: Path,
        tell: Callable[[Found], None],
        *,
        first_seconds: float = FIRST_SECONDS,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        super().__init__(name="examiner", daemon=True)
        self._archive = archive
        self._tell = tell
        self._first_seconds, self._again_seconds = first_seconds, again_seconds
        self._ending = threading.Event()

    def finish(self) -> None:
        """Have it begin nothing more; it ends with the process."""
        self._ending.set()

    def run(self) -> None:
        """Examine, then wait for the next time."""
        with suppress(PermissionError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)  # of this thread
        seconds = self._first_seconds
        while not self._ending.wait(seconds):
            seconds = self._again_seconds
            try:
                with closing(LedgerReader(self._archive)) as reader:
                    reader.db.set_progress_handler(self._ending.is_set, 100_000)
                    self._tell(of(reader.db))
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    quarantine.mark(self._archive, str(error))
                    raise
                if not self._ending.is_set():
                    log.warning("the database could not be examined: %s", error)
