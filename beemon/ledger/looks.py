"""Looks: analyses of the data beside recording it. A defect in one disables only that one.

A look that raises an error is off until the next reload or restart; a part of one, such as a rule,
until it works again. Its own writes are undone, and other writes of the transaction are kept. The
traceback goes to the journal and into an event, and `status` names the missing function. Errors of
the disk are not the look's fault: they are raised to the caller.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from beemon.base.defects import Judge, attempt
from beemon.ledger import events, quarantine
from beemon.ledger.ledger import Ledger
from beemon.ledger.writer import Write, Written
from beemon.protocol.reports import Trouble

log = logging.getLogger(__name__)

T = TypeVar("T")
U = TypeVar("U")

KIND = "defect"
"""The kind of its events."""

LOOKS = {
    "clock": "changes of the clock are not reported",
    "steps": "changes of the weight are not reported",
    "drift": "the temperature drift of scales cannot be fitted",
    "hours": "the sums of past hours and days are not kept up to date",
    "redating": "records with an unsure clock keep their timestamps",
    "compensation": "weights are not compensated for the temperature",
    "calibrations": "calibrations made at the hive are not used",
    "inspection": "an inspection that began before the start is not resumed",
    "power": "the power profile of before the start is not resumed",
    "features": "recordings are kept without features",
    "check": "recordings are kept unchecked",
    "tags": "recordings are kept without tags in their files",
    "retention": "no recording is deleted to free space",
    "room": "free space is not watched, and recording does not pause when the disk is full",
    "leftovers": "unfinished recordings are not repaired",
    "plan": "`beemon budget` does not know what the schedules need",
    "insights": "there are no findings about the colony",
    "counting": "the bees in videos are not counted",
    "tilt": "a hive that falls over is reported the next morning only",
}
"""Every look, and what the hive goes without while it is off."""

_REMEDY = (
    "to see the cause: beemon events 7d defect; to try again: sudo systemctl reload beemon"
)
_DISKS = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOTADB,
}
_DISKS_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
_MOST_TEXT = 20_000
"""Maximum number of characters of a traceback to keep: its last ones."""


def is_disks(error: Exception) -> bool:
    """Whether the disk, or the file as a whole, is to blame for an error."""
    if isinstance(error, sqlite3.Error):
        return quarantine.code_of(error) in _DISKS
    return isinstance(error, OSError) and error.errno in _DISKS_ERRNOS


class Looks:
    """Runs looks, and knows which are off. ``write`` has something written to the ledger;
    ``changed`` is called when one goes off, in the thread in which that was noticed."""

    def __init__(
        self, write: Callable[[Write, Written], None], changed: Callable[[], None] = lambda: None
    ) -> None:
        self._write, self._changed = write, changed
        self._off: dict[str, Trouble] = {}
        self._lock = threading.Lock()

    @property
    def troubles(self) -> list[Trouble]:
        """The functions that are missing because their looks are off."""
        return list(self._off.values())

    def is_on(self, name: str) -> bool:
        """Whether a look has shown no defect yet."""
        return name not in self._off

    def guard(self, name: str, look: Callable[[], T], otherwise: U) -> T | U:
        """The result of a look; ``otherwise`` if the look is off, or fails now.

        Raises the SQLite errors that mean a damaged ledger, because the process must then end.
        """
        return self._guarded(name, look, otherwise, _is_damage)

    def take(
        self, name: str, ledger: Ledger, look: Callable[[Ledger], T], otherwise: U
    ) -> T | U:
        """:meth:`guard` for a look within a transaction, which may write.

        Raises errors of the disk, so that the owner of the transaction repeats all of it.
        """

        def undoable() -> T:
            ledger.db.execute("SAVEPOINT look")
            try:
                found = look(ledger)
            except Exception as error:
                if not ledger.db.in_transaction and not is_disks(error):
                    self.switch_off(name, traceback.format_exc())
                    raise sqlite3.OperationalError("SQLite undid the transaction") from error
                if ledger.db.in_transaction:
                    ledger.db.execute("ROLLBACK TO look")
                    ledger.db.execute("RELEASE look")
                raise
            ledger.db.execute("RELEASE look")
            return found

        return self._guarded(
            name, undoable, otherwise,
            lambda error: is_disks(error) or not ledger.db.in_transaction,
        )

    def within(self, name: str, look: Callable[[Ledger], Any], otherwise: Any) -> Write:
        """The same as something for the ledger's writer to do."""
        return lambda ledger: self.take(name, ledger, look, otherwise)

    def switch_off(self, name: str, details: str, without: str | None = None) -> None:
        """Have a look off over a defect, and enter that with its traceback.

        ``without`` is the function that is missing then, for a part of a look of :data:`LOOKS`.
        """
        without, details = without or LOOKS[name], _storable(details)
        with self._lock:
            if not self.is_on(name):
                return
            self._off[name] = Trouble(
                name, f"an analysis of the data failed and is switched off, so {without}", _REMEDY
            )
        cause = details.strip().rpartition("\n")[2]
        log.error("%s is off, so %s; beemon has a defect:\n%s", name, without, details.rstrip())
        self._write(
            lambda ledger: events.enter(
                ledger, KIND, f"{name} is off, so {without}: {cause}", look=name, traceback=details
            ),
            lambda _: None,
        )
        self._changed()

    def note_parts(
        self, name: str, defects: Mapping[str, str], without: str, *, may_end: bool = True
    ) -> None:
        """Note which parts of a look failed in its latest run, with their tracebacks.

        The others work: a defect of before is then over, unless it may not end yet.
        """
        for part, details in defects.items():
            self.switch_off(part, details, without)
        with self._lock:
            over = [
                one for one in self._off
                if may_end and one.startswith(f"{name}.") and one not in defects
            ]
            for one in over:
                del self._off[one]
        if over:
            self._changed()

    def _guarded(
        self, name: str, look: Callable[[], T], otherwise: U, goes_up: Judge
    ) -> T | U:
        if not self.is_on(name):
            return otherwise
        found, details = attempt(look, otherwise, goes_up)
        if details:
            self.switch_off(name, details)
        return found

    def switch_on(self) -> set[str]:
        """Try again what is off; return the names."""
        with self._lock:
            names = set(self._off)
            self._off.clear()
        return names


def _is_damage(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and quarantine.is_damage(error)


def _storable(text: str) -> str:
    """The end of a text, without the halves of characters that a file's name may bring."""
    return text[-_MOST_TEXT:].encode("utf-8", "backslashreplace").decode("utf-8")
