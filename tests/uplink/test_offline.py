"""A hive that was out of reach for 30 days, then has a bad link: nothing is lost or doubled."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from beemon.ledger.ledger import Ledger
from beemon.uplink.backoff import Backoff
from beemon.uplink.courier import Courier
from beemon.uplink.cursors import CursorFile
from beemon.uplink.destinations.influx import Settings, make
from beemon.uplink.hive import Archive, Hive
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkOptions, UplinkSettings
from beemon.uplink.state import States
from tests.hive import until
from tests.uplink import month
from tests.uplink.conftest import nobody
from tests.uplink.month import JOBS, SimulatedClock
from tests.uplink.servers import Asked, FarServer, Said

REFUSED = (Said(body=None), Said(503, b"try later"), Said(507, b"disk full"),
           Said(200, b"<html>Please log in</html>"), Said(403, b"not yours"))


class BadLink:
    """A server behind a link that delays, cuts before or after delivery, and delivers twice."""

    def __init__(self, server: FarServer, seed: int) -> None:
        self.points: dict[tuple[str, str], str] = {}
        self.deliveries: Counter[str] = Counter()
        self.first: list[str] = []
        self._choose = random.Random(seed)
        self._mutex = threading.Lock()
        server.answer = self.answer

    def answer(self, asked: Asked) -> Said:
        with self._mutex:
            fate = self._choose.random()
            if fate < 0.1:
                return self._choose.choice(REFUSED)
            self._take(asked.body.decode())
            if fate < 0.2:
                return Said(body=None)  # it was taken, and nobody knows
            if fate < 0.3:
                self._take(asked.body.decode())
            if fate < 0.35:
                time.sleep(0.01)
            return Said(204)

    def _take(self, body: str) -> None:
        for line in body.splitlines():
            tags, fields, when = line.rsplit(" ", 2)[0], line.split(" ")[1], line.split(" ")[-1]
            self.points[tags.split(" ")[0], when] = fields
            self.deliveries[f"{tags.split(' ')[0]} {when}"] += 1
        if not self.first:
            self.first = body.splitlines()


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("month")
    clock = SimulatedClock()
    ledger = Ledger(folder, clock=clock)
    month.fill(ledger, clock)
    ledger.close()
    return folder


@pytest.mark.parametrize("seed", [1, 2])
def test_each_reading_of_the_month_is_there_once_and_the_newest_first(
    archive, tmp_path, server, seed
):
    link = BadLink(server, seed)
    states = States(tmp_path / "state.json")
    options = UplinkOptions(
        hive="apiary-7", archive=archive, connect=nobody, tables={}, state=tmp_path,
        runtime=tmp_path,
    )
    hive = Hive("influx", options, Archive(archive), Meter(tmp_path / "sent", UplinkSettings()),
                states)
    destination = make(Settings(url=f"{server.url}/write"), hive)
    courier = Courier("influx", destination, hive, states, CursorFile(tmp_path / "cursor", "far"),
                      backoff=Backoff(lambda _low, _high: 0.0))
    courier.start()
    until(lambda: courier.wake() or len(link.points) == 2 * JOBS)
    courier.end(10)
    newest = f"value={month.grams(JOBS - 1)}"
    assert any(newest in line for line in link.first)
    missing = [fields for fields in link.points.values() if 'reason="stuck"' in fields]
    assert len(missing) == len(month.STUCK)
    assert max(link.deliveries.values()) > 1  # the link did double, and the far end has each once
