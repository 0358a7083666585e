"""Files: recordings by number, pictures and live pictures, opened beneath their folder."""

from __future__ import annotations

import hashlib
import os
import weakref
from pathlib import Path, PurePosixPath

from aiohttp import web

from beemon.base.beneath import open_beneath
from beemon.ledger.page_reader import KeptFile
from beemon.media.container import UndecodableError
from beemon.media.still import first_picture
from beemon.protocol.views import DayRecordings
from beemon.web import parameters
from beemon.web.cache import Cache
from beemon.web.days import day_us
from beemon.web.errors import ApiError, not_found
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.roles import Role
from beemon.web.sending import send

RECORDINGS = (parameters.DEVICE, parameters.DAY)
RECORDING = (parameters.JOB_IN_PATH, parameters.AGAIN)
LIVE = (parameters.DEVICE_IN_PATH, parameters.AGAIN)

MOST_STILLS = 500
_TYPES = {".flac": "audio/flac", ".mp4": "video/mp4", ".jpg": "image/jpeg"}
_ASK_AGAIN = {"Cache-Control": "private, no-cache"}
"""A job of this number may be another one tomorrow, in a new ledger; an ETag tells."""


async def get_recordings(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The recordings of a device in a day."""
    asked = Asked(request, *RECORDINGS)
    device = asked.text(parameters.DEVICE)
    from_us, until_us = day_us(asked.day(parameters.DAY))
    found: DayRecordings = await hive.read(
        lambda reader: reader.day_recordings(device, from_us, until_us)
    )
    return send(role, found)


async def get_recording(request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """The file of a recording, or a range of it."""
    _, relative = await _kept(request, hive)
    file = await hive.run(lambda: _open(hive.options.archive, relative))
    return _sent(file, _TYPES.get(relative.suffix, "application/octet-stream"))


async def get_picture(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """A picture, or the first one of a video, as JPEG."""
    kept, relative = await _kept(request, hive)
    kind = _TYPES.get(relative.suffix, "")
    if kind == "image/jpeg":
        return await get_recording(request, hive, role)
    if not kind.startswith("video/"):
        raise not_found("this recording has no picture")
    name = hashlib.sha256(repr(kept).encode()).hexdigest()[:32]
    headers = {**_ASK_AGAIN, "ETag": f'"{name}"'}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    stills = Cache(hive.options.cache / "stills", MOST_STILLS)
    made = await hive.run(lambda: stills.get(f"{name}.jpg", lambda: _still(hive, relative)))
    return web.Response(body=made, content_type="image/jpeg", headers=headers)


async def get_live(request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """The newest live picture of a camera."""
    camera = Asked(request, *LIVE).text(parameters.DEVICE_IN_PATH)
    try:
        file = await hive.run(
            lambda: _open(hive.options.live, PurePosixPath(f"{camera}.jpg"))
        )
    except ApiError as error:
        raise not_found(f"{camera} sends no live pictures", f"start them: live {camera}") from error
    return _sent(file, "image/jpeg")


async def _kept(request: web.Request, hive: Hive) -> tuple[KeptFile, PurePosixPath]:
    """The file of a job's recording, and its path in the archive."""
    job = Asked(request, *RECORDING).number(parameters.JOB_IN_PATH)
    found = await hive.read(lambda reader: reader.recording_file(job))
    if found is None:
        raise not_found(f"job {job} has no recording, or it was deleted")
    return found, PurePosixPath(found.path)


def _still(hive: Hive, relative: PurePosixPath) -> bytes:
    file = _open(hive.options.archive, relative)
    try:
        return first_picture(_by_descriptor(file))
    except UndecodableError as error:
        raise not_found(f"the video cannot be decoded: {error}") from error
    except ImportError as error:
        raise ApiError(503, "missing-library", f"pictures of videos need PyAV: {error}",
                       "sudo apt install python3-av") from error
    finally:
        os.close(file)


def _open(folder: Path, relative: PurePosixPath) -> int:
    """The descriptor of a file beneath a folder. Raises :class:`ApiError`."""
    try:
        return open_beneath(folder, relative)
    except (OSError, ValueError) as error:
        raise not_found(f"the file cannot be opened: {error}") from error


def _sent(file: int, kind: str) -> web.FileResponse:
    """A reply with the file of a descriptor, which is closed with the reply."""
    reply = web.FileResponse(_by_descriptor(file), headers={**_ASK_AGAIN, "Content-Type": kind})
    weakref.finalize(reply, os.close, file)
    return reply


def _by_descriptor(file: int) -> Path:
    return Path(f"/proc/self/fd/{file}")
