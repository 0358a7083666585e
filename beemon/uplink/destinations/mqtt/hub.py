"""Hub: every record, in order, to a program that keeps the records of many hives.

A broker also acknowledges messages that it discards. Only the hub's own acknowledgement counts.
The hive publishes on ``beemon/ARCHIVE/records``; a message is the zlib-compressed JSON object
``{"schema", "archive", "batch", "records"}``. The hub publishes ``{"archive", "upto"}`` on
``beemon/ARCHIVE/ack`` once it has committed the message with that ``batch`` and all before it. The
numbers of batches rise from an arbitrary one at each start, so no old acknowledgement counts.
"""

from __future__ import annotations

import json
import random
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from beemon.base.facts import JsonObject, to_json
from beemon.uplink.contract import Batch, EventRecord, NotDeliveredError, Record
from beemon.uplink.destinations.mqtt.session import Session

SCHEMA = 1
LARGEST = 64 * 1024
"""The largest message, in bytes."""
WINDOW = 16
"""The largest number of messages that the hub has not acknowledged yet."""
ACKNOWLEDGED_SECONDS = 30.0
"""The longest time that the hub may take to acknowledge a message."""
_FIRST_BATCHES = 2**31  # times 2**20: exact in JSON, and an accident that one is given twice


def records_topic(archive: str) -> str:
    """The topic of the records."""
    return f"beemon/{archive}/records"


def ack_topic(archive: str) -> str:
    """The topic on which the hub acknowledges."""
    return f"beemon/{archive}/ack"


class Hub:
    """Sends records, at most :data:`WINDOW` messages ahead of the hub.

    ``take_news`` handles what has come from the broker, and calls :meth:`acknowledge`.
    """

    def __init__(
        self, session: Session, take_news: Callable[[float], None],
        timeout: float = ACKNOWLEDGED_SECONDS,
    ) -> None:
        self._session, self._take_news, self._timeout = session, take_news, timeout
        self._next = random.randrange(_FIRST_BATCHES) << 20  # noqa: S311
        self._open: deque[tuple[int, int]] = deque()
        self._delivered = self._connection = 0
        self._archive = ""

    def deliver(self, batch: Batch) -> int:
        """Send records, and wait for the hub; return the number that it has.

        Raises :class:`~beemon.uplink.contract.NotDeliveredError`.
        """
        self._archive, self._delivered = batch.archive, 0
        self._open.clear()
        self._connection = self._session.connections
        try:
            for count, message in self._messages(batch.records):
                self._wait_for_room(WINDOW - 1)
                self._session.publish(records_topic(batch.archive), message)
                self._open.append((self._next - 1, count))
            self._wait_for_room(0)
        except NotDeliveredError as error:
            raise NotDeliveredError(
                str(error), acknowledged=self._delivered, retry_after=error.retry_after
            ) from error
        return self._delivered

    def acknowledge(self, payload: bytes) -> None:
        """Take the hub's acknowledgement. Nonsense is ignored."""
        try:
            told = json.loads(payload)
            archive, upto = told["archive"], told["upto"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        is_number = isinstance(upto, int) and upto in {number for number, _ in self._open}
        if archive != self._archive or not is_number:
            return
        while self._open and self._open[0][0] <= upto:
            self._delivered += self._open.popleft()[1]

    def _wait_for_room(self, most: int) -> None:
        until = time.monotonic() + self._timeout
        while len(self._open) > most:
            left = until - time.monotonic()
            if left <= 0:
                self._session.wait_until_acknowledged(0.0)  # the broker's own trouble comes first
                raise NotDeliveredError(self._session.refusal or (
                    f"no hub has acknowledged anything for {self._timeout:g} s; does one listen on "
                    f"{records_topic(self._archive)}, and may the hive write there?"
                ))
            before = len(self._open)
            self._take_news(left)
            if self._session.connections != self._connection:
                raise NotDeliveredError(f"{self._session.broker} lost the connection")
            if len(self._open) < before:
                until = time.monotonic() + self._timeout

    def _messages(self, records: Sequence[Record]) -> Iterator[tuple[int, bytes]]:
        """Each message with the number of its records; one that is too large is halved."""
        if not records:
            return
        message = self._encode(records)
        if len(message) <= LARGEST or len(records) == 1:
            self._next += 1
            yield len(records), message
            return
        middle = len(records) // 2
        yield from self._messages(records[:middle])
        yield from self._messages(records[middle:])

    def _encode(self, records: Sequence[Record]) -> bytes:
        told = {
            "schema": SCHEMA, "archive": self._archive, "batch": self._next,
            "records": [describe(record) for record in records],
        }
        return zlib.compress(json.dumps(told, allow_nan=False, separators=(",", ":")).encode())


def describe(record: Record) -> JsonObject:
    """A record as an object: its ``change``, and ``event`` or ``job`` with all of it."""
    if isinstance(record, EventRecord):
        return {"change": record.change, "event": to_json(record.event)}
    recording = record.recording
    return {
        "change": record.change, "job": to_json(record.job),
        "readings": [
            {**to_json(one), "at": {"utc_us": one.at.utc_us, "monotonic": one.at.monotonic,
                                    "clock": one.at.quality.value}}
            for one in record.readings
        ],
        **({} if recording is None else {"recording": to_json(recording)}),
    }
