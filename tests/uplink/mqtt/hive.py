"""A hive for the tests of the destination: a ledger, and a service that answers from a table."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

from beemon.base import outcomes
from beemon.base.clock import MACHINE, Clock
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.ledger import events, identity, readings, recordings
from beemon.ledger.ledger import Ledger
from beemon.protocol.client import Client
from beemon.uplink.hive import Archive, Hive
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkOptions, UplinkSettings
from beemon.uplink.state import States

DEVICES = {
    "sensor.scale": {"driver": "hx711", "interval_seconds": 300.0},
    "sensor.brood": {"driver": "kernel", "interval_seconds": 60.0},
    "camera.entrance": {"driver": "v4l2"},
}


class Service:
    """Answers requests, one connection after the other; silent while it is down."""

    def __init__(self, path: Path) -> None:
        self.replies = {"status": {"state": "healthy", "version": "1"},
                        "devices": {"devices": DEVICES}}
        self.commands: list[str] = []
        self.is_down = False
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def connect(self) -> Client:
        if self.is_down:
            raise ConnectionError("nothing answers")
        return Client(socket_path=self.path, timeout=5)

    def _serve(self) -> None:
        while True:
            accepted, _ = self._listener.accept()
            with accepted, accepted.makefile("rb") as requests:
                for request in requests:
                    accepted.sendall(self._answer(request.decode().strip()).encode() + b"\n")

    def _answer(self, request: str) -> str:
        if request in self.replies:
            return f"OK {json.dumps(self.replies[request])}"
        if request.startswith("as "):
            return 'OK {"named": "mqtt"}'
        self.commands.append(request)
        if request.startswith("record"):
            return 'ERROR {"code": "busy", "message": "too many jobs", "remedy": ""}'
        return f'OK {{"job": {len(self.commands)}}}'


class Apiary:
    """One hive: its ledger, its service, and the ``hive`` that a destination gets."""

    def __init__(self, ledger: Ledger, folder: Path, name: str = "apiary-7") -> None:
        self.ledger = ledger
        (folder / "run").mkdir(parents=True)
        with ledger.transaction():
            self.uuid = identity.settle(ledger, None)
        self.service = Service(folder / "s")
        self.states = States(folder / "run/state.json")
        self.folder = folder
        self.hive = self.make_hive(name)

    def make_hive(self, name: str, clock: Clock = MACHINE) -> Hive:
        options = UplinkOptions(
            hive=name, archive=self.ledger.archive, connect=self.service.connect, tables={},
            state=self.folder, runtime=self.folder / "run",
        )
        meter = Meter(self.folder / "sent", UplinkSettings())
        return Hive("mqtt", options, Archive(self.ledger.archive), meter, self.states, clock)

    def measure(self, sensor: str, quantity: str, unit: str, value: float | None,
                reason: str | None = None, seconds_ago: float = 0.0) -> int:
        at = self.ledger.clock.stamp()
        at = at._replace(utc_us=at.utc_us - int(seconds_ago * 1e6))
        with self.ledger.transaction():
            job = self.ledger.accept(f"read {sensor}", "test")
            reading = Reading(sensor, quantity, unit, value, reason, at, uncertainty=None)
            readings.keep(self.ledger, job, [reading])
            self.ledger.end(job, outcomes.done())
        return job

    def take_picture(self, content: bytes, origin: str = "test", name: str = "a.jpg") -> int:
        path = self.ledger.archive / name
        path.write_bytes(content)
        at = self.ledger.clock.stamp()
        with self.ledger.transaction():
            job = self.ledger.accept("snapshot camera.entrance", origin)
            facts = RecordingFacts(
                start_utc_us=at.utc_us, start_monotonic=at.monotonic, clock=at.quality,
                size=len(content), sha256="0" * 64, verdict="good",
            )
            recordings.enter(self.ledger, job, "camera.entrance", path, facts)
            self.ledger.end(job, outcomes.done(recording=name))
        return job

    def happen(self, kind: str, message: str) -> int:
        with self.ledger.transaction():
            return events.enter(self.ledger, kind, message)
