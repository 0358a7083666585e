"""Routes: the requests that the site answers, for the router, the document and the tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from beemon.web.hive import Hive
from beemon.web.roles import Role

Handler = Callable[[web.Request, Hive, Role], Awaitable[web.StreamResponse]]
"""Answers a request; the role is that of its sender."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a path or a query: its name, its meaning, and its JSON schema."""

    name: str
    summary: str
    schema: dict[str, Any]
    required: bool = False
    in_path: bool = False


@dataclass(frozen=True, kw_only=True)
class Route:
    """One request that the site answers; ``role`` may do it, and those above. There is no default:
    a route that nobody thought of is refused."""

    method: str
    path: str
    role: Role
    handler: Handler
    summary: str
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None
    """The dataclass of the request's JSON."""
    reply: type | None = None
    """The dataclass of the reply's JSON; None for other kinds of replies."""
    kind: str = "application/json"
    """The reply's media type."""
    is_document: bool = True
    """Whether it belongs to the documented API."""
