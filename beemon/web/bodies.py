"""Bodies: the JSON of a request, checked against its dataclass."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from typing import Any, TypeVar

from aiohttp import web

from beemon.web.errors import ApiError, bad_parameter

T = TypeVar("T")

MOST_BYTES = 16 << 10
"""The longest body; those of the page have a few hundred bytes."""


async def receive(request: web.Request, seconds: float) -> None:
    """Wait for the whole body, which aiohttp then keeps.

    Raises :class:`ApiError`, and ``ConnectionError`` if the client has gone.
    """
    if request.body_exists and request.content_length is None:
        raise ApiError(411, "no-length", "a body needs a header Content-Length", "",
                       {"Connection": "close"})
    try:
        async with asyncio.timeout(seconds):
            await request.read()
    except TimeoutError as error:
        raise ApiError(408, "too-slow", f"a body may take {seconds:.0f} s", "",
                       {"Connection": "close"}) from error
    except RuntimeError as error:
        if request.transport is not None:
            raise
        raise ConnectionResetError("the client has gone") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(413, "too-long", f"a body has at most {MOST_BYTES} bytes") from error


async def read_body(request: web.Request, kind: type[T]) -> T:
    """The body as an object of this dataclass, whose members are texts. Raises :class:`ApiError`.
    """
    try:
        given = json.loads(await request.text())
    except (ValueError, LookupError, RecursionError) as error:
        raise bad_parameter("the body is not JSON") from error
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if not isinstance(given, dict) or set(given) - set(names):
        raise bad_parameter(f"the body must be an object with {' and '.join(names)}")
    return kind(**{name: _text(given, name) for name in names})


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not _is_unicode(value):
        raise bad_parameter(f'the body must have "{name}", a text')
    return value


def _is_unicode(text: str) -> bool:
    """Whether it has no half of a pair of surrogates, which JSON can write."""
    return text == text.encode("utf-8", "replace").decode()
