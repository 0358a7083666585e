"""The sound of a day: a strip to look at, and its parts to listen to."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import PurePosixPath

from aiohttp import web

from beemon.base.beneath import open_beneath
from beemon.base.moments import iso
from beemon.ledger.page_reader import SoundPart
from beemon.media import strip
from beemon.media.strip import Band, InaudibleError, Part, Span
from beemon.protocol.views import SoundSlot, SoundStrip
from beemon.web import parameters
from beemon.web.cache import Cache
from beemon.web.days import day_us
from beemon.web.errors import ApiError
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.roles import Role
from beemon.web.routes import Parameter
from beemon.web.sending import send

STRIP = (parameters.DEVICE_IN_PATH, parameters.DAY_IN_PATH)
PICTURE = (*STRIP, parameters.AGAIN)

MOST_STRIPS = 200
LONGEST_LISTENING = 6.0
"""Time in seconds for decoding the recordings of a day whose spectrum nobody has measured."""
_ASK_AGAIN = {"Cache-Control": "no-cache"}


async def get_sound(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The parts of a day's strip."""
    device, day, parts = await _parts(request, hive, *STRIP)
    from_us, until_us = day_us(day)
    return send(role, SoundStrip(
        slots=tuple(map(_slot, parts)),
        picture=f"api/sound/{device}/{day}.png?of={_fingerprint(parts)}",
        from_=iso(from_us), until=iso(until_us), hertz=(0.0, strip.TOP_HZ),
    ))


async def get_strip(request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """The strip of a day as a picture; drawn again only if the day's recordings have changed."""
    device, day, parts = await _parts(request, hive, *PICTURE)
    name = f"{device}-{day}-{_fingerprint(parts)}"
    if request.headers.get("If-None-Match") == f'"{name}"':
        return web.Response(status=304, headers=_ASK_AGAIN)
    strips = Cache(hive.options.cache / "strips", MOST_STRIPS)
    made = await hive.run(
        lambda: strips.get(f"{name}.png", lambda: _drawn(hive, parts, day_us(day)))
    )
    return web.Response(
        body=made, content_type="image/png", headers={**_ASK_AGAIN, "ETag": f'"{name}"'}
    )


async def _parts(
    request: web.Request, hive: Hive, *wanted: Parameter
) -> tuple[str, date, list[SoundPart]]:
    asked = Asked(request, *wanted)
    device, day = asked.text(parameters.DEVICE_IN_PATH), asked.day(parameters.DAY_IN_PATH)
    from_us, until_us = day_us(day)
    found = await hive.read(lambda reader: reader.day_sounds(device, from_us, until_us))
    return device, day, found


def _slot(part: SoundPart) -> SoundSlot:
    return SoundSlot(
        from_=iso(part.from_us), until=iso(part.until_us), job=part.job, outcome=part.outcome,
        reason=part.reason,
    )


def _fingerprint(parts: Sequence[SoundPart]) -> str:
    """A short text that changes with the recordings of a day, and with the missing ones."""
    told = repr([(one.from_us, one.job, one.outcome, len(one.bands)) for one in parts])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _drawn(hive: Hive, parts: Sequence[SoundPart], day: tuple[int, int]) -> bytes:
    """The picture. Raises :class:`ApiError` if a library is missing."""
    from_us, until_us = day
    length_us = until_us - from_us

    def share(utc_us: int) -> float:
        return (utc_us - from_us) / length_us

    try:
        heard = [
            Part(share(part.from_us), share(part.until_us), bands)
            for part, bands in _heard(hive, parts)
        ]
        missing = [
            Span(share(part.from_us), share(part.until_us))
            for part in parts if part.outcome not in (None, "done")
        ]
        return strip.draw(heard, missing)
    except ImportError as error:
        raise ApiError(503, "missing-library", f"the strip needs NumPy and soundfile: {error}",
                       "sudo apt install python3-numpy python3-soundfile") from error


def _heard(
    hive: Hive, parts: Sequence[SoundPart]
) -> Iterator[tuple[SoundPart, Sequence[Band]]]:
    """The parts with their bands: as the content check measured them, else from the file."""
    until = time.monotonic() + LONGEST_LISTENING
    for part in parts:
        if part.bands:
            yield part, part.bands
        elif part.path and time.monotonic() < until and (bands := _listened(hive, part.path)):
            yield part, bands


def _listened(hive: Hive, path: str) -> list[Band]:
    """The bands of a file; none if it cannot be decoded."""
    try:
        file = open_beneath(hive.options.archive, PurePosixPath(path))
    except (OSError, ValueError):
        return []
    try:
        with os.fdopen(file, "rb") as content:
            return strip.listen(content)
    except (InaudibleError, OSError):
        return []
