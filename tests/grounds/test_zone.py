"""A swarm on a booted machine whose time zone has no name: told, and the service goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grounds.container import Container
from tests.grounds.deadline import until
from tests.grounds.package import ask, install
from tests.grounds.tree import furnished

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(600)]

SCALE = """
[hive]
latitude = 52.5
longitude = 13.4
[sensor.scale]
driver = "simulated"
[sensor.scale.weighing]
[microphone.brood]
driver = "simulated"
[microphone.brood.schedule]
interval = "2s"
duration = "1s"
"""
SWARM = """
import sys, time
from pathlib import Path
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger
from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
ledger = Ledger(Path("/var/lib/beemon"))
now_us, now = time.time_ns() // 1000, time.monotonic()
with ledger.transaction():
    ledger.begin_run()
    job = ledger.accept("read", "test")
    for minute in range(180, -1, -1):
        at = Stamp(now_us - minute * 60_000_000, now - minute * 60.0, Quality.TOLD)
        grams = 30_000.0 if minute > 90 else 28_000.0 if minute < 75 else \\
            28_000.0 + (minute - 75) / 15 * 2000
        weight = Reading("sensor.scale", "weight", "g", grams, None, at, uncertainty=5.0)
        series.keep(ledger, job, [weight])
ledger.close()
"""
ZONES = {
    "without-tzdata": "rm -rf /usr/share/zoneinfo /etc/localtime",
    "plain-file": "cp --remove-destination /usr/share/zoneinfo/America/New_York /etc/localtime",
}


@pytest.fixture(scope="module")
def installed() -> Iterator[tuple[Path, ...]]:
    with Container(furnished("bookworm")) as machine:
        install(machine, recommends=False)
        machine.shut_down()
        yield machine.upper, furnished("bookworm")


@pytest.mark.parametrize("zone", ZONES)
def test_a_swarm_is_told_and_nothing_ends(installed: tuple[Path, ...], zone: str) -> None:
    with Container(*installed) as machine:
        machine.shell(f"systemctl stop beemon; {ZONES[zone]}")
        machine.put("/etc/beemon/conf.d/scale.toml", SCALE)
        machine.put("/root/swarm.py", SWARM)
        machine.shell("runuser -u beemon -- python3 - < /root/swarm.py; systemctl start beemon")
        until(lambda: ask(machine, "events 1d weight")["events"])
        [event] = ask(machine, "events 1d weight")["events"]
        assert event["facts"]["step"] == "swarm"
        assert event["facts"]["grams"] == pytest.approx(-2000, abs=50)
        about = {trouble["about"] for trouble in ask(machine, "status")["troubles"]}
        assert ("zone" in about) == (zone == "without-tzdata")
        assert machine.shell("systemctl show -P NRestarts beemon").strip() == "0"
        until(lambda: len(ask(machine, "jobs 100")["jobs"]) > 10)
        assert "Traceback" not in machine.journal("-u", "beemon")

