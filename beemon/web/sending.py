"""Sending: replies as JSON, by the role of the client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from beemon.base.facts import to_json
from beemon.web.privacy import for_viewer
from beemon.web.roles import Role

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NO_STORE = {"Cache-Control": "no-store"}


def send(role: Role, facts: DataclassInstance | Mapping[str, Any]) -> web.Response:
    """A reply as JSON; a viewer's copy lacks positions and paths."""
    told: Any = facts if isinstance(facts, Mapping) else to_json(facts)
    if role < Role.OWNER:
        told = for_viewer(told)
    return web.json_response(text=as_text(told), headers=NO_STORE)


def as_text(told: Any) -> str:
    """JSON in one line."""
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
