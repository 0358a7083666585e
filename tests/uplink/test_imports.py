"""The history of another monitor: each reading is delivered once, and none as news."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import pytest

from beemon.base.clock import Quality
from beemon.base.readings import Reading
from beemon.exchange.importing import Source, import_appmais
from beemon.ledger.ledger import Ledger
from beemon.uplink.courier import Courier
from beemon.uplink.cursors import CursorFile
from beemon.uplink.destinations.influx import Settings, make
from beemon.uplink.hive import Hive
from beemon.uplink.state import States
from tests.hive import until
from tests.uplink.conftest import job_of

DAYS = ("2024-05-29", "2024-05-30", "2024-05-31")
LINES = '"14-00-00", 95, 53\n"14-05-00", nan, nan\n"23-59-59", 96.8, 54\n'


@pytest.fixture
def source(tmp_path: Path) -> Source:
    for day in DAYS:
        folder = tmp_path / "appmais/temp" / day
        folder.mkdir(parents=True)
        (folder / f"host@{day}.csv").write_text(LINES)
    return Source(tmp_path / "appmais", UTC)


@contextmanager
def delivering(hive: Hive, server, folder: Path) -> Iterator[Courier]:
    states = States(folder / "influx.json")
    destination = make(Settings(url=f"{server.url}/write"), hive)
    cursor = CursorFile(folder / "influx.cursor", destination.place)
    courier = Courier("influx", destination, hive, states, cursor)
    courier.start()
    yield courier
    courier.end(5)


def weigh(ledger: Ledger, value: float) -> int:
    reading = Reading("sensor.scale", "weight", "g", value, None, ledger.clock.stamp())
    return job_of(ledger, reading)


def has(server, text: str) -> bool:
    return any(text in one.body.decode() for one in server.asked)


def history(server) -> list[str]:
    lines = "".join(one.body.decode() for one in server.asked).splitlines()
    return [line for line in lines if "sensor=sensor.temp" in line]


def test_each_imported_reading_is_delivered_once(
    ledger, uplink_hive, source, server, tmp_path
):
    with delivering(uplink_hive, server, tmp_path) as courier:
        weigh(ledger, 42_000.0)
        until(lambda: courier.wake() or has(server, "42000"))
        import_appmais(ledger.archive, source)
        weigh(ledger, 42_001.0)
        until(lambda: courier.wake() or has(server, "42001"))
    lines = history(server)
    assert len(lines) == len(set(lines)) == 18
    assert sum("value=35.0" in line for line in lines) == 3
    with delivering(uplink_hive, server, tmp_path) as courier:
        import_appmais(ledger.archive, source)
        weigh(ledger, 42_002.0)
        until(lambda: courier.wake() or has(server, "42002"))
    assert history(server) == lines


def test_an_imported_reading_is_no_present_state(ledger, uplink_hive, source):
    weigh(ledger, 42_000.0)
    import_appmais(ledger.archive, source)
    assert {one.sensor for one in uplink_hive.reader.latest()} == {"sensor.scale", "sensor.temp"}
    assert [one.sensor for one in uplink_hive.latest()] == ["sensor.scale"]
    assert [one.sensor for one in uplink_hive.latest_readings()] == ["sensor.scale"]


def test_an_imported_reading_is_known_by_its_clock(ledger, uplink_hive, source):
    import_appmais(ledger.archive, source)
    found = uplink_hive.reader.record(1)
    assert [one.at.quality for one in found.readings] == [Quality.IMPORTED] * 6
    assert found.job.first == "2024-05-29T14:00:00.000Z"
    assert found.job.last == "2024-05-29T23:59:59.000Z"
