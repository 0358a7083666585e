"""Metrics: the route that answers the hive's metrics to Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from beemon.base import clock
from beemon.base.moments import US_PER_SECOND
from beemon.formats.prometheus import CONTENT_TYPE, describe
from beemon.web.errors import ApiError
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.roles import Role


async def get_metrics(request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """The state of the hive, and the latest readings."""
    Asked(request)
    try:
        status: Mapping[str, Any] | None = await hive.ask("status")
    except ApiError:
        status = None
    try:
        readings = await hive.read(lambda reader: reader.latest())
    except ApiError:
        readings = []
    text = "".join(describe(status, readings, clock.now().utc_us / US_PER_SECOND))
    return web.Response(body=text.encode(), headers={
        "Content-Type": CONTENT_TYPE, "Cache-Control": "no-store",
    })
