"""BEEP: posts the readings that its fields can hold, at most ten times a minute.

A message that comes twice replaces itself there, because it has the same key, time and fields.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from beemon.base.clock import Moment
from beemon.base.moments import US_PER_SECOND
from beemon.base.names import sensor_name
from beemon.base.options import BadOptionError, in_toml, option
from beemon.base.web_client import web_address
from beemon.formats import beep
from beemon.formats.fields import Choice, FieldError, choose
from beemon.formats.measured import Series, of_facts, of_reading, sets
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

MOST_REQUESTS, SPAN_SECONDS = 10, 60.0
"""The number of requests that BEEP takes of one key, and in which time."""
_MARGIN_SECONDS = 1.0
_SAVED = (201,)


def _sensors(value: object) -> Mapping[str, str]:
    """Fields of BEEP and the sensor for each, as the owner has chosen them."""
    known = [one.name for one in beep.FIELDS]
    if not isinstance(value, dict) or not set(value) <= set(known):
        raise BadOptionError(
            f"must be a table of fields ({', '.join(known)}) and sensors, not {in_toml(value)}"
        )
    return {name: sensor_name(sensor) for name, sensor in value.items()}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The readings are posted to BEEP if it has a field for them, at most ten times a minute.

    BEEP makes 0 of a missing value, so that it is left out.
    """

    url: str = option(
        parse=web_address,
        doc="The address for readings, such as ``https://api.beep.example/api/sensors``",
    )
    key_file: Path = option(parse=SECRET_FILE, doc="The file with the key of the sensor")
    fields: Mapping[str, str] = option(
        (), parse=_sensors,
        doc="The sensor for a field, if its name does not show the place: ``{ t_i = "
            '"sensor.climate" }``',
    )


class Pace:
    """Keeps requests below the limit of the far end."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._sent: deque[float] = deque(maxlen=MOST_REQUESTS)

    def seconds_until_free(self) -> float:
        """The time in seconds until the next request may be sent; 0: now."""
        if len(self._sent) < MOST_REQUESTS:
            return 0.0
        return max(0.0, self._sent[0] + SPAN_SECONDS + _MARGIN_SECONDS - self._now())

    def count(self) -> None:
        """Count a request that was sent."""
        self._sent.append(self._now())


@dataclass
class Beep:
    """Posts the readings of each second as one message."""

    settings: Settings
    hive: Hive
    pace: Pace = field(default_factory=Pace)
    _front: Record | None = None
    """The first record that is not there as a whole."""
    _posted: int = 0
    """Its messages that are there: it may have more than BEEP takes in a minute."""
    wants = staticmethod(has_readings)

    @property
    def place(self) -> str:
        """The address; the key belongs to it, as another key is another hive there."""
        return f"{self.settings.url} {read_secret(self.settings.key_file)}"

    def deliver(self, batch: Batch) -> int:
        """Post messages in order, as long as BEEP takes more; count the jobs that are there."""
        choice, done, posted = self._choose(), 0, 0
        known = self._posted if self._front in batch.records[:1] else 0
        try:
            for number, (ahead, message) in enumerate(_messages(batch.records, choice)):
                if number >= known:
                    if self.pace.seconds_until_free() > 0:
                        return done
                    self._post(message)
                done, posted = (ahead, 0) if ahead > done else (done, posted + 1)
            done = len(batch.records)
        except NotDeliveredError as error:
            error.acknowledged = done
            raise
        else:
            return done
        finally:
            self._front, self._posted = (*batch.records[done:], None)[0], posted

    def show_newest(self, newest: Newest) -> None:
        """Post the latest readings of each second."""
        found = sorted(of_facts(one, one.clock) for one in newest.readings)
        choice = self._choose()
        for some in sets(found, US_PER_SECOND):
            if (message := beep.message(some, choice)) and not self.pace.seconds_until_free():
                self._post(message)

    def look(self, _now: Moment) -> float | None:
        """Come back as soon as BEEP takes the next message."""
        return self.pace.seconds_until_free() or None

    def close(self) -> None:
        """There is no connection to end."""

    def _choose(self) -> Choice:
        known = {Series(one.sensor, one.quantity, one.unit) for one in self.hive.reader.latest()}
        try:
            return choose(beep.FIELDS, known, dict(self.settings.fields))
        except FieldError as error:
            raise NotDeliveredError(f"{error}; correct `fields` in [beep]") from error

    def _post(self, message: Mapping[str, int | float]) -> None:
        key = read_secret(self.settings.key_file)
        body = json.dumps({"key": key, **message}).encode()
        self.pace.count()
        self.hive.meter.count(len(body))
        answer = send("POST", self.settings.url, body, {"Content-Type": "application/json"})
        check_answer(answer, self.settings.url, _SAVED, key)
        self.hive.note_delivery()


def make(settings: Settings, hive: Hive) -> Beep:
    """The destination of this table."""
    return Beep(settings, hive)


def _messages(
    records: Sequence[Record], choice: Choice
) -> Iterator[tuple[int, Mapping[str, int | float]]]:
    """Each message, and the number of records, from the front, that are there after it."""
    found = [
        (number, of_reading(reading, record.job.job))
        for number, record in enumerate(records) if isinstance(record, JobRecord)
        for reading in record.readings if reading.value is not None
    ]
    owners = iter([number for number, _ in found] + [len(records)])
    ahead = next(owners)
    for some in sets((one for _, one in found), US_PER_SECOND):
        for _ in some:
            ahead = next(owners)
        if message := beep.message(some, choice):
            yield ahead, message
