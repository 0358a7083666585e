"""The event stream of one browser: the changes of the hive, from the last one that it knows."""

from __future__ import annotations

import asyncio
import contextlib
import re

from aiohttp import web

from beemon.ledger.page_reader import Cursor
from beemon.web import safety
from beemon.web.changes import MOST_AGAIN, Change, Stream, of_news
from beemon.web.errors import ApiError
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.privacy import for_viewer
from beemon.web.roles import Role
from beemon.web.sending import as_text

QUIET_SECONDS = 15.0
"""Time without a change, after which a comment is sent: a stream that ended is noticed so."""
_WRITE_SECONDS = 30.0
_ID = re.compile(r"([0-9]{1,18})-([0-9]{1,15})")
_HEADERS = {
    **safety.HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


async def get_changes(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The changes from now on, or from the last one that a browser knows."""
    Asked(request)
    cursor = _cursor(request.headers.get("Last-Event-ID", ""))
    with hive.changes.stream() as stream:
        await hive.changes.begin()
        reply = web.StreamResponse(headers=_HEADERS)
        await reply.prepare(request)
        with contextlib.suppress(ConnectionResetError, TimeoutError):  # the browser has gone
            known = await _catch_up(reply, role, hive, cursor)
            await _write(reply, b"retry: 3000\n\n")
            await _send_all(reply, role, stream, known)
    return reply


def _cursor(last: str) -> Cursor | None:
    found = _ID.fullmatch(last)
    return Cursor(int(found[1]), int(found[2])) if found else None


async def _catch_up(
    reply: web.StreamResponse, role: Role, hive: Hive, cursor: Cursor | None
) -> int:
    """Send what a browser missed; return the number of the last change that it knows."""
    if cursor is None:
        return 0
    try:
        news = await hive.read(lambda reader: reader.news(cursor, MOST_AGAIN))
    except ApiError:
        return 0
    is_cut = news.is_cut or len(news.told) == MOST_AGAIN
    changes = [Change("status", {"missed": True})] if is_cut else []
    for change in [*changes, *of_news(news)]:
        await _write(reply, _encoded(change, role))
    return news.cursor.change


async def _send_all(reply: web.StreamResponse, role: Role, stream: Stream, known: int) -> None:
    """Send changes until the stream ends, or until the browser is cut off."""
    gone = asyncio.ensure_future(stream.cut_off.wait())
    try:
        while not gone.done():
            change = await _next(stream)
            if change is None:
                return
            if change.number and change.number <= known:
                continue
            text = _encoded(change, role) if change.kind else b": still here\n\n"
            writing = asyncio.ensure_future(_write(reply, text))
            await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                writing.cancel()
                return
            writing.result()
    finally:
        gone.cancel()


async def _next(stream: Stream) -> Change | None:
    """The next change; one without a kind if there is none for a while."""
    try:
        return await asyncio.wait_for(stream.waiting.get(), QUIET_SECONDS)
    except TimeoutError:
        return Change("", {})


async def _write(reply: web.StreamResponse, text: bytes) -> None:
    await asyncio.wait_for(reply.write(text), _WRITE_SECONDS)


def _encoded(change: Change, role: Role) -> bytes:
    told = change.told if role >= Role.OWNER else for_viewer(change.told)
    number = f"id: {change.ledger}-{change.number}\n" if change.number else ""
    return f"{number}event: {change.kind}\ndata: {as_text(told)}\n\n".encode()
