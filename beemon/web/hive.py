"""Hive: the archive and the service, as the handlers of requests see them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from beemon.base import clock
from beemon.ledger.page_reader import PageReader
from beemon.ledger.reader import SlowQueryError
from beemon.protocol.client import NotAdmittedError, ServiceUnreachableError
from beemon.web.changes import Changes
from beemon.web.errors import ApiError
from beemon.web.options import SiteOptions

T = TypeVar("T")

THREADS = 4
_STATUS = {
    "not-found": 404, "unknown-command": 400, "bad-argument": 400, "unknown-device": 404,
    "unknown-job": 404, "unknown-finding": 404, "empty": 400, "too-long": 400, "not-utf8": 400,
    "control-character": 400,
}
"""The HTTP status of the service's error codes; 503 for the others: it may go better later."""


class Hive:
    """One archive and its service. All that may wait runs in a few threads of its own."""

    def __init__(self, options: SiteOptions) -> None:
        self.options = options
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="hive")
        self._asking = ThreadPoolExecutor(THREADS, thread_name_prefix="ask")  # it may hang
        self._reader = PageReader(options.archive)
        self.changes = Changes(options.connect, self.read)
        self.lost_since_us: int | None = None
        """The time of the first request without an answer; None if the last one had an answer."""
        self.was_reached = False
        """Whether the service has ever answered."""

    def close(self) -> None:
        """Close the archive. A question that is being answered is answered to its end."""
        self.changes.close()
        self._reader.close()
        for threads in (self._threads, self._asking):
            threads.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of work that a disk or a long computation may hold up."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def read(self, question: Callable[[PageReader], T]) -> T:
        """The answer of the archive. Raises :class:`ApiError` if it cannot be read."""
        try:
            return await self.run(lambda: question(self._reader))
        except SlowQueryError as error:
            raise ApiError(503, "too-slow", f"the archive was asked for too much: {error}",
                           "ask for a shorter time") from error
        except (sqlite3.Error, OSError) as error:
            raise ApiError(
                503, "archive", f"the archive cannot be read: {error}", "sudo beemon doctor",
            ) from error

    async def ask(self, text: str) -> dict[str, Any]:
        """The service's reply to one request. Raises :class:`ApiError` if it refuses, or if
        nothing answers."""
        try:
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._asking, self._ask, text)
        except ApiError as error:
            if error.code == "unreachable":
                self.lost_since_us = self.lost_since_us or clock.now().utc_us
            raise
        self.lost_since_us, self.was_reached = None, True
        return reply

    def _ask(self, text: str) -> dict[str, Any]:
        try:
            with self.options.connect() as client:
                reply = client.request(text)
        except NotAdmittedError as error:
            raise ApiError(503, "busy", str(error), "try again in a minute") from error
        except ServiceUnreachableError as error:
            raise ApiError(503, "unreachable", str(error), "sudo systemctl start beemon") from error
        except (OSError, ValueError) as error:
            raise ApiError(
                503, "unreachable", f"the service does not answer: {error}",
                "systemctl status beemon",
            ) from error
        if not reply.ok:
            told = reply.payload
            code = str(told.get("code", "refused"))
            raise ApiError(_STATUS.get(code, 503), code, str(told.get("message", "")),
                           str(told.get("remedy", "")))
        return reply.payload
