"""Changes: server-sent events, so that an open page is never out of date.

One thread follows the Server's `watch` for all streams together. After each report, the archive's
list of changes is read. It also numbers the events: a browser that returns names the last number
that it knows, and gets those after it. Each stream has a queue of its own. If it is full because
the browser does not read, the stream ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from beemon.base import clock
from beemon.base.facts import to_json
from beemon.base.moments import iso
from beemon.ledger.page_reader import Cursor, News, PageReader
from beemon.protocol.client import Client
from beemon.protocol.replies import EventFacts, ReadingFacts
from beemon.web.errors import ApiError

MOST_STREAMS = 32
MOST_UNREAD = 256
"""Number of changes that a stream may be behind."""
MOST_AGAIN = 200
"""Largest number of changes that are repeated for a browser; for more it has to ask again."""
LOOK_SECONDS = 1.0
"""Time after which it is asked whether the archive has changed, without a report."""
LINGER_SECONDS = 15.0
"""Time after which the work ends without a stream. A page that is loaded again needs it at once.
The Server has few places for a `watch`."""
_BUNDLE_SECONDS = 0.2  # reports come in groups
_RECONNECT_SECONDS = 2.0
_SILENT_SECONDS = 30.0  # a Server that works reports each ten


T = TypeVar("T")


class Read(Protocol):
    """Asks the archive in a thread. Raises :class:`ApiError`."""

    async def __call__(self, question: Callable[[PageReader], T]) -> T: ...


class Change(NamedTuple):
    """One event of a stream: its kind, its object, and its number if it is in the archive."""

    kind: str
    told: Mapping[str, Any]
    ledger: int = 0
    number: int = 0


class Stream:
    """The changes for one browser, until they end."""

    def __init__(self, cut_off: asyncio.Event) -> None:
        self.waiting: asyncio.Queue[Change | None] = asyncio.Queue(MOST_UNREAD)
        self.cut_off = cut_off

    def put(self, change: Change | None) -> None:
        """Add a change, or the end; a browser that is too far behind is cut off."""
        try:
            self.waiting.put_nowait(change)
        except asyncio.QueueFull:
            self.cut_off.set()


class Changes:
    """The changes of one hive, for all streams. It works only while there are streams."""

    def __init__(self, connect: Callable[[], Client], read: Read) -> None:
        self._connect, self._read = connect, read
        self._streams: set[Stream] = set()
        self._watch: Watch | None = None
        self._task: asyncio.Task[None] | None = None
        self._reported, self._looked = asyncio.Event(), asyncio.Event()
        self._state: Mapping[str, Any] = {}
        self._readings: dict[tuple[str, str], str] = {}
        self._version = 0

    @property
    def count(self) -> int:
        """The number of streams."""
        return len(self._streams)

    @contextlib.contextmanager
    def stream(self) -> Iterator[Stream]:
        """A new stream. Raises :class:`ApiError` if there are too many."""
        if len(self._streams) >= MOST_STREAMS:
            raise ApiError(503, "busy", f"{MOST_STREAMS} streams are open already",
                           "close other pages of the hive", {"Retry-After": "30"})
        stream = Stream(asyncio.Event())
        self._streams.add(stream)
        self._begin()
        if self._state:
            stream.put(Change("status", self._state))
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._end_if_unused)

    async def begin(self) -> None:
        """Return once every later change of the archive will be told."""
        await self._looked.wait()

    def close(self) -> None:
        """End all streams."""
        for stream in self._streams:
            stream.put(None)
        self._end()
        self._looked.set()  # for who waits to begin

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._look())
        if self._watch is None:
            self._watch = Watch(self._connect, self._on_report, self._on_lost)
            self._watch.start()

    def _end_if_unused(self) -> None:
        if not self._streams:
            self._end()

    def _end(self) -> None:
        if self._watch is not None:
            self._watch.stop()
        if self._task is not None:
            self._task.cancel()
        self._watch, self._task = None, None
        self._state = {}
        self._looked.clear()

    def _put(self, change: Change) -> None:
        for stream in self._streams:
            stream.put(change)

    # What the Server reports

    def _on_report(self, watch: Watch, report: Mapping[str, Any]) -> None:
        if watch is not self._watch:
            return
        kind = report.get("report")
        if kind == "device":
            self._put(Change("status", {"reached": True, **report}))
        elif kind == "state" or "watching" in report:
            self._tell_state({"reached": True, **({"state": report["state"]} if kind else {})})
        self._reported.set()

    def _on_lost(self, watch: Watch, message: str) -> None:
        if watch is self._watch:
            self._tell_state({"reached": False, "message": message})

    def _tell_state(self, state: Mapping[str, Any]) -> None:
        """Tell how the service is, if that has changed."""
        if {**self._state, **state} != self._state or state["reached"] != self._state["reached"]:
            self._put(Change("status", {**state, "now": iso(clock.now().utc_us)}))
            self._state = state if not state["reached"] else {**self._state, **state}

    # What the archive holds

    async def _look(self) -> None:
        """Look at the archive after each report, and whenever it has changed."""
        cursor: Cursor | None = None
        while True:
            with contextlib.suppress(ApiError):  # it is told by `status`; the next look may work
                cursor = await self._look_once(cursor)
            self._looked.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reported.wait(), LOOK_SECONDS)
            await asyncio.sleep(_BUNDLE_SECONDS)
            self._reported.clear()

    async def _look_once(self, cursor: Cursor | None) -> Cursor:
        version = await self._read(lambda reader: reader.data_version())
        if cursor is not None and version == self._version:
            return cursor
        self._version = version
        news = await self._read(lambda reader: reader.news(cursor, MOST_AGAIN))
        if news.is_cut:
            self._put(Change("status", {"missed": True}))
        for change in of_news(news):
            self._put(change)
        await self._tell_readings(is_first=cursor is None)
        return news.cursor

    async def _tell_readings(self, *, is_first: bool) -> None:
        latest = await self._read(lambda reader: reader.latest())
        fresh = [one for one in latest if self._readings.get(_key(one)) != one.utc]
        self._readings = {_key(one): one.utc for one in latest}
        if fresh and not is_first:
            self._put(Change("reading", {"readings": [to_json(one) for one in fresh]}))


def _key(one: ReadingFacts) -> tuple[str, str]:
    return one.sensor, one.quantity


def of_news(news: News) -> Iterator[Change]:
    """The changes that the archive tells, in order."""
    for number, told in news.told:
        kind = "event" if isinstance(told, EventFacts) else "job"
        yield Change(kind, to_json(told), news.cursor.ledger, number)


class Watch:
    """A thread that follows the Server's `watch`, and connects again whenever it ends."""

    def __init__(
        self,
        connect: Callable[[], Client],
        on_report: Callable[[Watch, Mapping[str, Any]], None],
        on_lost: Callable[[Watch, str], None],
    ) -> None:
        self._connect = connect
        self._on_report, self._on_lost = on_report, on_lost
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to follow."""
        threading.Thread(target=self._follow, name="watch", daemon=True).start()

    def stop(self) -> None:
        """End with the next report, which comes within ten seconds."""
        self._stopped.set()

    def _follow(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            while not self._stopped.is_set():
                try:
                    self._follow_once()
                except (OSError, ValueError) as error:
                    self._loop.call_soon_threadsafe(self._on_lost, self, str(error))
                self._stopped.wait(_RECONNECT_SECONDS)

    def _follow_once(self) -> None:
        with self._connect() as client:
            for reply in client.watch(_SILENT_SECONDS):
                if self._stopped.is_set():
                    return
                if not reply.ok:
                    raise ConnectionError(str(reply.payload.get("message")))
                self._loop.call_soon_threadsafe(self._on_report, self, reply.payload)
