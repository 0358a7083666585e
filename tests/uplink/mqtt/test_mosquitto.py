"""The real mosquitto, which acknowledges what it drops: nothing counts that nobody has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as paho

from beemon.base.status import DestinationStatus
from beemon.ledger.ledger import Ledger
from beemon.uplink.backoff import Backoff
from beemon.uplink.courier import Courier
from beemon.uplink.cursors import CursorFile
from beemon.uplink.destinations.mqtt import Mqtt, Settings, discovery, hub
from beemon.uplink.destinations.mqtt.settings import Broker as Address
from tests.hive import until
from tests.uplink.month import SimulatedClock
from tests.uplink.mqtt.hive import Apiary
from tests.uplink.mqtt.mosquitto import EVERYTHING, PROGRAM, FarHub, Mosquitto

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(PROGRAM is None, reason="sudo apt install mosquitto"),
]

BASE = "beemon/apiary-7"
PROTOCOLS = ("5", "3.1.1")
FORBIDDING = (
    "topic read #\n",
    f"topic read #\ntopic write {BASE}/#\n",
    "topic read #\ntopic write homeassistant/#\n",
    f"topic read #\ntopic write homeassistant/#\ntopic write {BASE}/status\n",
)
"""Access rules that keep something of the hive from its place."""
SAYS_WHY = hasattr(paho, "CallbackAPIVersion")
"""Whether paho shows the reason of MQTT 5; without one, a message just does not come back."""


@pytest.fixture
def apiary(ledger: Ledger, tmp_path: Path) -> Apiary:
    found = Apiary(ledger, tmp_path / "uplink")
    found.measure("sensor.scale", "weight", "g", 42_170.0)
    return found


class Line:
    """A hive, a broker, and the courier between them."""

    def __init__(self, apiary: Apiary, folder: Path) -> None:
        self._apiary, self._folder = apiary, folder
        self._courier: Courier | None = None
        self.hub: FarHub | None = None

    def open(self, rules: str = EVERYTHING, options: str = "", **chosen: object) -> Mosquitto:
        self.broker = Mosquitto(self._folder / "broker", rules, options)
        self.broker.start()
        settings = Settings(broker=Address("127.0.0.1", self.broker.port), **chosen)
        hive = self._apiary.make_hive("apiary-7")
        destination = Mqtt(settings, hive)
        place = "hub" if settings.records else None
        self.cursor = CursorFile(self._apiary.folder / "mqtt.cursor", place)
        self._courier = Courier("mqtt", destination, hive, self._apiary.states, self.cursor,
                                backoff=Backoff(lambda _low, _high: 0.1))
        hive.hurry = self._courier.hurry
        self._apiary.states.note("mqtt", state="starting")
        return self.broker

    def listen(self) -> FarHub:
        self.hub = FarHub(self.broker.port, self._apiary.uuid)
        self.hub.start()
        return self.hub

    def start(self) -> None:
        assert self._courier
        self._courier.start()

    def measure(self, count: int = 1) -> list[int]:
        """Measure some more, and tell the courier."""
        jobs = [self._apiary.measure("sensor.scale", "weight", "g", 42_000.0 + number)
                for number in range(count)]
        assert self._courier
        self._courier.wake()
        return jobs

    def seen(self) -> DestinationStatus:
        return self._apiary.states.seen()["mqtt"]

    def wait_for_trouble(self, *words: str) -> None:
        until(lambda: all(word in (self.seen().trouble or "") for word in words))

    def close(self) -> None:
        if self._courier is not None and self._courier.is_alive():
            self._courier.end(15)
        if self.hub is not None:
            self.hub.stop()
        self.broker.stop()


@pytest.fixture
def line(apiary: Apiary, tmp_path: Path) -> Iterator[Line]:
    found = Line(apiary, tmp_path)
    yield found
    found.close()


@pytest.mark.skipif(not SAYS_WHY, reason="paho 1 hides the reason of MQTT 5")
@pytest.mark.parametrize("rules", FORBIDDING)
def test_messages_that_the_rules_forbid_are_not_delivered(line, apiary, rules):
    broker = line.open(rules)
    line.start()
    line.wait_for_trouble("refuses the topic", "ot authorized")
    assert line.seen().state == "in-trouble"
    assert line.seen().delivered is None
    broker.allow(EVERYTHING)
    assert_all_is_there(line, apiary)


@pytest.mark.parametrize("rules", [FORBIDDING[0], FORBIDDING[-1], "topic write #\n"])
def test_messages_that_may_be_dropped_are_not_delivered(line, apiary, rules):
    """MQTT 3.1.1 says nothing of the rules, and so does a broker that lets nobody read."""
    broker = line.open(rules, protocol="3.1.1")
    line.start()
    until(lambda: "may drop messages on the topic" in (line.seen().note or ""))
    line.measure()
    until(lambda: line.seen().state == "working")
    assert line.seen().delivered is None
    broker.stop()
    broker.allow(EVERYTHING)
    broker.start()
    assert_all_is_there(line, apiary)


@pytest.mark.skipif(not SAYS_WHY, reason="paho 1 hides the reason of MQTT 5")
def test_a_broker_that_may_only_be_written_to_is_no_problem(line):
    """It says of each message that it was taken; that none comes back is somebody's choice."""
    line.open("topic write #\n")
    line.start()
    until(lambda: line.seen().state == "working")
    line.measure()
    until(lambda: line.seen().delivered)
    assert (line.seen().state, line.seen().trouble, line.seen().note) == ("working", None, None)
    assert "let the hive only write" in (line.seen().limit or "")


def assert_all_is_there(line: Line, apiary: Apiary) -> None:
    until(lambda: line.seen().trouble is None and line.seen().note is None)
    line.measure()
    until(lambda: line.seen().delivered)
    listener = line.listen()
    topic = discovery.discovery_topic("homeassistant", apiary.uuid)
    until(lambda: listener.of(topic) and listener.of(f"{BASE}/status") == [b"online"])


def test_a_hive_that_is_unsure_tries_all_of_it_again_each_hour(apiary, tmp_path):
    broker = Mosquitto(tmp_path / "broker", "topic read #\n")
    broker.start()
    settings = Settings(broker=Address("127.0.0.1", broker.port), protocol="3.1.1")
    clock = SimulatedClock()
    destination = Mqtt(settings, apiary.make_hive("apiary-7", clock))
    destination.look(clock.now())
    until(lambda: destination.look(clock.now()) and apiary.states.seen()["mqtt"].note)
    broker.allow(EVERYTHING)
    listener = FarHub(broker.port, apiary.uuid)
    listener.start()
    clock.seconds += 3600
    destination.look(clock.now())
    assert apiary.states.seen()["mqtt"].note is None
    until(lambda: listener.of(f"{BASE}/status") == [b"online"])
    destination.close()
    listener.stop()
    broker.stop()


@pytest.mark.skipif(not SAYS_WHY, reason="paho 1 hides the reason of MQTT 5")
def test_a_picture_that_the_rules_forbid_is_noted_and_the_rest_goes_on(line, apiary):
    apiary.take_picture(b"\xff\xd8 a picture \xff\xd9")
    line.open(f"topic read #\ntopic write homeassistant/#\ntopic write {BASE}/+\n"
              f"topic write {BASE}/sensor/#\n")
    line.start()
    until(lambda: "camera/entrance" in (line.seen().note or ""))
    until(lambda: line.seen().state == "working")
    assert line.seen().delivered is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_records_that_the_rules_keep_from_the_hub_stay(line, apiary, monkeypatch, protocol):
    monkeypatch.setattr(hub.Hub.__init__, "__defaults__", (0.5,))
    own = f"topic readwrite {BASE}/#\ntopic readwrite homeassistant/#\ntopic read #\n"
    broker = line.open(own, protocol=protocol, records=True)
    far_end = line.listen()
    line.start()
    line.wait_for_trouble(hub.records_topic(apiary.uuid))
    assert line.seen().delivered is None
    assert line.cursor.cursor is None or line.cursor.cursor.change == 0
    jobs = {("job", job) for job in line.measure(3)}
    broker.allow(EVERYTHING)
    until(lambda: far_end.changes.keys() >= jobs)
    until(lambda: line.seen().delivered)


def test_a_full_broker_loses_no_record(line, monkeypatch):
    """It drops what comes for a hub that is away, and acknowledges it."""
    monkeypatch.setattr(hub.Hub.__init__, "__defaults__", (1.0,))
    line.open(options="max_queued_messages 1\nmax_inflight_messages 1\n", records=True)
    far_end = line.listen()
    far_end.stop()
    jobs = {("job", job) for job in line.measure(250)}
    line.start()
    line.wait_for_trouble("no hub has acknowledged anything")
    assert line.seen().delivered is None
    far_end.start()
    until(lambda: far_end.changes.keys() >= jobs)
    until(lambda: line.seen().state == "working")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_message_that_is_too_large_for_the_broker_is_noticed(line, protocol):
    line.open(options="message_size_limit 1000\n", protocol=protocol)
    line.start()
    until(lambda: line.seen().trouble or line.seen().note)
    assert line.seen().delivered is None


def test_a_hub_that_answers_nonsense_has_nothing(line, apiary, monkeypatch):
    monkeypatch.setattr(hub.Hub.__init__, "__defaults__", (0.5,))
    line.open(records=True)
    far_end = line.listen()
    far_end.answer = lambda told: json.dumps({"archive": told["archive"], "upto": "all"})
    line.start()
    line.wait_for_trouble("no hub has acknowledged anything")
    far_end.answer = lambda told: json.dumps({"archive": "another", "upto": told["batch"]})
    jobs = {("job", job) for job in line.measure()}
    until(lambda: far_end.times.keys() >= jobs)
    line.wait_for_trouble("no hub has acknowledged anything")
    assert line.seen().delivered is None
    far_end.answer = FarHub.acknowledge
    until(lambda: line.seen().state == "working")
