"""Sources of weather: the text of a file that a station writes, or the answer of a server.

Open-Meteo answers for a position, by models (https://open-meteo.com/en/docs). It gets the position
to a tenth of a degree, which is some 10 km.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from beemon.devices._base import BadReadingError, DeviceError
from beemon.devices.sensors._sysfs import error_of

LONGEST = 262_144
"""The largest answer, in bytes. Of a larger table the first line and the end are read."""
_HEAD = 4096

OPEN_METEO = "https://api.open-meteo.com/v1/forecast"
OPEN_METEO_FIELDS = {
    "temperature": "current.temperature_2m",
    "humidity": "current.relative_humidity_2m",
    "pressure": "current.surface_pressure",
    "rain_rate": "current.precipitation",
    "wind_speed": "current.wind_speed_10m",
    "wind_direction": "current.wind_direction_10m",
    "radiation": "current.shortwave_radiation",
}
OPEN_METEO_UNITS = {"pressure": "hPa", "rain_rate": "mm/15min"}
OPEN_METEO_TIME = "current.time"


class NoAnswerError(DeviceError):
    """The source did not answer, or refused the request."""

    reason = "no-answer"


class Source(NamedTuple):
    """The text of a source, and the time at which a file was written, in seconds since 1970."""

    text: str
    written: float | None = None


def open_meteo_address(server: str, latitude: float, longitude: float) -> str:
    """The address of the weather of a position now."""
    asked = [field.partition(".")[2] for field in OPEN_METEO_FIELDS.values()]
    return f"{server}?" + urlencode({
        "latitude": f"{latitude:z.1f}", "longitude": f"{longitude:z.1f}",
        "current": ",".join(asked), "wind_speed_unit": "ms", "timeformat": "unixtime",
    }, safe=",")


def fetch(address: str, seconds: float) -> Source:
    """The answer of a server. Raises :class:`DeviceError`."""
    from beemon.base import web_client  # it brings TLS, which a file does not need

    try:
        answer = web_client.send("GET", address, seconds=seconds, longest=LONGEST + 1)
    except web_client.NoAnswerError as error:
        raise NoAnswerError(str(error)) from error
    if 300 <= answer.status < 400:
        raise NoAnswerError(f"it redirects (status {answer.status}): name the new address")
    if not answer.is_good:
        raise NoAnswerError(f"it refused the request: status {answer.status}")
    if len(answer.body) > LONGEST:
        raise BadReadingError("not-a-number", f"its answer has more than {LONGEST} bytes")
    return Source(_text(answer.body))


def read_file(path: Path) -> Source:
    """The text of a file. Raises :class:`DeviceError`."""
    try:
        # a FIFO that nobody writes into must not block
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise DeviceError(f"{path} is not a regular file")
            content = file.read(LONGEST + 1)
            if len(content) > LONGEST:
                head = content[:_HEAD].partition(b"\n")[0]
                file.seek(_HEAD - LONGEST, os.SEEK_END)
                content = head + b"\n" + file.read(LONGEST).partition(b"\n")[2]
    except DeviceError:
        raise
    except OSError as error:
        raise error_of(error, str(path)) from error
    return Source(_text(content), status.st_mtime)


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")
