"""Status: the state of the hive by the service itself, or the time of the last contact."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from beemon.base import clock, moments, zone
from beemon.web.errors import ApiError
from beemon.web.hive import Hive
from beemon.web.roles import Role
from beemon.web.routes import Route


async def get_status(_request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """The reply of `status`, with the page's clock; also if nothing answers."""
    now_us = clock.now().utc_us
    facts: dict[str, Any] = {"now": moments.iso(now_us), "zone": str(zone.local())}
    try:
        status = await hive.ask("status")
    except ApiError as error:
        facts |= {"reached": False, "message": error.message, "remedy": error.remedy}
        facts["since"] = moments.iso(hive.lost_since_us or now_us)
    else:
        facts |= {"reached": True, "status": status}
    return web.json_response(facts)


ROUTES = (
    Route(method="GET", path="/api/status", role=Role.VIEWER, handler=get_status,
          summary="the state of the hive, or the time since which the service is out of reach"),
)
