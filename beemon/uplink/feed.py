"""Feed: the changes of the ledger with their records, read once for all couriers.

Couriers that are up to date all read the same page, and most often one of a single job.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from beemon.base.values import value_class
from beemon.ledger.changes import Change, Cursor, Page
from beemon.ledger.reader import ArchiveReader
from beemon.uplink.contract import EventRecord, JobRecord, Record

MOST = 100
"""Maximum number of records in a batch."""
MOST_READINGS = 5000
"""Number of readings from which on a batch ends: its memory is bounded, too."""


@value_class
class News:
    """A page of changes, and for each the record; None if it was deleted or cannot be read.

    ``is_last``: there are no more changes behind it.
    """

    page: Page
    found: tuple[Record | None, ...] = ()
    is_last: bool = False

    @property
    def records(self) -> tuple[Record, ...]:
        """The records that are there."""
        return tuple(record for record in self.found if record)


class Feed:
    """The changes of one ledger; usable by any thread."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._seen: tuple[ArchiveReader, int] | None = None
        self._end: Cursor | None = None
        self._latest: tuple[Cursor, News] | None = None

    def look(self, reader: ArchiveReader) -> Sequence[Record] | None:
        """The records since the last look.

        None if they are not known, so that each courier has to read. So it is at the first look,
        after another ledger has come, and if there are too many. Raises ``sqlite3.Error``.
        """
        version = reader, reader.version()
        with self._mutex:
            if version == self._seen:
                return ()
            before, self._latest = self._end, None
            news = None if before is None else _read(reader, before)
            if before is None or news is None or not news.is_last or news.page.is_first:
                self._end, self._seen = reader.end_of_changes(), version
                return None
            self._end, self._seen, self._latest = news.page.cursor, version, (before, news)
            return news.records

    def forget(self) -> bool:
        """Know nothing until the next look, as the ledger is away; whether anything was known."""
        with self._mutex:
            was_known = self._seen is not None
            self._seen = self._end = self._latest = None
            return was_known

    def is_read(self, cursor: Cursor | None) -> bool:
        """Whether the last look found no change behind this cursor."""
        end = self._end
        if end is None or cursor is None or (cursor.job, cursor.event) != (None, None):
            return False
        return cursor.ledger == end.ledger and cursor.change >= end.change

    def read(self, reader: ArchiveReader, cursor: Cursor | None) -> News:
        """The next changes behind a cursor. Raises ``sqlite3.Error``."""
        with self._mutex:
            if self._latest is not None and self._latest[0] == cursor:
                return self._latest[1]
        return _read(reader, cursor)


def cursor_behind(page: Page, change: Change) -> Cursor:
    """The cursor behind one change of a page, also while the reader is led through the ledger."""
    if page.cursor.job is not None:
        return replace(page.cursor, job=change.job)
    if page.cursor.event is not None:
        return replace(page.cursor, event=change.event)
    return replace(page.cursor, change=change.change)


def _read(reader: ArchiveReader, cursor: Cursor | None) -> News:
    """A page with its records, up to :data:`MOST_READINGS`: an import has the readings of a day."""
    page = reader.changes(cursor, MOST)
    found: list[Record | None] = []
    readings = 0
    for number, change in enumerate(page.changes, 1):
        found.append(record := _find(reader, change))
        readings += len(record.readings) if isinstance(record, JobRecord) else 0
        if readings >= MOST_READINGS and number < len(page.changes):
            cut = Page(page.changes[:number], cursor_behind(page, change), page.is_first)
            return News(cut, tuple(found))
    is_led = (page.cursor.job, page.cursor.event) != (None, None)
    return News(page, tuple(found), len(page.changes) < MOST and not is_led)


def _find(reader: ArchiveReader, change: Change) -> Record | None:
    if change.job is not None:
        found = reader.record(change.job)
        if found is None:
            return None
        return JobRecord(change.change, found.job, found.readings, found.recording)
    event = None if change.event is None else reader.event(change.event)
    return None if event is None else EventRecord(change.change, event)
