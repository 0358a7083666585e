"""The OpenAPI 3.1 document of the HTTP API, from the table of its routes and their reply classes.

Each member of an object has its sentence from the class (:mod:`beemon.base.facts`).
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal

from aiohttp import web

from beemon import __version__
from beemon.base.facts import Mark, Member, members
from beemon.protocol.replies import Error
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.roles import Role
from beemon.web.routes import Route
from beemon.web.sending import as_text

Schema = dict[str, Any]

_PLAIN: Mapping[object, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null",
}
_REFUSALS = {
    "400": "The request is wrong; the message names the parameter",
    "401": "Log in first, or send a token",
    "403": "The role does not allow this",
    "404": "There is no such thing",
    "409": "Not in the present state of the hive",
    "411": "The body has no length",
    "413": "The body is too long",
    "421": "The page is not known by this name",
    "429": "Too many requests; see Retry-After",
    "503": "The recorder or the archive cannot answer now",
}
_ABOUT = (
    "Numbers, events and recordings of one beehive. Addresses are relative, so that they also "
    "work behind a proxy. Times are ISO 8601 in UTC; those of a series are seconds since 1970. "
    "A viewer gets no sound, no picture, no position and no path. Programs send a token. A browser "
    "has a cookie, and shows the secret of its session in `X-Csrf` when it changes something."
)


class Document:
    """A document, with the schemas that its routes need."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._schemas: dict[str, Schema] = {}
        self._paths: dict[str, dict[str, Schema]] = {}
        self._name(Error)
        for route in routes:
            if route.is_document:
                self._paths.setdefault(route.path, {})[route.method.lower()] = self._of(route)

    def as_json(self) -> Schema:
        """The document as JSON."""
        return {
            "openapi": "3.1.0",
            "info": {"title": "beemon", "version": __version__, "description": _ABOUT,
                     "license": {"name": "MIT", "identifier": "MIT"}},
            "servers": [{"url": "./"}],
            "paths": self._paths,
            "components": {
                "schemas": dict(sorted(self._schemas.items())),
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer",
                              "description": "a token of a program"},
                },
            },
        }

    def _of(self, route: Route) -> Schema:
        """One operation."""
        told: Schema = {
            "operationId": _operation(route), "summary": _capital(route.summary),
            "description": f"Role: {route.role.name.lower()}.",
            "parameters": [_parameter(one) for one in route.parameters],
            "responses": self._responses(route),
            "security": [{"token": []}] if route.role > Role.NOBODY else [],
        }
        if route.body is not None:
            told["requestBody"] = {"required": True, "content": {
                "application/json": {"schema": self._name(route.body)}}}
            self._schemas[route.body.__name__]["additionalProperties"] = False
        return told

    def _responses(self, route: Route) -> Schema:
        schema = self._name(route.reply) if route.reply is not None else _unspecific(route.kind)
        done = {"description": "Done", "content": {route.kind: {"schema": schema}}}
        if route.kind == "application/octet-stream":
            done["content"] = {kind: {"schema": schema} for kind in (
                route.kind, "audio/flac", "video/mp4", "image/jpeg")}
        error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        return {
            **dict.fromkeys(_successes(route), done),
            **{status: {"description": why, "content": error}
               for status, why in _REFUSALS.items()},
        }

    def _name(self, kind: type) -> Schema:
        """A reference to the schema of a class, which is added to the document."""
        name = kind.__name__
        if name not in self._schemas:
            self._schemas[name] = {}  # it may name itself
            self._schemas[name] = self._object(kind)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: type) -> Schema:
        told: Schema = {
            "type": "object", "description": _first_paragraph(kind.__doc__ or ""),
            "properties": {}, "required": [],
        }
        for member in members(kind):
            self._add(told, member)
        return told

    def _add(self, told: Schema, member: Member) -> None:
        if Mark.INLINE in member.marks:
            if dataclasses.is_dataclass(member.type) and isinstance(member.type, type):
                for inner in members(member.type):
                    self._add(told, inner)
            return
        schema = {**self._schema(member.type, with_null=Mark.KEPT in member.marks),
                  "description": _capital(member.says)}
        told["properties"].setdefault(member.name, schema)
        if member.is_needed or Mark.KEPT in member.marks:
            told["required"].append(member.name)

    def _schema(self, hint: object, *, with_null: bool = True) -> Schema:
        """The schema of a type; without null, where a member is left out instead."""
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin is Annotated:
            return self._schema(inner[0], with_null=with_null)
        if origin in (types.UnionType, typing.Union):
            return self._union(inner, with_null=with_null)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self._name(hint)
        if origin is Literal:
            return {"enum": list(inner)}
        if isinstance(hint, type) and issubclass(hint, Enum):
            return {"type": "string", "enum": [one.value for one in hint]}
        if origin in (tuple, list, Sequence):
            return {"type": "array", "items": self._schema(inner[0])}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self._schema(inner[1])}
        return {"type": _PLAIN[hint]} if hint in _PLAIN else {}

    def _union(self, choices: Sequence[object], *, with_null: bool) -> Schema:
        found = [
            self._schema(choice) for choice in choices if with_null or choice is not type(None)
        ]
        if len(found) == 1:
            return found[0]
        if {} in found:  # any value
            return {}
        if all(set(one) == {"type"} for one in found):
            return {"type": [one["type"] for one in found]}
        return {"anyOf": found}


def route_for(routes: Iterable[Route]) -> Route:
    """The route of the document of these routes, and of itself."""
    text = as_text(describe(routes)).encode()

    async def get_document(request: web.Request, _hive: Hive, _role: Role) -> web.StreamResponse:
        Asked(request)
        return web.Response(body=text, content_type="application/json", charset="utf-8")

    return Route(
        method="GET", path="/api/openapi.json", role=Role.NOBODY, handler=get_document,
        summary="The document of this API", is_document=False,
    )


def describe(routes: Iterable[Route]) -> Schema:
    """The document of these routes, as JSON."""
    return Document(routes).as_json()


def _parameter(one: Any) -> Schema:
    return {
        "name": one.name, "in": "path" if one.in_path else "query",
        "required": one.required or one.in_path, "description": _capital(one.summary),
        "schema": one.schema,
    }


def _operation(route: Route) -> str:
    """A name for an operation: ``get_api_jobs_job``."""
    words = re.findall(r"[a-z0-9]+", route.path)
    return "_".join([route.method.lower(), *words])


def _successes(route: Route) -> tuple[str, ...]:
    if route.method == "POST" and route.path.endswith("/commands"):
        return ("202",)
    if route.kind == "application/octet-stream":
        return ("200", "206")
    return ("200",)


def _unspecific(kind: str) -> Schema:
    return {"type": "string"} if kind.startswith("text/") else {}


def _first_paragraph(text: str) -> str:
    return re.sub(r"\s+", " ", text.partition("\n\n")[0]).strip()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
