"""Numbers: series, gains, traffic, events, completeness, as the archive knows them."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web

from beemon.base import zone
from beemon.base.moments import LATEST_US
from beemon.base.options import suggestion
from beemon.base.quoting import shown
from beemon.ledger.page_reader import PageReader
from beemon.protocol.replies import EventList
from beemon.web import parameters
from beemon.web.errors import ApiError, not_found
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.roles import Role
from beemon.web.sending import send

T = TypeVar("T")

SERIES = (
    parameters.DEVICE, parameters.QUANTITY, parameters.SINCE, parameters.UNTIL, parameters.POINTS
)
GAINS = (parameters.DEVICE, parameters.QUANTITY, parameters.SINCE)
TRAFFIC = (parameters.DEVICE, parameters.SINCE)
EVENTS = (parameters.SINCE, parameters.KIND, parameters.MOST)
FINDINGS = (parameters.SINCE,)
COMPLETENESS = (parameters.SINCE,)
CALENDAR = (parameters.DAYS,)

A_DAY, A_WEEK, A_MONTH = "1d", "7d", "30d"


async def get_series(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """One quantity over time."""
    asked = Asked(request, *SERIES)
    device, quantity = asked.text(parameters.DEVICE), asked.text(parameters.QUANTITY)
    from_us, until_us = period_us(asked)
    points = asked.number(parameters.POINTS)
    return send(role, await hive.read(lambda reader: known(
        reader.series(device, quantity, from_us, until_us, points), reader, device, quantity
    )))


async def get_gains(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The net change of each day."""
    asked = Asked(request, *GAINS)
    device, quantity = asked.text(parameters.DEVICE), asked.text(parameters.QUANTITY)
    from_us = asked.moment_us(parameters.SINCE, A_WEEK)
    return send(role, await hive.read(lambda reader: known(
        reader.gains(device, quantity, from_us, zone.local()), reader, device, quantity
    )))


async def get_traffic(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The bees counted in each hour."""
    asked = Asked(request, *TRAFFIC)
    device, from_us = asked.text(parameters.DEVICE), asked.moment_us(parameters.SINCE, A_WEEK)
    found = await hive.read(lambda reader: reader.traffic(device, from_us, zone.local()))
    if found is None:
        raise not_found(f"{device} has counted no bees")
    return send(role, found)


async def get_events(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The events at the hive and in beemon itself."""
    asked = Asked(request, *EVENTS)
    from_us = asked.moment_us(parameters.SINCE, A_WEEK)
    kind, most = asked.text(parameters.KIND) or None, asked.number(parameters.MOST)
    found = await hive.read(lambda reader: _events(reader, from_us, most, kind))
    return send(role, found)


async def get_findings(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The findings about the colony, the latest of each matter."""
    since_us = Asked(request, *FINDINGS).moment_us(parameters.SINCE, A_MONTH)
    found = await hive.read(lambda reader: reader.findings(since_us, LATEST_US))
    return send(role, found)


def _events(reader: PageReader, from_us: int, most: int, kind: str | None) -> EventList:
    found = reader.events(from_us, most, kind)
    kinds = None if found or kind is None else tuple(reader.event_kinds())
    return EventList(tuple(found), kinds)


async def get_completeness(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The outcomes of the scheduled jobs."""
    since_us = Asked(request, *COMPLETENESS).moment_us(parameters.SINCE, A_MONTH)
    return send(role, await hive.read(lambda reader: reader.completeness(since_us)))


async def get_calendar(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The scheduled jobs of each day."""
    days = Asked(request, *CALENDAR).number(parameters.DAYS)
    return send(role, await hive.read(lambda reader: reader.calendar(days, zone.local())))


def period_us(asked: Asked) -> tuple[int, int]:
    """The begin and the end of a series."""
    from_us = asked.moment_us(parameters.SINCE, A_DAY)
    now_us = asked.moment_us(parameters.UNTIL, "0h")
    return from_us, min(now_us + 1, LATEST_US)


def known(found: T | None, reader: PageReader, device: str, quantity: str) -> T:
    """The answer about a quantity. Raises :class:`ApiError` with similar names."""
    if found is not None:
        return found
    raise _unknown(reader.quantities(device), device, quantity)


def _unknown(quantities: list[str], device: str, quantity: str) -> ApiError:
    if not quantities:
        return not_found(f'the archive holds no readings of "{shown(device)}"')
    return not_found(
        f'{device} never measured "{shown(quantity)}"{suggestion(quantity, quantities)}',
        f"it measured {', '.join(quantities[:20])}",
    )
