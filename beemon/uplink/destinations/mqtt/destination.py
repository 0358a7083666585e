"""The broker as a destination: the hive's state, pictures, events, buttons and records."""

from __future__ import annotations

import queue
import random
from typing import NamedTuple

from beemon.base.clock import Moment
from beemon.uplink.contract import Batch, EventRecord, JobRecord, Newest, Record
from beemon.uplink.destinations.mqtt import discovery
from beemon.uplink.destinations.mqtt.buttons import Buttons
from beemon.uplink.destinations.mqtt.hub import Hub, ack_topic
from beemon.uplink.destinations.mqtt.screen import OFFLINE, ONLINE, Screen
from beemon.uplink.destinations.mqtt.session import Connected, Session, Will
from beemon.uplink.destinations.mqtt.settings import Settings
from beemon.uplink.hive import Hive

BIRTH_DELAY_SECONDS = 2.0
"""The longest pause before the answer to a start of Home Assistant, as many devices answer then."""
REPEAT_SECONDS = 4.0
"""The time in seconds after which Home Assistant listens to all announced topics."""
LOOK_SECONDS = 60.0
UNSURE_SECONDS = 3600.0
"""The time in seconds after which everything is published again if it may have been dropped.

Somebody may have corrected the broker's access rules."""


class Line(NamedTuple):
    """The parts of the destination, made once the archive is there."""

    session: Session
    screen: Screen
    buttons: Buttons
    hub: Hub | None
    birth_topic: str
    ack_topic: str


class Mqtt:
    """One broker. One thread uses it; its session has a thread of its own."""

    def __init__(self, settings: Settings, hive: Hive) -> None:
        self.place = f"{settings.broker.host}:{settings.port}" if settings.records else None
        self._settings, self._hive = settings, hive
        self._line: Line | None = None
        self._all_due: float | None = None
        self._repeat_due: float | None = None

    def wants(self, _record: Record) -> bool:
        """Whether it is shown: each may change the state of the hive."""
        return True

    def deliver(self, batch: Batch) -> int:
        """Publish events, pictures and outcomes; send the records to the hub if there is one."""
        line = self._catch_up(self._hive.clock.now())
        jobs = [record for record in batch.records if isinstance(record, JobRecord)]
        for record in batch.records:
            if isinstance(record, EventRecord):
                line.screen.show_event(record.event)
        for job in jobs:
            line.buttons.show_outcome(job.job)
        if batch.is_last:
            line.screen.show_recordings(
                job.recording for job in jobs if job.recording and not job.is_import
            )
        line.screen.settle()
        count = len(batch.records) if line.hub is None else line.hub.deliver(batch)
        if count and (line.hub is not None or line.session.is_proven):
            self._hive.note_delivery()
        return count

    def show_newest(self, newest: Newest) -> None:
        """Publish the differences from the last messages."""
        line = self._catch_up(self._hive.clock.now())
        line.screen.update(newest.readings, newest.status)

    def look(self, now: Moment) -> float | None:
        """Answer Home Assistant's start and buttons, and publish all changes."""
        line = self._catch_up(now)
        if self._repeat_due is not None and now.monotonic >= self._repeat_due:
            self._repeat_due = None
            line.screen.repeat()
        if line.screen.refresh():
            self._repeat_due = now.monotonic + REPEAT_SECONDS
        if line.session.is_unsure and self._all_due is None:
            self._all_due = now.monotonic + UNSURE_SECONDS
        self._hive.tell_trouble(line.screen.trouble)
        self._hive.tell_limit(line.session.limit)
        dues = [due for due in (self._all_due, self._repeat_due) if due is not None]
        return min([LOOK_SECONDS, *(max(0.0, due - now.monotonic) for due in dues)])

    def close(self) -> None:
        """Say good-bye in the place of the will."""
        if self._line is not None:
            self._line.session.close(OFFLINE)

    def _catch_up(self, now: Moment) -> Line:
        """Handle the news; publish everything to a broker or a Home Assistant that has begun.

        Raises :class:`~beemon.uplink.contract.NotDeliveredError` if there is no connection.
        """
        if self._line is None:
            self._line = self._open()
        line = self._line
        line.session.wait_for_connection()
        while not line.session.news.empty():
            self._take_news(line, 0.0)
        if self._all_due is not None and self._hive.clock.now().monotonic >= self._all_due:
            line.screen.show_all(now)
            self._all_due, self._repeat_due = None, now.monotonic + REPEAT_SECONDS
        return line

    def _open(self) -> Line:
        settings, hive, archive = self._settings, self._hive, self._hive.uuid()
        base, birth_topic = settings.base(hive.name), f"{settings.discovery}/status"
        topics = [discovery.command_topic(base)] if settings.commands else []
        topics += [ack_topic(archive)] if settings.records else []
        will = Will(discovery.status_topic(base), OFFLINE)
        echoes = [discovery.discovery_topic(settings.discovery, archive), will.topic,
                  discovery.topic_of(base, "state")]
        session = Session(settings, discovery.identify(archive), will, topics, hive.hurry, echoes,
                          [birth_topic])
        line = Line(
            session, Screen(archive, settings, hive, session),
            Buttons(settings.commands, base, hive, session),
            Hub(session, self._take_news_of_line) if settings.records else None,
            birth_topic, ack_topic(archive),
        )
        session.open()
        return line

    def _take_news_of_line(self, seconds: float) -> None:
        assert self._line is not None
        self._take_news(self._line, seconds)

    def _take_news(self, line: Line, seconds: float) -> None:
        """Handle the next of the news, if one comes within this time."""
        try:
            news = line.session.news.get(seconds > 0, seconds)
        except queue.Empty:
            return
        now = self._hive.clock.now().monotonic
        if isinstance(news, Connected):
            self._all_due = now
        elif news.topic == line.ack_topic:
            if line.hub is not None:
                line.hub.acknowledge(news.payload)
        elif news.is_retained:
            return  # it is of an earlier time
        elif news.topic == line.birth_topic:
            if news.payload == ONLINE.encode():
                self._all_due = now + random.uniform(0, BIRTH_DELAY_SECONDS)  # noqa: S311
        else:
            line.buttons.press(news.payload)
