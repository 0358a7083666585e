"""Site: the application, with its routes and the checks before any of them.

Deny by default: a request without a :class:`~beemon.web.routes.Route` is refused, and a Route
has a role.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from pathlib import Path

from aiohttp import web

from beemon.web import data, openapi, safety
from beemon.web.access import Access
from beemon.web.bodies import MOST_BYTES, receive
from beemon.web.door import Door
from beemon.web.errors import ApiError, not_found
from beemon.web.hive import Hive
from beemon.web.options import SiteOptions
from beemon.web.programs import Programs
from beemon.web.roles import Role
from beemon.web.routes import Route
from beemon.web.safety import Hosts

log = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")
MOST_REQUESTS = 64
"""Requests that are answered at once; further ones are told to come later. Event streams have a
limit of their own."""

STREAM = "/api/changes"

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Everything that one page answers, in one process."""

    def __init__(self, options: SiteOptions) -> None:
        self.hive = Hive(options)
        self.access = Access(options)
        programs = Programs(self.access.tokens)
        routes = (*_PAGE, *self.access.routes(), *programs.routes(), *data.ROUTES)
        self.routes = (*routes, openapi.route_for(routes))
        self.door = Door()
        self.busy = 0
        """The requests that are being answered, without event streams."""
        self._hosts = Hosts(options)
        self._answered_at = time.monotonic()

    def idle_seconds(self, now: float) -> float:
        """The time without a request or a reply on its way, in seconds; ``now`` is monotonic."""
        if self.busy or self.hive.changes.count or self.door.is_busy:
            self._answered_at = now
        return now - self._answered_at

    def application(self) -> web.Application:
        """The application for aiohttp's server."""
        application = web.Application(
            middlewares=[self._guard], client_max_size=MOST_BYTES, logger=log
        )
        for route in self.routes:
            application.router.add_route(route.method, route.path, self._answer(route))
        application.on_shutdown.append(self._end_streams)
        application.on_cleanup.append(self._close)
        return application

    def _answer(self, route: Route) -> Next:
        async def answer(request: web.Request) -> web.StreamResponse:
            caller = self.access.caller(request)
            if caller.role < route.role:
                raise _refusal(caller.role)
            if not caller.is_program:
                safety.check_change(request, caller.session)
            return await route.handler(request, self.hive, caller.role)

        return answer

    @web.middleware
    async def _guard(self, request: web.Request, handler: Next) -> web.StreamResponse:
        self.door.begun(request)
        response = await self._safely(request, handler)
        safety.add_headers(safety.HEADERS, response)
        if request.path.startswith("/api/"):
            safety.add_headers({"Cache-Control": "no-store"}, response)
        return response

    async def _counted(self, request: web.Request, follow: Next) -> web.StreamResponse:
        """The reply. Raises :class:`ApiError` while too many are made. A stream has its own limit.
        """
        if request.path == STREAM:
            return await follow(request)
        if self.busy >= MOST_REQUESTS:
            raise ApiError(503, "busy", "too many requests at once", "try again soon",
                           {"Retry-After": "1"})
        self.busy += 1
        try:
            return await follow(request)
        finally:
            self.busy -= 1
            self._answered_at = time.monotonic()

    async def _safely(self, request: web.Request, follow: Next) -> web.StreamResponse:
        """The reply, also to a refused request, or if there is a defect, which is logged once."""
        try:
            self._hosts.check(request)
            await receive(request, self.door.body_seconds)  # before it takes a place
            self.door.received(request, is_stream=request.path == STREAM)
            return await self._counted(request, follow)
        except ApiError as error:
            return _problem(error)
        except web.HTTPException as error:
            return _problem(ApiError(
                error.status, "refused", error.reason, "", dict(_kept_headers(error)),
            ))
        except ConnectionError:
            raise  # the client has gone
        except OSError as error:
            log.error("%s %s failed: %s", request.method, request.rel_url.raw_path, error)
            return _problem(ApiError(
                503, "files", f"the page cannot use its files: {error.strerror}",
                "journalctl -u beemon-web",
            ))
        except Exception:
            log.exception("%s %s failed", request.method, request.rel_url.raw_path)
            return _problem(ApiError(500, "defect", "the page has a defect; its log tells more",
                                     "journalctl -u beemon-web"))

    async def _end_streams(self, _application: web.Application) -> None:
        self.hive.changes.close()

    async def _close(self, _application: web.Application) -> None:
        self.hive.close()


def _refusal(role: Role) -> ApiError:
    if role is Role.NOBODY:
        return ApiError(401, "log-in", "this is for those who are logged in", "log in")
    return ApiError(403, "owner-only", "this is for the owner of the hive",
                    "log in with the password")


def _problem(error: ApiError) -> web.Response:
    return web.json_response(error.as_json(), status=error.status, headers=error.headers)


def _kept_headers(error: web.HTTPException) -> Iterable[tuple[str, str]]:
    return ((name, error.headers[name]) for name in ("Allow", "Location") if name in error.headers)


async def _get_page(_request: web.Request, _hive: Hive, _role: Role) -> web.StreamResponse:
    return web.FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def _get_file(request: web.Request, _hive: Hive, _role: Role) -> web.StreamResponse:
    """A file of the page."""
    found = _files().get(request.match_info["file"])
    if found is None:
        raise not_found("the page has no such file")
    return web.FileResponse(found, headers={"Cache-Control": "no-cache"})


@cache
def _files() -> dict[str, Path]:
    """The files of the page by their names; nothing else can be named."""
    return {str(file.relative_to(STATIC)): file for file in STATIC.rglob("*") if file.is_file()}


_PAGE = (
    Route(method="GET", path="/", role=Role.NOBODY, handler=_get_page, kind="text/html",
          summary="the page", is_document=False),
    Route(method="GET", path="/static/{file:.+}", role=Role.NOBODY, handler=_get_file, kind="*/*",
          summary="the files of the page", is_document=False),
)
