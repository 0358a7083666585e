"""Courier: brings the records of the ledger to one destination, at its own pace.

The courier is a thread. It follows the changes of the ledger with a cursor of its own. Nothing is
forgotten before the destination has acknowledged it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable

from beemon.base.clock import MACHINE, Clock
from beemon.base.defects import contain
from beemon.ledger.changes import Page
from beemon.ledger.reader import ArchiveReader
from beemon.uplink.backoff import Backoff
from beemon.uplink.contract import (
    Batch,
    Destination,
    EventRecord,
    Newest,
    NotDeliveredError,
    Record,
)
from beemon.uplink.cursors import CursorFile
from beemon.uplink.feed import News, cursor_behind
from beemon.uplink.hive import Hive
from beemon.uplink.state import States

NEWEST_SECONDS = 300.0
"""The time between two looks at the present state during a backlog."""
_PAUSE_SECONDS = 60.0
"""The longest time until the next turn while records wait."""
_REST_SECONDS = 300.0
"""The longest time until the next turn of a destination that has everything that it wants."""


class Courier(threading.Thread):
    """Serves one destination until :meth:`end`."""

    def __init__(
        self, name: str, destination: Destination, hive: Hive, states: States,
        cursor: CursorFile, clock: Clock = MACHINE, backoff: Backoff | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._destination, self._hive, self._states = destination, hive, states
        self._cursor, self._clock = cursor, clock
        self._backoff = backoff or Backoff()
        self._news = threading.Event()
        self._urgent = threading.Event()
        self._ending = threading.Event()
        self._resting_until = 0.0
        self._waits = self._rests = False
        self._newest_at = -NEWEST_SECONDS

    def wake(self) -> None:
        """Look at the archive soon: it has changed."""
        self._news.set()

    def tell(self, records: Iterable[Record]) -> None:
        """Wake if the destination wants any of these new records at once, or has a defect."""
        if contain(lambda: any(map(self._destination.wants, records)), self._log_defect):
            self.wake()

    def hurry(self) -> None:
        """Take a turn at once, also during a back-off: a person asks for it."""
        self._urgent.set()
        self._news.set()

    def end(self, seconds: float) -> None:
        """Stop, after the call that is under way, and save the cursor."""
        self._ending.set()
        self._urgent.set()
        self._news.set()
        self.join(seconds)

    def run(self) -> None:
        """Deliver until the end; a defect of the destination costs this destination a pause."""
        while not self._ending.is_set():
            pause = contain(self._take_turn, self._note_defect)
            self._wait(min(pause, _REST_SECONDS if self._rests else _PAUSE_SECONDS))
        contain(self._finish, self._note_defect)

    def _wait(self, seconds: float) -> None:
        """Wait for news, or for the end of a back-off, which news does not shorten."""
        rest = self._resting_until - time.monotonic()
        if rest > 0:
            self._urgent.wait(rest)
        else:
            self._news.wait(seconds)
        self._urgent.clear()
        self._news.clear()

    def _take_turn(self) -> float:
        """Deliver what is there; the time in seconds until the next turn."""
        try:
            trouble = self._read_archive()
            pause = self._destination.look(self._clock.now())
        except NotDeliveredError as error:
            return self._rest(str(error), error.retry_after)
        except sqlite3.Error as error:
            return self._rest(f"the archive cannot be read: {error}")
        except ConnectionError as error:
            return self._rest(f"the hive cannot be asked: {error}")
        except OSError as error:
            return self._rest(f"a file cannot be used: {error}")
        pause = _REST_SECONDS if pause is None else max(0.0, pause)
        trouble = trouble or self._cursor.trouble
        if trouble is not None:
            self._states.note(self.name, state="in-trouble", trouble=trouble)
            return pause
        self._backoff.reset()
        self._states.note(
            self.name, state="waiting" if self._waits else "working", trouble=None
        )
        return pause

    def _read_archive(self) -> str | None:
        """Deliver what is new; without an archive, the problem. The destination looks anyway."""
        self._waits = self._rests = False
        try:
            reader = self._hive.reader
        except (sqlite3.Error, OSError) as error:
            return f"the archive cannot be read: {error}"
        try:
            self._deliver_changes(reader)
        except sqlite3.Error as error:
            self._hive.drop(reader)
            return f"the archive cannot be read: {error}"
        self._rests = self._hive.feed.is_read(self._cursor.cursor)
        return None

    def _deliver_changes(self, reader: ArchiveReader) -> None:
        """Deliver what is new, but not for long: the destination has to look in time."""
        feed, until = self._hive.feed, self._clock.now().monotonic + _PAUSE_SECONDS
        while not self._ending.is_set() and not feed.is_read(self._cursor.cursor):
            if self._clock.now().monotonic >= until:
                self._news.set()
                return
            news = self._read(reader)
            if not news.page.changes:
                self._cursor.advance(news.page.cursor, at_once=False)
                if news.is_last:
                    return
                continue
            if not news.is_last and not self._may_catch_up():
                return
            if not self._deliver(news):
                return

    def _read(self, reader: ArchiveReader) -> News:
        """The next changes; a destination without a place begins at the end."""
        news = self._hive.feed.read(reader, self._cursor.cursor)
        if news.page.is_first and self._cursor.place is None:
            return News(Page([], reader.end_of_changes()), is_last=True)
        return news

    def _may_catch_up(self) -> bool:
        """Show the present state first; whether the link may carry history now."""
        if time.monotonic() - self._newest_at >= NEWEST_SECONDS:
            self._destination.show_newest(self._look_for_newest())
            self._newest_at = time.monotonic()
        self._waits = not self._hive.meter.may_send()
        if not self._waits:
            self._states.note(self.name, state="catching-up")
        return not self._waits

    def _look_for_newest(self) -> Newest:
        return Newest(self._hive.latest(), self._hive.ask_status())

    def _deliver(self, news: News) -> bool:
        """Deliver one page; whether the destination has all of it."""
        records = news.records
        batch = Batch(self._hive.uuid(), records, news.page.is_first, news.is_last)
        try:
            count = self._destination.deliver(batch)
        except NotDeliveredError as error:
            self._acknowledge(news, error.acknowledged)
            raise
        self._acknowledge(news, count)
        return count >= len(records)

    def _acknowledge(self, news: News, count: int) -> None:
        """Move the cursor behind the acknowledged records; those that are gone count with them."""
        records, page = news.records, news.page
        has_event = any(isinstance(record, EventRecord) for record in records[:count])
        if count >= len(records):
            self._cursor.advance(page.cursor, at_once=has_event)
        elif count > 0:
            last = news.found.index(records[count - 1])
            self._cursor.advance(cursor_behind(page, page.changes[last]), at_once=has_event)

    def _rest(self, trouble: str, wanted: float | None = None) -> float:
        pause = self._backoff.next_pause(wanted)
        self._resting_until = time.monotonic() + pause
        self._states.note(self.name, state="in-trouble", trouble=trouble)
        return pause

    def _log_defect(self, error: Exception) -> bool:
        return bool(self._states.log_defect(self.name, error))

    def _note_defect(self, error: Exception) -> float:
        return self._rest(self._states.log_defect(self.name, error))

    def _finish(self) -> float:
        self._cursor.save()
        self._destination.close()
        return 0.0
