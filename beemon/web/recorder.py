"""The recorder's own answers: its status, its devices, its jobs; and commands to it."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web

from beemon.base import clock, zone
from beemon.base.moments import iso
from beemon.base.status import ServiceStatus
from beemon.base.values import value_class
from beemon.ledger.page_reader import PageReader
from beemon.protocol.lines import RequestError, check_printable
from beemon.protocol.replies import JobFacts, JobList, ReadingList
from beemon.web import parameters
from beemon.web.bodies import read_body
from beemon.web.errors import ApiError, bad_parameter, not_found
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.roles import Role
from beemon.web.sending import send

COMMANDS = ("snapshot", "record", "read", "inspection", "swarm", "live", "cancel")
"""The words that the page may send to the recorder; `cancel` only for a live view."""
LONGEST_COMMAND = 500  # characters
_UNREACHABLE = ("unreachable", "busy")

JOBS = (parameters.COUNT,)
JOB = (parameters.JOB_IN_PATH,)


@value_class
class StatusReply:
    """The state of the hive, or the last sign of life of a recorder that does not answer."""

    reached: Annotated[bool, "whether the recorder answers"]
    now: Annotated[str, "the time on this computer"]
    zone: Annotated[str, "the time zone of this computer"]
    status: Annotated[ServiceStatus | None, "the recorder's status"] = None
    since: Annotated[str | None, "the last sign of life of a recorder that is silent"] = None
    message: Annotated[str | None, "the problem"] = None
    remedy: Annotated[str | None, "the next step"] = None


@value_class
class CommandBody:
    """A command for the recorder."""

    command: Annotated[str, "its text, as for `beemon`: `snapshot camera.entrance`"]


async def get_status(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The status of the service and its devices."""
    Asked(request)
    now = {"now": iso(clock.now().utc_us), "zone": str(zone.local())}
    try:
        status = await hive.ask("status")
    except ApiError as error:
        since = await _last_contact_us(hive)
        return send(role, {
            "reached": False, **now, **({"since": iso(since)} if since else {}),
            "message": error.message, "remedy": error.remedy,
        })
    return send(role, {"reached": True, **now, "status": status})


async def _last_contact_us(hive: Hive) -> int | None:
    """The time of the last contact with the recorder, or of its last entry in the archive."""
    if hive.was_reached:
        return hive.lost_since_us
    try:
        return await hive.read(lambda reader: reader.last_sign_us())
    except ApiError:
        return hive.lost_since_us


async def get_devices(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The devices of the config."""
    Asked(request)
    return send(role, await hive.ask("devices"))


async def get_budget(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The disk space used each day."""
    Asked(request)
    return send(role, await hive.ask("budget"))


async def get_readings(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The latest reading of each quantity; of a silent recorder also of devices that it had."""
    Asked(request)
    try:
        return send(role, await hive.ask("readings"))
    except ApiError as error:
        if error.code not in _UNREACHABLE:
            raise
    found = await hive.read(lambda reader: reader.latest())
    return send(role, ReadingList(tuple(found)))


async def get_jobs(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """The latest jobs."""
    count = Asked(request, *JOBS).number(parameters.COUNT)
    found = await hive.read(lambda reader: reader.jobs(count))
    return send(role, JobList(tuple(found)))


async def get_job(request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
    """One job."""
    number = Asked(request, *JOB).number(parameters.JOB_IN_PATH)
    return send(role, await hive.read(lambda reader: _job(reader, number)))


def _job(reader: PageReader, number: int) -> JobFacts:
    found = reader.job(number)
    if found is None:
        raise not_found(f"the archive holds no job {number}")
    return found


async def post_command(request: web.Request, hive: Hive, _role: Role) -> web.StreamResponse:
    """Send a command; the reply has the number of its job."""
    Asked(request)
    given = await read_body(request, CommandBody)
    command = _checked(given.command)
    if command.split()[0] == "cancel":
        await _check_live_view(hive, command.split()[1:])
    return web.json_response(await hive.ask(command), status=202)


async def _check_live_view(hive: Hive, job: list[str]) -> None:
    """Raise :class:`ApiError` unless a job is the live view of a camera."""
    found = await hive.ask(" ".join(["job", *job]))
    if not str(found.get("command")).startswith("live "):
        raise bad_parameter("only a live view can be cancelled here")


def _checked(command: str) -> str:
    words = command.split()
    if not words or words[0] not in COMMANDS:
        raise bad_parameter(f"the command must begin with one of {', '.join(COMMANDS)}")
    if len(command) > LONGEST_COMMAND:
        raise bad_parameter(f"a command has {LONGEST_COMMAND} characters at the most")
    try:
        check_printable(command)
        command.encode()
    except (RequestError, UnicodeEncodeError) as error:
        raise bad_parameter(f"the command: {error}") from error
    return command
