"""Parameters of requests: one object documents and checks each of them."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from aiohttp import web

from beemon.base import clock, since, zone
from beemon.base.quoting import shown
from beemon.protocol.views import LEAST_POINTS
from beemon.web.errors import bad_parameter
from beemon.web.routes import Parameter

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"-?[0-9]{1,16}")
_SHOWN = 40  # characters of what was written that an error repeats

_DEVICE = {"type": "string", "pattern": r"^[a-z]{1,20}\.[a-z0-9][a-z0-9_-]{0,30}$"}
_MOMENT = {"anyOf": [
    {"type": "string", "pattern": r"^[0-9]{1,4}[hdw]$"},
    {"type": "string", "format": "date"},
    {"type": "string", "enum": ["today", "yesterday"]},
]}
_WORD = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,40}$"}
_DAY = {"type": "string", "format": "date"}
_JOB = {"type": "integer", "minimum": 1 - 2**53, "maximum": 2**53 - 1}


def _whole(least: int, most: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


DEVICE = Parameter(name="device", summary="the device", schema=_DEVICE, required=True)
QUANTITY = Parameter(
    name="quantity", summary="the measured quantity", required=True,
    schema={"type": "string", "pattern": "^[!-~]{1,80}$"},
)
SINCE = Parameter(
    name="since", schema=_MOMENT,
    summary="the begin: a date, `today`, `yesterday`, or how long ago, such as 12h, 7d, 4w",
)
UNTIL = Parameter(name="until", schema=_MOMENT, summary="the end, like `since`; default: now")
POINTS = Parameter(
    name="points", summary="number of points, at the most", schema=_whole(LEAST_POINTS, 5000, 1000)
)
KIND = Parameter(name="kind", summary="the kind of events", schema=_WORD)
MOST = Parameter(name="most", summary="number of events, at the most", schema=_whole(1, 1000, 1000))
DAYS = Parameter(name="days", summary="number of days", schema=_whole(1, 400, 91))
COUNT = Parameter(name="count", summary="number of jobs", schema=_whole(1, 1000, 20))
DAY = Parameter(name="day", summary="the date, on the local clocks", schema=_DAY, required=True)
AGAIN = Parameter(
    name="of", summary="any text: another one makes a browser ask again",
    schema={"type": "string", "maxLength": 100},
)
JOB_IN_PATH = Parameter(name="job", summary="the number of a job", schema=_JOB, required=True,
                        in_path=True)
DEVICE_IN_PATH = Parameter(name="device", summary="the device", schema=_DEVICE, required=True,
                           in_path=True)
DAY_IN_PATH = Parameter(name="day", summary="the date, on the local clocks", schema=_DAY,
                        required=True, in_path=True)


class Asked:
    """The parameters of a request, checked. Raises :class:`~beemon.web.errors.ApiError`."""

    def __init__(self, request: web.Request, *parameters: Parameter) -> None:
        self._given = {**request.match_info}
        known = {one.name for one in parameters if not one.in_path}
        for name in request.query:
            if name not in known:
                raise bad_parameter(f'there is no parameter "{shown(name, _SHOWN)}"')
            if len(request.query.getall(name)) > 1:
                raise bad_parameter(f'"{name}" is given more than once')
            self._given[name] = request.query[name]
        for one in parameters:
            written = self._given.get(one.name)
            if written is None and one.required:
                raise bad_parameter(f'"{one.name}" is missing: {one.summary}')
            if written is not None and not _fits(written, one.schema):
                raise _wrong(one, written)

    def text(self, parameter: Parameter) -> str:
        """The text of a parameter; empty if it is not given."""
        return self._given.get(parameter.name, "")

    def number(self, parameter: Parameter) -> int:
        """The whole number of a parameter, or its default."""
        written = self._given.get(parameter.name)
        if written is None:
            return int(parameter.schema["default"])
        schema = parameter.schema
        fits = _WHOLE.fullmatch(written)
        if not fits or not schema["minimum"] <= int(written) <= schema["maximum"]:
            raise bad_parameter(
                f'"{parameter.name}" must be a whole number from {schema["minimum"]} to '
                f'{schema["maximum"]}, not "{shown(written, _SHOWN)}"'
            )
        return int(written)

    def day(self, parameter: Parameter) -> date:
        """The date of a parameter."""
        found = _date(self._given[parameter.name])
        if found is None:
            raise _wrong(parameter, self._given[parameter.name])
        return found

    def moment_us(self, parameter: Parameter, default: str) -> int:
        """The moment of a parameter in microseconds since 1970; ``default`` is one, as text."""
        written = self._given.get(parameter.name, default)
        found = since.begin_us(written, clock.now().utc_us, zone.local())
        if found is None:
            raise _wrong(parameter, written)
        return found


def _date(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if _DATE.fullmatch(written) else None
    except ValueError:
        return None


def _fits(written: str, schema: dict[str, Any]) -> bool:
    pattern = schema.get("pattern", ".*")
    is_short = len(written) <= schema.get("maxLength", len(written))
    return is_short and re.fullmatch(pattern, written, re.ASCII | re.DOTALL) is not None


def _wrong(parameter: Parameter, written: str) -> Exception:
    said = shown(written, _SHOWN)
    return bad_parameter(f'"{parameter.name}" must be {parameter.summary}, not "{said}"')
