"""A hive with a hub, in the network of whoever starts it, told by lines when to go on.

    python -m tests.grounds.hub_hive FOLDER PROTOCOL

It measures, and prints ``all is there`` once the hub has all of it. After a line it measures again,
and prints the trouble of its uplink. After another line it waits for the hub again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from beemon.ledger.ledger import Ledger
from beemon.uplink.courier import Courier
from beemon.uplink.cursors import CursorFile
from beemon.uplink.destinations.mqtt import Mqtt, Settings
from beemon.uplink.destinations.mqtt.settings import PLAIN_PORT, Broker
from tests.grounds.deadline import until
from tests.uplink.mqtt.hive import Apiary
from tests.uplink.mqtt.mosquitto import FarHub

JOBS = 50


class HubHive:
    """Its jobs, and the far end that they are to reach."""

    def __init__(self, folder: Path, protocol: str) -> None:
        archive = folder / "archive"
        archive.mkdir()
        ledger = Ledger(archive)
        ledger.prepare()
        with ledger.transaction():
            ledger.begin_run()
        self.apiary, self.jobs = Apiary(ledger, folder / "uplink"), set[tuple[str, int]]()
        self.far_end = FarHub(PLAIN_PORT, self.apiary.uuid)
        self.far_end.start()
        settings = Settings(broker=Broker("127.0.0.1"), records=True, protocol=protocol)
        hive = self.apiary.hive
        self.courier = Courier("mqtt", Mqtt(settings, hive), hive, self.apiary.states,
                               CursorFile(folder / "cursor", "hub"))
        hive.hurry = self.courier.hurry

    def measure(self) -> None:
        for number in range(JOBS):
            job = self.apiary.measure("sensor.scale", "weight", "g", 42_000.0 + number)
            self.jobs.add(("job", job))
        self.courier.wake()

    def trouble(self) -> str | None:
        return self.apiary.states.seen()["mqtt"].trouble

    def wait_for_the_hub(self) -> str:
        """The largest number of times that a record came; its identity makes one of them."""
        until(lambda: self.far_end.changes.keys() == self.jobs, "the records at the hub")
        until(lambda: self.trouble() is None, "the end of the trouble")
        return json.dumps({"most": max(self.far_end.times.values())})


def main() -> None:
    hive = HubHive(Path(sys.argv[1]), sys.argv[2])
    hive.measure()
    hive.courier.start()
    print(hive.wait_for_the_hub(), flush=True)
    sys.stdin.readline()
    hive.measure()
    print(until(hive.trouble, "trouble"), flush=True)
    sys.stdin.readline()
    print(hive.wait_for_the_hub(), flush=True)
    hive.courier.end(15)
    hive.far_end.stop()


if __name__ == "__main__":
    main()
