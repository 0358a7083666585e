"""The destination: reads the records, makes the messages, sends them, and keeps what was sent."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING

from beemon.base import zone
from beemon.base.clock import Moment
from beemon.base.facts import to_json
from beemon.uplink.contract import Batch, EventRecord, JobRecord, Newest, Record
from beemon.uplink.destinations.alerts import digest, records, sending
from beemon.uplink.destinations.alerts import memory as memories
from beemon.uplink.destinations.alerts.engine import Engine
from beemon.uplink.destinations.alerts.outbox import Outbox
from beemon.uplink.destinations.alerts.seen import DIGEST, Heard, Message, Now
from beemon.uplink.destinations.alerts.sending import Address, AddressError, Sent
from beemon.uplink.destinations.alerts.settings import AlertSettings
from beemon.uplink.destinations.alerts.texts import Words
from beemon.uplink.hive import Hive, RefusedError
from beemon.uplink.hours import Weekly

if TYPE_CHECKING:
    from beemon.uplink.destinations.alerts.ping import Ping

SAVE_SECONDS = 600.0
"""The longest time for which readings are not saved; messages are saved at once."""
_LOGGED_AT_ONCE = 20
_FILE = "alerts.json"


class Alerts:
    """The rules of one hive at work."""

    place = None

    def __init__(self, settings: AlertSettings, hive: Hive) -> None:
        self._settings, self._hive = settings, hive
        file = hive.state_folder / _FILE
        self._memory, self._keeper = memories.load(file), memories.keeper(file)
        self._engine = Engine(
            settings.rules, self._memory, settings.quiet, hive.name, hive.public_url
        )
        self._words = Words(hive.name, hive.public_url)
        self._outbox = Outbox(self._memory, self._post, self._save)
        self._address_trouble: str | None = None
        self._ping = _make_ping(settings, self._memory)
        self._heard: Heard | None = None
        self._asked_us: int | None = None
        self._saved_us = self._memory.steady_us
        self._is_current = True

    def wants(self, _record: Record) -> bool:
        """Whether it can change a rule: each can, if only by being there."""
        return True

    def deliver(self, batch: Batch) -> int:
        """Take the records into the memory. A record that can cause a message is saved at once."""
        now = self._now(self._hive.clock.now())
        self._engine.begin(batch.archive, now)
        jobs = [
            record for record in batch.records
            if isinstance(record, JobRecord) and not record.is_import
        ]
        events = [record.event for record in batch.records if isinstance(record, EventRecord)]
        self._engine.take(
            now, records.measured(jobs), records.worked(jobs), map(records.happened, events)
        )
        self._is_current = batch.is_last
        if events or self._engine.has_turned:
            self._save()
        return len(batch.records)

    def show_newest(self, newest: Newest) -> None:
        """Note the devices that work: their records come later. Rules take the records alone."""
        now = self._now(self._hive.clock.now())
        self._engine.take(now, worked=records.newest(newest.readings))

    def look(self, now: Moment) -> float | None:
        """Ask the service, look for silence, and send what is due."""
        at = self._now(now)
        if self._is_time_to_ask(at):
            self._ask(at)
            self._read_addresses()
        if self._is_current:
            self._decide(at)
        if self._settings.digest is not None:
            self._write_digest(self._settings.digest, at)
        if self._memory.letters:
            self._send()
        if self._ping is not None and self._heard is not None:
            problem = records.find_hang(self._heard) or self._engine.find_silence(at)
            self._ping.call(at, problem)
        if self._memory.log and self._heard is not None:
            self._log()
        if self._keeper.trouble or at.steady_us - self._saved_us >= SAVE_SECONDS * 1e6:
            self._save()
        self._tell_trouble()
        return self._next_seconds(at)

    def close(self) -> None:
        """Save the memory."""
        self._save()

    def _now(self, at: Moment) -> Now:
        return self._memory.advance(at, self._hive.clock.boot_id(), zone.local())

    def _is_time_to_ask(self, now: Now) -> bool:
        asked_us = self._asked_us
        return asked_us is None or now.steady_us - asked_us >= self._settings.ask_interval * 1e6

    def _ask(self, now: Now) -> None:
        self._asked_us = now.steady_us
        try:
            self._heard = records.heard(*self._hive.ask_all("status", "devices"))
        except (ConnectionError, RefusedError):
            self._heard = None
        else:
            self._engine.hear(now, self._heard)

    def _decide(self, now: Now) -> None:
        self._engine.look(now)
        messages = self._engine.decide(now)
        for message in messages:
            self._outbox.add(message)
        if messages or self._engine.has_turned:
            self._save()

    def _send(self) -> None:
        addresses = self._read_addresses()
        if addresses:
            self._outbox.work(addresses)

    def _post(self, address: Address, title: str, body: str) -> Sent:
        self._hive.meter.count(len(title.encode()) + len(body.encode()))
        sent = sending.send(address, title, body)
        if sent.result is sending.Result.DELIVERED:
            self._hive.note_delivery()
        return sent

    def _read_addresses(self) -> list[Address]:
        """The addresses; their trouble is known before the first message needs them."""
        self._address_trouble = None if shutil.which(sending.PROGRAM) else sending.MISSING
        try:
            return sending.read_addresses(self._settings.urls_file)
        except AddressError as error:
            self._address_trouble = str(error)
            return []

    def _tell_trouble(self) -> None:
        troubles = [
            *self._settings.left_out, self._address_trouble or self._outbox.trouble,
            self._keeper.trouble,
        ]
        if self._ping is not None:
            troubles.append(self._ping.trouble)
        self._hive.tell_trouble("; ".join(filter(None, troubles)) or None)

    def _write_digest(self, weekly: Weekly, now: Now) -> None:
        memory, due_us = self._memory, weekly.latest_us(now.utc_us, now.zone)
        if memory.digest_utc == due_us:
            return
        is_first, memory.digest_utc = memory.digest_utc == 0, due_us
        if not is_first and now.utc_us - due_us < digest.LATE_US:
            text = self._compose_digest(now)
            title, body = self._words.message("the last week", text)
            self._outbox.add(Message(DIGEST, DIGEST, DIGEST, title, body, now.utc_us))
        self._save()

    def _compose_digest(self, now: Now) -> str:
        try:
            return digest.compose(self._hive.reader, self._heard, now)
        except (OSError, sqlite3.Error) as error:
            return f"The archive could not be read: {error}"

    def _log(self) -> None:
        """Enter the results in the archive; without a service, later."""
        left = list(self._memory.log)
        for _ in range(min(_LOGGED_AT_ONCE, len(left))):
            try:
                self._hive.send_command(left[0])
            except ConnectionError:
                break
            except RefusedError:
                pass  # by an older service: it would refuse it again
            del left[0]
        self._memory.log = tuple(left)
        self._save()

    def _save(self) -> None:
        """Save the memory if the disk allows it; messages are sent in any case."""
        self._keeper.keep(to_json(self._memory))
        self._engine.has_turned = False
        self._saved_us = self._memory.steady_us

    def _next_seconds(self, now: Now) -> float:
        moments = (self._engine.next_us(now), self._outbox.next_us())
        waits = [(moment - now.steady_us) / 1e6 for moment in moments if moment is not None]
        return max(0.0, min([self._settings.ask_interval, *waits]))


def _make_ping(settings: AlertSettings, memory: memories.Memory) -> Ping | None:
    if settings.ping_url is None:
        return None
    from beemon.uplink.destinations.alerts.ping import Ping  # it brings TLS

    return Ping(settings.ping_url, settings.ping_interval, memory)
