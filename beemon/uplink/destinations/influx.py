"""InfluxDB, VictoriaMetrics and others that take Influx lines by HTTP.

A reading that comes twice replaces itself there, because it has the same tags and time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from beemon.base.clock import Moment
from beemon.base.options import option
from beemon.base.web_client import web_address
from beemon.formats import influx
from beemon.formats.measured import Measured, of_reading
from beemon.uplink.contract import (
    Batch,
    JobRecord,
    Newest,
    NotDeliveredError,
    Record,
    has_readings,
)
from beemon.uplink.files import SECRET_FILE
from beemon.uplink.hive import Hive
from beemon.uplink.secrets import read_secret
from beemon.uplink.web_client import check_answer, send

_TAKEN = (204,)
"""The status of a server that has taken all lines; a router's log-in page answers 200."""

MOST_BYTES = 250_000
"""The size of a request, unless a job alone is larger: many servers take no more than 1 MB."""
_REFUSED, _TOO_OLD = (400, 422), b"points beyond retention policy"
"""So InfluxDB says that it has taken all lines but those that are older than it keeps any."""
_KEPT_FOR_LESS = (
    "the server keeps no readings as old as some of the history: see the retention policy of its "
    "database"
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All readings are posted to InfluxDB, VictoriaMetrics or another server, as Influx lines."""

    url: str = option(
        parse=web_address,
        doc="The address for the lines, such as ``https://metrics.example/write?db=hives``",
    )
    token_file: Path | None = option(
        None, parse=SECRET_FILE, doc="The file with the token of the server"
    )


class Influx:
    """Posts each reading as a line."""

    wants = staticmethod(has_readings)

    def __init__(self, settings: Settings, hive: Hive) -> None:
        self._settings, self._hive = settings, hive
        self.place = settings.url

    def deliver(self, batch: Batch) -> int:
        """Post the readings of a batch in pieces; each is there as a whole, or not at all."""
        lines, done = "", 0
        try:
            for number, record in enumerate(batch.records):
                more = self._write(_measured(record))
                if lines and len(lines) + len(more) > MOST_BYTES:
                    self._post(lines)
                    lines, done = "", number
                lines += more
            self._post(lines)
        except NotDeliveredError as error:
            error.acknowledged = done
            raise
        return len(batch.records)

    def show_newest(self, _newest: Newest) -> None:
        """Post the latest readings with their exact times, so that history repeats these points."""
        self._post(self._write(map(of_reading, self._hive.latest_readings())))

    def look(self, _now: Moment) -> float | None:
        """There is nothing to do without new records."""
        return None

    def close(self) -> None:
        """There is no connection to end."""

    def _write(self, found: Iterable[Measured]) -> str:
        return "".join(influx.line(self._hive.name, one) for one in found)

    def _post(self, lines: str) -> None:
        if not lines:
            return
        url, body = self._settings.url, lines.encode()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        token = read_secret(self._settings.token_file) if self._settings.token_file else None
        if token:
            headers["Authorization"] = f"Token {token}"
        self._hive.meter.count(len(body))
        answer = send("POST", url, body, headers)
        is_too_old = answer.status in _REFUSED and _TOO_OLD in answer.body
        if not is_too_old:
            check_answer(answer, url, _TAKEN, token)
            self._hive.note_delivery()
        self._hive.tell_trouble(_KEPT_FOR_LESS if is_too_old else None)


def make(settings: Settings, hive: Hive) -> Influx:
    """The destination of this table."""
    return Influx(settings, hive)


def _measured(record: Record) -> Iterator[Measured]:
    if isinstance(record, JobRecord):
        yield from (of_reading(reading, record.job.job) for reading in record.readings)
