"""The broker as a destination: what Home Assistant and a hub are sent, and when."""

from __future__ import annotations

import contextlib
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beemon.ledger.ledger import Ledger
from beemon.uplink.courier import Courier
from beemon.uplink.cursors import CursorFile
from beemon.uplink.destinations.mqtt import Mqtt, Settings, discovery, hub
from beemon.uplink.destinations.mqtt.settings import Broker as Address
from tests.hive import until
from tests.uplink.mqtt.broker import Broker
from tests.uplink.mqtt.hive import Apiary

pytestmark = pytest.mark.process

BASE = "beemon/apiary-7"
WEIGHT = f"{BASE}/sensor/scale/weight"
JPEG = b"\xff\xd8 a picture \xff\xd9"


@pytest.fixture
def apiary(ledger: Ledger, tmp_path: Path) -> Apiary:
    return Apiary(ledger, tmp_path / "uplink")


@pytest.fixture
def start(broker: Broker, apiary: Apiary) -> Iterator[Callable[..., Courier]]:
    """Starts the destination with a courier of its own, as the service does."""
    couriers = []

    def begin(name: str = "apiary-7", **options: object) -> Courier:
        settings = Settings(broker=Address("127.0.0.1", broker.port), **options)
        hive = apiary.make_hive(name)
        destination = Mqtt(settings, hive)
        cursor = CursorFile(apiary.folder / "mqtt.cursor", destination.place)
        courier = Courier("mqtt", destination, hive, apiary.states, cursor)
        hive.hurry = courier.hurry
        apiary.states.note("mqtt", state="starting")
        couriers.append(courier)
        courier.start()
        return courier

    yield begin
    for courier in couriers:
        courier.end(5)


def last(broker: Broker, topic: str, count: int = 1) -> dict[str, object]:
    return json.loads(broker.wait_for_message(topic, count))


def announced(broker: Broker, apiary: Apiary) -> dict[str, object]:
    topic = discovery.discovery_topic("homeassistant", apiary.uuid)
    broker.wait_for(lambda: topic in broker.retained)
    return json.loads(broker.retained[topic])


def test_everything_is_shown_once_the_broker_is_there(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    apiary.measure("sensor.brood", "temperature", "°C", 34.81)
    start()
    weight = last(broker, WEIGHT)
    assert (weight["value"], weight["quality"]) == (42.17, "good")
    assert last(broker, f"{BASE}/sensor/brood/temperature")["value"] == 34.81
    assert last(broker, f"{BASE}/state")["value"] == "working"
    assert last(broker, f"{BASE}/trouble") == {"value": "OFF", "problems": []}
    assert {"sensor.scale.weight", "sensor.brood.temperature"} <= announced(broker, apiary)[
        "cmps"].keys()


def test_nothing_is_retained_but_the_discovery_and_the_availability(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    apiary.take_picture(JPEG)
    apiary.happen("inspection", "the hive is open")
    start()
    last(broker, WEIGHT)
    broker.wait_for_message(f"{BASE}/camera/entrance/picture")
    topic = discovery.discovery_topic("homeassistant", apiary.uuid)
    assert broker.retained.keys() == {topic, f"{BASE}/status"}
    assert broker.retained[f"{BASE}/status"] == b"online"


def test_a_refused_reading_is_null_at_once(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    courier = start()
    last(broker, WEIGHT)
    apiary.measure("sensor.scale", "weight", "g", None, "stuck")
    courier.wake()
    broker.wait_for(lambda: json.loads(broker.of(WEIGHT)[-1])["value"] is None)
    assert last(broker, WEIGHT)["reason"] == "stuck"


@pytest.mark.parametrize(("quantity", "unit", "value", "reason", "told"), [
    ("bridge", "mV/V", 0.2, None, "no-longer-measured"),  # its calibration was removed
    ("reading", "", None, "device-error", "device-error"),  # it failed after a restart
])
def test_a_quantity_that_a_sensor_measures_no_more_is_null_at_its_next_reading(
    broker, apiary, start, quantity, unit, value, reason, told
):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0, seconds_ago=20)
    apiary.measure("sensor.brood", "temperature", "°C", 34.81, seconds_ago=20)
    courier = start()
    assert last(broker, WEIGHT)["value"] == 42.17
    apiary.measure("sensor.scale", quantity, unit, value, reason)
    courier.wake()
    broker.wait_for(lambda: json.loads(broker.of(WEIGHT)[-1])["value"] is None)
    assert last(broker, WEIGHT)["reason"] == told
    apiary.measure("sensor.scale", "weight", "g", 43_000.0)
    courier.wake()
    broker.wait_for(lambda: json.loads(broker.of(WEIGHT)[-1])["value"] == 43)
    assert last(broker, f"{BASE}/sensor/brood/temperature")["value"] == 34.81


def test_an_expired_value_is_not_made_fresh_again(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0, seconds_ago=1000)
    start()
    weight = last(broker, WEIGHT)
    assert (weight["value"], weight["reason"]) == (None, "expired")


def test_a_start_of_home_assistant_is_answered_with_everything(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    start()
    last(broker, WEIGHT, count=2)  # the second one after the announcement has settled
    topic = discovery.discovery_topic("homeassistant", apiary.uuid)
    before = len(broker.of(WEIGHT)), len(broker.of(topic))
    broker.publish("homeassistant/status", "online")
    broker.wait_for_message(WEIGHT, before[0] + 1)
    assert len(broker.of(topic)) > before[1]


def test_a_retained_birth_message_is_no_start(broker, apiary, start):
    broker.publish("homeassistant/status", "online", retain=True)
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    start()
    last(broker, WEIGHT, count=2)
    topic = discovery.discovery_topic("homeassistant", apiary.uuid)
    assert len(broker.of(topic)) == 1


def test_a_broker_that_has_forgotten_everything_is_told_everything(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    start()
    last(broker, WEIGHT)
    broker.close()
    until(lambda: apiary.states.seen()["mqtt"].trouble)
    again = Broker(broker.port)
    try:
        assert json.loads(again.wait_for_message(WEIGHT))["value"] == 42.17
        until(lambda: apiary.states.seen()["mqtt"].trouble is None)
    finally:
        again.close()


def test_the_state_is_down_without_the_service(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    courier = start()
    assert last(broker, f"{BASE}/state")["value"] == "working"
    last(broker, WEIGHT, count=2)
    apiary.service.is_down = True
    courier.wake()
    broker.wait_for(lambda: json.loads(broker.of(f"{BASE}/state")[-1])["value"] == "down")
    broker.wait_for(lambda: json.loads(broker.of(f"{BASE}/trouble")[-1])["value"] == "ON")
    assert "sensor.scale.weight" in announced(broker, apiary)["cmps"]


def test_the_latest_picture_is_sent(broker, apiary, start):
    apiary.take_picture(JPEG, name="old.jpg")
    courier = start()
    topic = f"{BASE}/camera/entrance/picture"
    assert broker.wait_for_message(topic) == JPEG
    apiary.take_picture(JPEG + b"2", name="new.jpg")
    courier.wake()
    broker.wait_for(lambda: broker.of(topic)[-1] == JPEG + b"2")
    assert last(broker, f"{BASE}/camera/entrance/last")["value"]


def test_an_imported_picture_is_not_the_latest(broker, apiary, start):
    apiary.take_picture(JPEG, name="own.jpg")
    courier = start()
    topic = f"{BASE}/camera/entrance/picture"
    assert broker.wait_for_message(topic) == JPEG
    apiary.take_picture(b"imported", origin="import", name="theirs.jpg")
    apiary.take_picture(JPEG + b"2", name="new.jpg")
    courier.wake()
    broker.wait_for(lambda: broker.of(topic)[-1] == JPEG + b"2")
    assert b"imported" not in broker.of(topic)


def test_after_an_announcement_a_picture_is_repeated_as_the_values_are(broker, apiary, start):
    apiary.take_picture(JPEG)
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    start()
    last(broker, WEIGHT, count=2)
    assert broker.wait_for_message(f"{BASE}/camera/entrance/picture", count=2) == JPEG


def test_pictures_can_be_kept_at_home(broker, apiary, start):
    apiary.take_picture(JPEG)
    apiary.measure("sensor.scale", "weight", "g", 1.0)
    start(pictures=False)
    last(broker, WEIGHT, count=2)
    assert broker.of(f"{BASE}/camera/entrance/picture") == []
    assert "camera.entrance.picture" not in announced(broker, apiary)["cmps"]


def test_an_event_is_sent_with_its_identity(broker, apiary, start):
    courier = start()
    last(broker, f"{BASE}/state")
    number = apiary.happen("swarm", "a swarm left")
    courier.wake()
    event = last(broker, f"{BASE}/event")
    assert (event["event_type"], event["event"], event["archive"]) == ("swarm", number, apiary.uuid)
    until(lambda: "swarm" in announced(broker, apiary)["cmps"]["event"]["event_types"])


def test_only_listed_commands_are_obeyed(broker, apiary, start):
    start(commands=("snapshot camera.entrance", "record microphone.a 5"))
    broker.wait_for_client()
    last(broker, f"{BASE}/state")
    for command in ("reload", "snapshot camera.entrance", "record microphone.a 5"):
        broker.publish(f"{BASE}/command", command)
    last(broker, f"{BASE}/job", count=3)
    answers = [json.loads(answer) for answer in broker.of(f"{BASE}/job")]
    assert apiary.service.commands == ["snapshot camera.entrance", "record microphone.a 5"]
    assert answers[0] == {"error": "[mqtt] commands does not list this command"}
    assert answers[1] == {"command": "snapshot camera.entrance", "job": 1}
    assert answers[2]["error"] == "too many jobs"


def test_a_retained_command_is_of_another_time(broker, apiary, start):
    broker.publish(f"{BASE}/command", "snapshot camera.entrance", retain=True)
    start(commands=("snapshot camera.entrance",))
    apiary.measure("sensor.scale", "weight", "g", 1.0)
    last(broker, WEIGHT, count=2)
    assert apiary.service.commands == []


def test_the_outcome_of_a_button_is_told(broker, apiary, start):
    courier = start(commands=("snapshot camera.entrance",))
    last(broker, f"{BASE}/state")
    job = apiary.take_picture(JPEG, origin="mqtt uid 1")
    apiary.take_picture(JPEG, origin="schedule", name="b.jpg")
    courier.wake()
    assert last(broker, f"{BASE}/job/{job}")["outcome"] == "done"
    assert broker.of(f"{BASE}/job/{job + 1}") == []


def test_a_sensor_that_is_gone_is_removed_and_then_left_out(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 1.0)
    apiary.measure("sensor.brood", "temperature", "°C", 34.8)
    start().end(5)
    devices = dict(apiary.service.replies["devices"]["devices"])
    del devices["sensor.brood"]
    apiary.service.replies["devices"] = {"devices": devices}
    topic = discovery.discovery_topic("homeassistant", apiary.uuid)
    count = len(broker.of(topic))
    start()
    broker.wait_for_message(topic, count + 2)
    first, second = (json.loads(each)["cmps"] for each in broker.of(topic)[count:count + 2])
    assert first["sensor.brood.temperature"] == {"p": "sensor"}
    assert "sensor.brood.temperature" not in second
    assert "sensor.scale.weight" in second


def test_a_full_disk_keeps_no_value_from_being_shown_and_is_told(broker, apiary, start):
    apiary.measure("sensor.scale", "weight", "g", 42_170.0)
    (apiary.folder / "mqtt/announced.json").mkdir(parents=True)  # nobody can replace it
    start()
    assert last(broker, WEIGHT)["value"] == 42.17
    until(lambda: "announced.json cannot be written" in (apiary.states.seen()["mqtt"].note or ""))


def test_a_renamed_hive_takes_its_old_availability_away(broker, apiary, start):
    start().end(5)
    broker.wait_for(lambda: broker.retained.get(f"{BASE}/status") == b"offline")
    start(name="orchard")
    broker.wait_for(lambda: broker.retained.get("beemon/orchard/status") == b"online")
    assert f"{BASE}/status" not in broker.retained
    assert announced(broker, apiary)["dev"]["name"] == "orchard"


def test_it_says_good_bye(broker, start):
    courier = start()
    broker.wait_for(lambda: broker.retained.get(f"{BASE}/status") == b"online")
    courier.end(5)
    broker.wait_for(lambda: broker.retained.get(f"{BASE}/status") == b"offline")


# The hub

class HubAtTheOtherEnd(threading.Thread):
    """A hub that commits what it receives, and acknowledges it; as slowly as it is told to."""

    def __init__(self, broker: Broker, archive: str, *, acknowledges: bool = True) -> None:
        super().__init__(daemon=True)
        self.broker, self.archive = broker, archive
        self.acknowledges = acknowledges
        self.records: dict[tuple[str, int], int] = {}
        self.sizes: list[int] = []
        self.start()

    def run(self) -> None:
        topic, taken = hub.records_topic(self.archive), 0
        while True:
            with contextlib.suppress(AssertionError):  # nothing for a while
                self.broker.wait_for_message(topic, taken + 1)
            if len(self.broker.of(topic)) == taken:
                continue
            payload = self.broker.of(topic)[taken]
            taken += 1
            self.sizes.append(len(payload))
            told = json.loads(zlib.decompress(payload))
            for record in told["records"]:
                kind = "job" if "job" in record else "event"
                key = kind, record[kind][kind]
                self.records[key] = max(self.records.get(key, 0), record["change"])
            if self.acknowledges:
                ack = {"archive": told["archive"], "upto": told["batch"]}
                self.broker.publish(hub.ack_topic(self.archive), json.dumps(ack))


def test_a_hub_gets_the_whole_ledger_and_then_each_change(broker, apiary, start, monkeypatch):
    jobs = [apiary.measure("sensor.scale", "weight", "g", float(n)) for n in range(150)]
    event = apiary.happen("swarm", "a swarm left")
    far_end = HubAtTheOtherEnd(broker, apiary.uuid)
    courier = start(records=True)
    wanted = {*(("job", job) for job in jobs), ("event", event)}
    until(lambda: far_end.records.keys() == wanted, 20)
    another = apiary.measure("sensor.scale", "weight", "g", 1.0)
    courier.wake()
    until(lambda: ("job", another) in far_end.records)
    assert max(far_end.sizes) <= hub.LARGEST


def test_nothing_is_forgotten_before_the_hub_has_it(broker, apiary, start, monkeypatch):
    monkeypatch.setattr(hub.Hub.__init__, "__defaults__", (0.3,))
    job = apiary.measure("sensor.scale", "weight", "g", 1.0)
    far_end = HubAtTheOtherEnd(broker, apiary.uuid, acknowledges=False)
    courier = start(records=True)
    until(lambda: "no hub has acknowledged" in (apiary.states.seen()["mqtt"].trouble or ""))
    assert ("job", job) in far_end.records
    courier.end(5)
    far_end.records.clear()
    far_end.acknowledges = True
    start(records=True)
    until(lambda: ("job", job) in far_end.records)


def test_records_under_way_are_sent_again_as_soon_as_a_lost_connection_is_back(
    broker, apiary, start
):
    apiary.measure("sensor.scale", "weight", "g", 1.0)
    start(records=True)
    topic = hub.records_topic(apiary.uuid)
    broker.wait_for_message(topic)
    broker.wait_for_client().cut()
    broker.wait_for(lambda: len(broker.of(topic)) > 1, hub.ACKNOWLEDGED_SECONDS / 2)


def test_an_acknowledgement_that_makes_no_sense_is_none(broker, apiary, start, monkeypatch):
    monkeypatch.setattr(hub.Hub.__init__, "__defaults__", (0.5,))
    apiary.measure("sensor.scale", "weight", "g", 1.0)
    start(records=True)
    broker.wait_for_message(hub.records_topic(apiary.uuid))
    for nonsense in (b"", b"{}", b"[1]", b"\xff", b'{"archive": 1, "upto": 2}',
                     json.dumps({"archive": apiary.uuid, "upto": 10**15}).encode(),
                     json.dumps({"archive": apiary.uuid, "upto": [1]}).encode()):
        broker.publish(hub.ack_topic(apiary.uuid), nonsense)
    until(lambda: "no hub has acknowledged" in (apiary.states.seen()["mqtt"].trouble or ""))
