"""Files: recordings by number, pictures and live pictures, opened beneath their folder."""

from __future__ import annotations

import os
import weakref
from pathlib import Path, PurePosixPath

from aiohttp import web

from beemon.base.beneath import open_beneath
from beemon.ledger.page_reader import PageReader
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
_KEEP = {"Cache-Control": "private, max-age=86400"}
_ASK_AGAIN = {"Cache-Control": "no-cache"}


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
    relative = await _path(request, hive)
    file = await hive.run(lambda: _open(hive.options.archive, relative))
    return _sent(file, _TYPES.get(relative.suffix, "application/octet-stream"), _KEEP)


async def get_picture(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """A picture, or the first one of a video, as JPEG."""
    relative = await _path(request, hive)
    kind = _TYPES.get(relative.suffix, "")
    if kind == "image/jpeg":
        return await get_recording(request, hive, role)
    if not kind.startswith("video/"):
        raise not_found("this recording has no picture")
    job = request.match_info["job"]
    stills = Cache(hive.options.cache / "stills", MOST_STILLS)
    made = await hive.run(lambda: stills.get(f"{job}.jpg", lambda: _still(hive, relative)))
    return web.Response(body=made, content_type="image/jpeg", headers=_KEEP)


async def get_live(request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """The newest live picture of a camera."""
    camera = Asked(request, *LIVE).text(parameters.DEVICE_IN_PATH)
    try:
        file = await hive.run(
            lambda: _open(hive.options.live, PurePosixPath(f"{camera}.jpg"))
        )
    except ApiError as error:
        raise not_found(f"{camera} sends no live pictures", f"start them: live {camera}") from error
    return _sent(file, "image/jpeg", _ASK_AGAIN)


async def _path(request: web.Request, hive: Hive) -> PurePosixPath:
    """The path of a job's recording in the archive."""
    job = Asked(request, *RECORDING).number(parameters.JOB_IN_PATH)

    def find(reader: PageReader) -> str:
        found = reader.recording_path(job)
        if found is None:
            raise not_found(f"job {job} has no recording, or it was deleted")
        return found

    return PurePosixPath(await hive.read(find))


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


def _sent(file: int, kind: str, headers: dict[str, str]) -> web.FileResponse:
    """A reply with the file of a descriptor, which is closed with the reply."""
    reply = web.FileResponse(_by_descriptor(file), headers={**headers, "Content-Type": kind})
    weakref.finalize(reply, os.close, file)
    return reply


def _by_descriptor(file: int) -> Path:
    return Path(f"/proc/self/fd/{file}")
