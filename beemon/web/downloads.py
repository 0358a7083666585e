"""Downloads: tables as CSV (RFC 4180, UTF-8 with a byte order mark, by which spreadsheets know it).

The readings of years do not fit into memory: they are read and sent a few thousand at a time.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from aiohttp import web

from beemon.base import zone
from beemon.base.cells import quote_formula
from beemon.base.moments import formatter
from beemon.ledger.page_reader import PageReader, SingleReading
from beemon.protocol.replies import Completeness, EventFacts, SlotCounts
from beemon.web import numbers, parameters, safety
from beemon.web.errors import ApiError
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.privacy import for_viewer
from beemon.web.roles import Role

SERIES = (parameters.DEVICE, parameters.QUANTITY, parameters.SINCE, parameters.UNTIL)
EVENTS = (parameters.SINCE, parameters.KIND)
COMPLETENESS = (parameters.SINCE,)

ROWS_AT_A_TIME = 4000
MOST_EVENTS = 10_000

Cell = str | int | float | None
_OUTCOMES = ("due", "done", "failed", "skipped", "interrupted", "open")


async def get_series_csv(request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """Each reading of a quantity."""
    asked = Asked(request, *SERIES)
    device, quantity = asked.text(parameters.DEVICE), asked.text(parameters.QUANTITY)
    from_us, until_us = numbers.period_us(asked)

    def page_from(at_us: int) -> Callable[[PageReader], list[SingleReading]]:
        return lambda reader: numbers.known(
            reader.single_readings(device, quantity, at_us, until_us, ROWS_AT_A_TIME),
            reader, device, quantity,
        )

    page = await hive.read(page_from(from_us))
    reply = _begun(f"{device}-{quantity}")
    await reply.prepare(request)
    head = ("utc", "local", "device", "quantity", "value", "unit", "quality", "reason",
            "uncertainty")
    try:
        await reply.write(codecs.BOM_UTF8 + _table([head]))
        while page:
            await reply.write(_table(_readings(device, quantity, page)))
            page = await hive.read(page_from(page[-1].utc_us + 1))
    except (ApiError, ConnectionResetError):  # an end in the midst tells that it is incomplete
        if request.transport is not None:
            request.transport.abort()
    return reply


def _readings(
    device: str, quantity: str, page: Iterable[SingleReading]
) -> Iterator[Sequence[Cell]]:
    utc, local = formatter(), formatter(zone.local())
    for one in page:
        yield (utc(one.utc_us), local(one.utc_us), device, quantity, one.value, one.unit,
               one.quality, one.reason, one.uncertainty)


async def get_events_csv(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The newest events."""
    asked = Asked(request, *EVENTS)
    from_us = asked.moment_us(parameters.SINCE, numbers.A_MONTH)
    kind = asked.text(parameters.KIND) or None
    found = await hive.read(lambda reader: reader.events(from_us, MOST_EVENTS, kind))
    head = ("utc", "kind", "device", "message", "clock", "facts")
    rows = (_event(one, role) for one in found)
    return _whole("events", [head, *rows])


def _event(one: EventFacts, role: Role) -> Sequence[Cell]:
    message, facts = (one.message, one.facts) if role >= Role.OWNER else (
        for_viewer(one.message), for_viewer(one.facts))
    return (one.utc, one.kind, one.device, message, one.clock,
            json.dumps(facts, ensure_ascii=False) if facts else None)


async def get_completeness_csv(request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """The outcomes of the scheduled jobs."""
    since_us = Asked(request, *COMPLETENESS).moment_us(parameters.SINCE, numbers.A_MONTH)
    found = await hive.read(lambda reader: reader.completeness(since_us))
    return _whole("completeness", [("device", "outcome", "reason", "slots"), *_counts(found)])


def _counts(found: Completeness) -> Iterator[Sequence[Cell]]:
    for device, counts in found.devices.items():
        yield from _counts_of(device, counts)


def _counts_of(device: str, counts: SlotCounts) -> Iterator[Sequence[Cell]]:
    for outcome in _OUTCOMES:
        yield device, outcome, None, getattr(counts, outcome)
        for reason, slots in counts.reasons.get(outcome, {}).items():
            yield device, outcome, reason, slots


def _whole(name: str, rows: Iterable[Sequence[Cell]]) -> web.Response:
    begun = _begun(name)
    return web.Response(body=codecs.BOM_UTF8 + _table(rows), headers=begun.headers)


def _begun(name: str) -> web.StreamResponse:
    """A reply that a browser keeps as a file."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return web.StreamResponse(headers={
        **safety.HEADERS, "Content-Type": "text/csv; charset=utf-8", "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{plain}.csv"',
    })


def _table(rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(
        [quote_formula(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return text.getvalue().encode("utf-8", "replace")
