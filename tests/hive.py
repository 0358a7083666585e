"""A running service for tests: the real one, as a process, on a port and an archive of its own."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.replies import CheckedClient

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long a test waits that measures nothing: a loaded machine is slow, not wrong."""

PORTS = range(10_000, 32_768)
"""Below those that Linux gives to the client's end of a connection (ip_local_port_range)."""

STAGES = """
[power.saving]
below = 12.2
until = 12.5
every = 3
[power.no-video]
below = 12.0
until = 12.4
[power.sensors-only]
below = 11.8
until = 12.2
"""
"""The stages of a hive that saves power by the voltage of its battery."""
SHORT_SLOTS = """
[microphone.brood]
driver = "simulated"
speed = 20
[microphone.brood.schedule]
interval = "2s"
duration = "0.5s"
[sensor.climate]
driver = "simulated"
[sensor.climate.schedule]
interval = "1s"
"""
"""A microphone and a sensor that have many slots in a short test."""
SIMULATED = """
[microphone.brood]
driver = "simulated"
speed = 20

[camera.entrance]
driver = "simulated"
width = 160
height = 120
frame_rate = 10

[sensor.brood]
driver = "simulated"
"""


def free_port() -> int:
    """A TCP port that nobody listens on, of those that no client's end of a connection gets."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port among a hundred")


def until(condition: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """What the condition returns once it is true; fails if that takes longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.02)
    return result


class Hive:
    """A service with the given devices. ``notify`` is a path for ``NOTIFY_SOCKET``."""

    def __init__(self, folder: Path, devices: str = SIMULATED, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.archive = folder / "archive"
        self.config = folder / "beemon.toml"
        self.environment = {
            "TZ": "UTC", **os.environ, "STATE_DIRECTORY": str(folder / "state"), **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self.write(devices)

    def write(self, devices: str, port: int | None = None) -> None:
        """Replace the config on disk."""
        self.config.write_text(
            f'[hive]\nname = "test-hive"\n[server]\nlistening_port = {port or self.port}\n'
            f'[archive]\npath = "{self.archive}"\n{devices}'
        )

    def begin(self) -> subprocess.Popen[str]:
        """Start the process without waiting for it."""
        self.log = (self.folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "beemon", "serve", "--config", self.config],
            stderr=self.log, env=self.environment, text=True,
        )
        return self.process

    def start(self) -> Hive:
        """Start the service and wait until it answers."""
        self.begin()
        until(self.answers)
        return self

    def answers(self) -> bool:
        """Whether the service answers a ping."""
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        try:
            return self.ask("ping")["pong"] is True
        except OSError:
            return False

    def client(self, **options: Any) -> CheckedClient:
        """A new connection, which holds each reply against the manual."""
        return CheckedClient(port=self.port, **{"timeout": PATIENCE_SECONDS, **options})

    def ask(self, text: str) -> dict[str, Any]:
        """The object of an OK reply."""
        with self.client() as client:
            reply = client.request(text)
        assert reply.ok, reply.payload
        return reply.payload

    def troubles(self) -> dict[str, str]:
        """What `status` says to be wrong with the service, and the remedy: by what it is about."""
        return {t["about"]: f"{t['says']}: {t['remedy']}" for t in self.ask("status")["troubles"]}

    def do(self, text: str) -> dict[str, Any]:
        """Send a command and wait for its outcome."""
        with self.client() as client:
            reply = client.request(text)
            assert reply.ok, reply.payload
            return client.wait(reply.payload["job"]).payload

    def wait(self, job: int) -> dict[str, Any]:
        """A job's outcome, however long it takes."""
        with self.client() as client:
            return client.wait(job).payload

    def said(self) -> str:
        """What the service logged."""
        self.log.flush()
        return (self.folder / "log").read_text()

    def children(self) -> dict[str, int]:
        """The processes below the Server: name to process id."""
        found = {}
        todo = [self.process.pid] if self.process else []
        while todo:
            pid = todo.pop()
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                    for child in map(int, task.read_text().split()):
                        found[Path(f"/proc/{child}/comm").read_text().strip()] = child
                        todo.append(child)
        return found

    def stop(self) -> int:
        """Stop the service as systemd does; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_SECONDS)
        self.log.close()
        return status

    def __enter__(self) -> Hive:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
