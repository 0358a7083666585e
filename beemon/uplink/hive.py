"""Hive: the archive and the service, as one destination uses them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from beemon.base.clock import MACHINE, Clock, Quality
from beemon.base.facts import JsonObject
from beemon.base.moments import iso
from beemon.base.readings import Reading
from beemon.ledger.reader import ArchiveReader
from beemon.protocol.client import Client
from beemon.protocol.replies import ReadingFacts
from beemon.uplink.contract import Record
from beemon.uplink.feed import Feed
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkOptions
from beemon.uplink.state import States

_LEDGER = "ledger.db"
REQUESTS = "requests"
"""The folder in the runtime folder in which the group may ask for work."""


class RefusedError(Exception):
    """The service refused a request; the text says why."""


class Archive:
    """The archive, for reading, also after another ledger has taken the place of the first one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.feed = folder, Feed()
        self._mutex = threading.Lock()
        self._reader: ArchiveReader | None = None
        self._file: tuple[int, int] | None = None

    def reader(self) -> ArchiveReader:
        """The reader of the ledger that is there now. Raises ``OSError`` if there is none."""
        try:
            state = (self.folder / _LEDGER).stat()
        except OSError:
            self.close()  # an open file would keep its disk from being unmounted
            raise
        with self._mutex:
            if self._reader is None or self._file != (state.st_dev, state.st_ino):
                self._close()
                self._reader = ArchiveReader(self.folder)
                self._file = state.st_dev, state.st_ino
            return self._reader

    def find_news(self) -> Sequence[Record] | None:
        """The records since the last look.

        None if they are not known, so that each courier has to read, or the ledger is away.
        """
        try:
            return self.feed.look(self.reader())
        except (OSError, sqlite3.Error):
            return None if self.feed.forget() else ()

    def drop(self, reader: ArchiveReader) -> None:
        """Open the ledger again for the next query, as this reader failed.

        A disk that was away comes back as the same file, which the open one is not.
        """
        with self._mutex:
            if self._reader is reader:
                self._close()

    def close(self) -> None:
        """Close the ledger."""
        with self._mutex:
            self._close()

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class Hive:
    """The hive as one destination may use it."""

    def __init__(
        self, destination: str, options: UplinkOptions, archive: Archive, meter: Meter,
        states: States, clock: Clock = MACHINE,
    ) -> None:
        self.name = options.hive
        self.public_url = options.public_url
        self.meter, self.clock = meter, clock
        self.hurry: Callable[[], None] = lambda: None
        """Makes the courier take a turn at once, also during a back-off; from any thread."""
        self.archive_folder = options.archive
        self.state_folder = options.state / destination
        """The destination's own folder for its memory; no other user may read it."""
        self.runtime_folder = options.runtime
        self._destination = destination
        self._connect: Callable[[], Client] = options.connect
        self._archive, self._states = archive, states
        self.state_folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def reader(self) -> ArchiveReader:
        """The archive, for reading. Raises ``OSError`` if there is none now."""
        return self._archive.reader()

    @property
    def feed(self) -> Feed:
        """The changes of the ledger, with their records."""
        return self._archive.feed

    def drop(self, reader: ArchiveReader) -> None:
        """Open the archive again for the next query, as this reader failed."""
        self._archive.drop(reader)

    def latest(self) -> tuple[ReadingFacts, ...]:
        """The present state: the latest reading of each quantity, unless it was imported.

        Raises ``OSError`` or ``sqlite3.Error``.
        """
        return tuple(one for one in self.reader.latest() if one.clock != Quality.IMPORTED)

    def latest_readings(self) -> list[Reading]:
        """The same readings with their exact times. Raises ``OSError`` or ``sqlite3.Error``."""
        found = self.reader.latest_readings()
        return [one for one in found if one.at.quality is not Quality.IMPORTED]

    def uuid(self) -> str:
        """The UUID of the archive. Raises ``OSError`` or ``sqlite3.Error`` if it is not known."""
        found = self.reader.uuid()
        if found is None:
            raise sqlite3.OperationalError("the archive has no number of its own")
        return found

    def ask(self, query: str) -> JsonObject:
        """The service's reply to a query.

        Raises ``ConnectionError`` if it does not answer, and :class:`RefusedError`.
        """
        [reply] = self.ask_all(query)
        return reply

    def ask_all(self, *queries: str) -> tuple[JsonObject, ...]:
        """The service's replies to queries, by one connection: each wakes it several times.

        Raises as :meth:`ask`.
        """
        with self._connect() as client:
            return tuple(_payload(client, query) for query in queries)

    def ask_status(self) -> JsonObject | None:
        """The service's status; None if it does not answer."""
        try:
            return self.ask("status")
        except (ConnectionError, RefusedError):
            return None

    def send_command(self, command: str) -> int:
        """Send a command to the service; return the number of its job.

        The origin of the job begins with the destination's name. Raises ``ConnectionError`` if the
        service does not answer, and :class:`RefusedError`.
        """
        with self._connect() as client:
            _payload(client, f"as {self._destination}")
            return int(str(_payload(client, command)["job"]))

    def take_request(self, name: str) -> bool:
        """Whether somebody asked for this work, by a file in the folder of requests.

        The file is removed.
        """
        try:
            (self.runtime_folder / REQUESTS / name).unlink()
        except OSError:
            return False
        return True

    def note_delivery(self) -> None:
        """Show that something has arrived at the destination just now, with its proof."""
        self._states.note(self._destination, delivered=iso(self.clock.now().utc_us))

    def tell_trouble(self, trouble: str | None) -> None:
        """Show a problem that keeps nothing else from being delivered; None: it is over."""
        self._states.note(self._destination, note=trouble)

    def tell_limit(self, limit: str | None) -> None:
        """Show something that the destination cannot do here, by somebody's choice."""
        self._states.note(self._destination, limit=limit)


def _payload(client: Client, text: str) -> JsonObject:
    reply = client.request(text)
    if not reply.ok:
        raise RefusedError(str(reply.payload.get("message")))
    return reply.payload
