"""`beemon watch` on a terminal: a table of the hive that follows the service.

One thread asks the service again after each of its reports, which another thread reads. The main
thread draws once a second, so that ages count on whatever the service does.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beemon.base.facts import BadFactsError, JsonObject, from_json
from beemon.base.status import ServiceStatus
from beemon.cli import health, watch_table
from beemon.cli.screen import Screen, is_possible, seconds_to_next
from beemon.cli.watch_table import Lost, Seen, View
from beemon.protocol.replies import Devices, JobList, ReadingList

if TYPE_CHECKING:
    from beemon.protocol.client import Client

Connect = Callable[[], "Client"]

SILENT_SECONDS = 12.0
"""Silence of the service from which on it is gone: it reports each ten seconds."""
_LOOK_SECONDS = 3.0
"""The longest time between two looks at the service: no report tells that a job began."""
_NEWS_SECONDS = 60.0
"""The time between two questions for the news: a sum comes once a day, a swarm within minutes."""
_LEAST_SECONDS = 1.0  # between two looks, however many reports come
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0  # seconds before a new connection


class RefusedError(ConnectionError):
    """The service refused a question; the text says why."""


def first_look(client: Client) -> Seen | None:
    """The first look; None if there can be no table.

    That is a terminal without a second screen, a refusal, or a service of another version: lines
    show each of them. Raises ``ServiceUnreachableError``.
    """
    if not is_possible():
        return None
    try:
        return look(client)
    except (RefusedError, BadFactsError):
        return None


def show(first: Seen, connect: Connect) -> int:
    """Draw until Ctrl-C or the key q; ``connect`` makes a connection to the service."""
    board, screen = Board(first), Screen()
    follower = threading.Thread(target=follow, args=(connect, board), name="follow", daemon=True)
    with screen.taken():
        follower.start()
        while follower.is_alive():
            paper = screen.paper()
            screen.draw(watch_table.draw(board.view(), paper), paper)
            screen.pause(seconds_to_next())
            if screen.has_key("q"):
                return 0
        raise RuntimeError("the thread that follows the service has ended")


def look(client: Client, before: Seen | None = None) -> Seen:
    """Ask for everything that the table shows; for the news only if those of ``before`` are old."""
    status = from_json(ServiceStatus, _ask(client, "status"))
    devices = from_json(Devices, _ask(client, "devices")).devices
    readings = from_json(ReadingList, _ask(client, "readings")).readings
    jobs = from_json(JobList, _ask(client, "jobs")).jobs
    now = time.monotonic()
    if before is None or now - before.news_at >= _NEWS_SECONDS:
        news, news_at = health.news(_ask(client, "today")), now
    else:
        news, news_at = before.news, before.news_at
    return Seen(status, devices, readings, jobs, datetime.now(UTC), now, news, news_at)


def _ask(client: Client, question: str) -> JsonObject:
    reply = client.request(question)
    if not reply.ok:
        raise RefusedError(f"{reply.payload.get('message')} ({reply.payload.get('code')})")
    return reply.payload


class Board:
    """The latest look, from the thread that follows to the thread that draws."""

    def __init__(self, first: Seen) -> None:
        self._seen = first
        self._lost: Lost | None = None
        self._begun: Mapping[str, float] = {
            job: first.monotonic - _age(first, job) for job in first.status.running
        }

    def put(self, seen: Seen) -> None:
        """Note a look: the service answers."""
        self._begun = {
            job: self._begun.get(job, seen.monotonic) for job in seen.status.running
        }
        self._seen, self._lost = seen, None

    def lose(self, lost: Lost) -> None:
        """Note that the service does not answer."""
        self._lost = lost

    def view(self) -> View:
        """The view to draw now."""
        return View(self._seen, self._lost, self._begun, datetime.now(UTC), time.monotonic())


def _age(seen: Seen, job: str) -> float:
    """Seconds since an unfinished job was accepted; 0 if it is not among the latest jobs."""
    accepted = [one.accepted for one in seen.jobs if str(one.job) == job and one.accepted]
    if not accepted:
        return 0.0
    return max(0.0, (seen.at - datetime.fromisoformat(accepted[0])).total_seconds())


def follow(connect: Connect, board: Board) -> None:
    """Bring the board up to date for ever; after a lost connection, with longer and longer pauses.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            for seen in _looks(connect):
                board.put(seen)
                pause = _FIRST_PAUSE
        except (OSError, ValueError) as error:
            board.lose(Lost(str(error), time.monotonic() + pause))
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _looks(connect: Connect) -> Iterator[Seen]:
    """A look at once, and one after each report. Raises ``OSError``, ``ValueError``."""
    reports: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    is_over = threading.Event()
    with connect() as client:
        client.set_timeout(SILENT_SECONDS)
        threading.Thread(
            target=_listen, args=(connect, reports, is_over), name="listen", daemon=True
        ).start()
        seen = None
        try:
            while True:
                yield (seen := look(client, seen))
                time.sleep(_LEAST_SECONDS)
                _wait(reports)
        finally:
            is_over.set()


def _wait(reports: queue.SimpleQueue[Exception | None]) -> None:
    """Return with a report, or when it is time for a look. Raises the listener's error."""
    try:
        report = reports.get(timeout=_LOOK_SECONDS - _LEAST_SECONDS)
        while True:
            if report is not None:
                raise report
            report = reports.get_nowait()
    except queue.Empty:
        return


def _listen(
    connect: Connect, reports: queue.SimpleQueue[Exception | None], is_over: threading.Event
) -> None:
    """Pass reports on until they end, or until the first one after ``is_over``."""
    try:
        with connect() as client:
            for reply in client.watch(SILENT_SECONDS):
                if is_over.is_set() or not reply.ok:  # too many watch: looks alone have to do
                    return
                reports.put(None)
    except (OSError, ValueError) as error:
        reports.put(error)
