"""Identity: which archive this is, so that a wrong one in its place is noticed.

A disk that is not mounted leaves an empty folder in its place, which looks like a new archive.
Therefore each ledger holds the UUID of its archive. A small file elsewhere holds the UUID expected
for each path, and an upper limit of the job numbers in use.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
from pathlib import Path

from beemon.base.values import value_class
from beemon.ledger import events
from beemon.ledger.ledger import Ledger, LedgerReader

log = logging.getLogger(__name__)

KIND = "archive"
"""The event that says that another archive than before is in use."""
_MODE = 0o640
JOBS_AHEAD = 10_000
"""Number of job numbers reserved at a time, so that the file is seldom written."""


@value_class
class Known:
    """The archive that belongs at a place; none of its jobs has a number above ``jobs``."""

    uuid: str
    jobs: int


class Memory:
    """Remembers in ``file`` which archive belongs in the folder ``archive``.

    An unreadable file counts as empty. A failure to write it is logged.
    """

    def __init__(self, file: Path, archive: Path) -> None:
        self._file = file
        self._place = str(archive.absolute())

    def known(self) -> Known | None:
        """The archive that belongs here, if one was ever seen here."""
        found = self._all().get(self._place)
        try:
            return Known(str(found["uuid"]), int(found["jobs"]))  # type: ignore[index]
        except (TypeError, KeyError, ValueError):
            return None

    def keep(self, known: Known) -> None:
        """Remember this one, durably."""
        if known == self.known():
            return
        from beemon.base.replacing import replace_file, sync_folder  # most starts keep nothing

        all_known = {**self._all(), self._place: {"uuid": known.uuid, "jobs": known.jobs}}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._file, json.dumps(all_known).encode(), _MODE)
            sync_folder(self._file.parent)
        except OSError as error:
            log.warning("the archive that belongs in %s was not remembered: %s", self._place, error)

    def __str__(self) -> str:
        return str(self._file)

    def _all(self) -> dict[str, object]:
        try:
            found = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def settle(ledger: Ledger, known: Known | None, *, follows: bool = False) -> str:
    """Give a new ledger its archive's UUID, and return what the ledger's archive has.

    A ledger that ``follows`` a damaged one is the same archive's; jobs go on behind the known ones
    in any case. Stands within a transaction.
    """
    row = ledger.db.execute("SELECT uuid FROM sound_archive").fetchone()
    if row is not None:
        return str(row["uuid"])
    had_one = ledger.db.execute("DELETE FROM archive").rowcount > 0  # which cannot be read
    own = known.uuid if known and (follows or had_one) else _new_uuid()
    values = (own, ledger.clock.now().utc_us, known.jobs + 1 if known else 1)
    ledger.db.execute("INSERT INTO archive (uuid, made_us, first_job) VALUES (?, ?, ?)", values)
    return own


def _new_uuid() -> str:
    import uuid  # it brings `platform`, and only a new archive needs one

    return str(uuid.uuid4())


def enter_stranger(ledger: Ledger, expected: str, message: str) -> None:
    """Enter once that another archive is in use than the expected one, within a transaction."""
    latest = events.latest(ledger, KIND)
    if latest is None or latest.facts.get("expected") != expected:
        events.enter(ledger, KIND, message, expected=expected)


def at(archive: Path) -> str | None:
    """The UUID of the archive that is in a folder now, if it can be read."""
    try:
        with contextlib.closing(LedgerReader(archive)) as reader:
            row = reader.db.execute("SELECT uuid FROM sound_archive").fetchone()
    except sqlite3.Error:
        return None
    return str(row["uuid"]) if row else None
