"""A hive whose broker was out of reach for 30 days, then has a bad link: the hub has all of it."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.ledger.ledger import Ledger
from beemon.uplink.backoff import Backoff
from beemon.uplink.courier import Courier
from beemon.uplink.cursors import CursorFile
from beemon.uplink.destinations.mqtt import Mqtt, Settings
from beemon.uplink.destinations.mqtt.settings import Broker as Address
from tests.hive import until
from tests.uplink import month
from tests.uplink.month import JOBS, SimulatedClock
from tests.uplink.mqtt.bad_link import BadLink
from tests.uplink.mqtt.hive import Apiary
from tests.uplink.mqtt.mosquitto import PROGRAM, FarHub, Mosquitto

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(PROGRAM is None, reason="sudo apt install mosquitto"),
]

WEIGHT = "beemon/apiary-7/sensor/scale/weight"
CUTS = 3
PEAK_BYTES = 8e6
"""The hive holds a batch and the messages under way, never the month."""


@pytest.fixture
def apiary(tmp_path: Path) -> Iterator[Apiary]:
    clock, archive = SimulatedClock(), tmp_path / "archive"
    archive.mkdir()
    ledger = Ledger(archive, clock=clock)
    month.fill(ledger, clock)
    yield Apiary(ledger, tmp_path / "uplink")
    ledger.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    found = Mosquitto(tmp_path / "broker")
    found.start()
    yield found
    found.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_each_record_of_the_month_is_there_once_and_the_newest_state_first(
    apiary, broker, tmp_path, protocol
):
    link = BadLink(broker.port, 1, CUTS)
    far_end = FarHub(broker.port, apiary.uuid)
    far_end.start()
    hive = apiary.make_hive("apiary-7", apiary.ledger.clock)
    settings = Settings(broker=Address("127.0.0.1", link.port), records=True, protocol=protocol)
    destination = Mqtt(settings, hive)
    courier = Courier("mqtt", destination, hive, apiary.states,
                      CursorFile(tmp_path / "cursor", destination.place),
                      backoff=Backoff(lambda _low, _high: 0.0))
    hive.hurry = courier.hurry
    tracemalloc.start()
    begun = time.monotonic()
    courier.start()
    until(lambda: far_end.of(WEIGHT))
    assert time.monotonic() - begun < 60
    newest = json.loads(far_end.of(WEIGHT)[0])["value"]
    assert newest == pytest.approx(month.grams(JOBS - 1) / 1000)
    assert len(far_end.changes) < JOBS / 2  # most of the history is still to come
    until(lambda: len(far_end.changes) == JOBS, 500)
    until(lambda: apiary.states.seen()["mqtt"].state == "working")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    courier.end(15)
    far_end.stop()
    link.close()
    assert link.happened.keys() == {"delayed", "doubled", "cut"}
    assert far_end.changes.keys() == {("job", number) for number in range(1, JOBS + 1)}
    assert max(far_end.times.values()) > 1  # the link did double, and the hub has each once
    assert peak < PEAK_BYTES
