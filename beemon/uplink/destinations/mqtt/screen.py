"""Screen: the messages for Home Assistant, and their last versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from beemon import __version__
from beemon.base.clock import Moment
from beemon.base.facts import Json, JsonObject, to_json
from beemon.base.moments import US_PER_SECOND, from_iso
from beemon.base.recording import Recording
from beemon.protocol.replies import EventFacts, ReadingFacts
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.destinations.mqtt import discovery, remembered, view
from beemon.uplink.destinations.mqtt.discovery import Device, Subject
from beemon.uplink.destinations.mqtt.pictures import Pictures
from beemon.uplink.destinations.mqtt.remembered import Remembered
from beemon.uplink.destinations.mqtt.session import Session
from beemon.uplink.destinations.mqtt.settings import Settings
from beemon.uplink.hive import Hive, RefusedError

ONLINE, OFFLINE = "online", "offline"
OLDEST_EVENT_SECONDS = 86400.0
"""An older event is not shown as if it happened now."""


class Screen:
    """Publishes the hive's state by one session; the messages of the same state only once."""

    def __init__(self, archive: str, settings: Settings, hive: Hive, session: Session) -> None:
        self._archive, self._settings = archive, settings
        self._hive, self._session = hive, session
        self.base = settings.base(hive.name)
        self._announced = remembered.load(hive.state_folder)
        self._keeper = remembered.keeper(hive.state_folder)
        self._pictures = Pictures(hive)
        self._announcement = ""
        self._sent: dict[str, str] = {}

    def show_all(self, now: Moment) -> None:
        """Publish everything, to a broker or a Home Assistant that may know nothing of it."""
        self._announcement = ""
        self._sent.clear()
        if self._settings.pictures:
            self._pictures.search(self._ask()[1], now)
        self.refresh()
        self._publish_pictures()
        self.settle()

    def settle(self) -> None:
        """Wait until the broker has everything; if it has not, all of it is published again.

        Raises :class:`NotDeliveredError`.
        """
        try:
            self._session.wait_until_acknowledged()
        except NotDeliveredError:
            self._announcement = ""
            self._sent.clear()
            raise

    @property
    def trouble(self) -> str | None:
        """A problem that keeps one thing only from being shown."""
        return self._session.refusal or self._pictures.trouble or self._keeper.trouble

    def repeat(self) -> None:
        """Publish the pictures again, and let the next update publish the whole state again."""
        self._sent.clear()
        self._publish_pictures()

    def refresh(self) -> bool:
        """Publish all changes; whether the hive was announced again."""
        status, devices = self._ask()
        return self._show(self._hive.latest(), status, devices)

    def update(
        self, readings: tuple[ReadingFacts, ...], status: Mapping[str, Json] | None
    ) -> None:
        """Publish the differences from the last messages."""
        self._show(readings, status, self._ask()[1])

    def _show(
        self, readings: tuple[ReadingFacts, ...], status: Mapping[str, Json] | None,
        devices: Mapping[str, Device],
    ) -> bool:
        is_new = self._announce(readings, devices)
        messages = dict(view.reading_messages(readings, devices, self._hive.clock.now()))
        for key, message in (*messages.items(), *view.service_messages(status)):
            self._publish(key, view.encode(message))
        self.settle()
        return is_new

    def show_event(self, event: EventFacts) -> None:
        """Publish an event, unless it is old."""
        age_us = self._hive.clock.now().utc_us - from_iso(event.utc)
        if age_us <= OLDEST_EVENT_SECONDS * US_PER_SECOND:
            told = to_json(event)
            payload = view.encode({**told, "event_type": event.kind, "archive": self._archive})
            self._session.publish(discovery.topic_of(self.base, "event"), payload)

    def show_recordings(self, recordings: Iterable[Recording]) -> None:
        """Publish the time of each device's last recording, and of each camera the picture."""
        pictured = set()
        for recording in recordings:
            self._publish(f"{recording.device}.last", view.encode({"value": recording.utc}))
            if self._settings.pictures and self._pictures.note(recording):
                pictured.add(recording.device)
        for camera in pictured:
            if picture := self._pictures.read_one(camera):
                self._publish_picture(camera, picture)

    def _announce(
        self, readings: tuple[ReadingFacts, ...], devices: Mapping[str, Device]
    ) -> bool:
        """Publish the discovery if it differs from the last one, and the availability."""
        subject = self._subject(readings, devices)
        payload = view.encode(discovery.message(subject))
        if payload == self._announcement:
            return False
        found = Remembered(
            discovery.discovery_topic(self._settings.discovery, self._archive),
            discovery.status_topic(self.base),
            {key: str(one["p"]) for key, one in discovery.components(subject).items()},
            dict(devices),
        )
        self._remove_former(subject, found)
        self._session.publish(found.discovery_topic, payload, retain=True)
        self._session.publish(found.status_topic, ONLINE, retain=True)
        self.settle()
        self._announcement = payload
        self._sent.clear()  # a changed announcement makes each value unavailable
        if found != self._announced:
            self._keeper.keep(remembered.describe(found))
            self._announced = found
        return True

    def _remove_former(self, subject: Subject, now: Remembered) -> None:
        """Remove the components and topics that only the earlier announcement has.

        A component that is only left out would stay, with its last value.
        """
        former = self._announced
        for before, after in (
            (former.discovery_topic, now.discovery_topic), (former.status_topic, now.status_topic),
        ):
            if before and before != after:
                self._session.publish(before, "", retain=True)
        if former.discovery_topic != now.discovery_topic:
            return
        removed = {k: p for k, p in former.components.items() if k not in now.components}
        if removed:
            message = discovery.message(subject, removed)
            self._session.publish(now.discovery_topic, view.encode(message), retain=True)

    def _subject(
        self, readings: tuple[ReadingFacts, ...], devices: Mapping[str, Device]
    ) -> Subject:
        return Subject(
            archive=self._archive, hive=self._hive.name, version=__version__, base=self.base,
            devices=devices, readings=readings, commands=self._settings.commands,
            pictured=self._pictures.cameras(), event_kinds=self._hive.reader.event_kinds(),
            url=self._hive.public_url,
        )

    def _publish(self, key: str, payload: str) -> None:
        if self._sent.get(key) != payload:
            self._session.publish(discovery.topic_of(self.base, key), payload)
            self._hive.meter.count(len(payload))
            self._sent[key] = payload

    def _publish_pictures(self) -> None:
        for camera, picture in self._pictures.read():
            self._publish_picture(camera, picture)

    def _publish_picture(self, camera: str, picture: bytes) -> None:
        self._session.publish(discovery.topic_of(self.base, f"{camera}.picture"), picture)
        self._hive.meter.count(len(picture))

    def _ask(self) -> tuple[JsonObject | None, Mapping[str, Device]]:
        """The service's status, and the devices of the config.

        If the service is off: no status, and the devices of the last announcement.
        """
        try:
            status, told = self._hive.ask_all("status", "devices")
        except (ConnectionError, RefusedError):
            return None, self._announced.devices
        found = told.get("devices")
        devices = found if isinstance(found, dict) else {}
        return status, {name: remembered.device(one) for name, one in devices.items()}
