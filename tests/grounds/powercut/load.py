"""The real service under load: scheduled slots, and clients that note what they are promised."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from beemon.protocol.client import Client, Reply
from tests.grounds.deadline import until
from tests.grounds.powercut import disk, exports, wear
from tests.grounds.powercut.promises import Promises

SOUND_SECONDS = 0.5
VIDEO_SECONDS = 0.6
SOUND_RATE = 16000
FRAME_RATE = 10
ASKED_SECONDS = 0.3

CONFIG = f"""\
[hive]
name = "cut"

[retention]
min_free = "4MB"
min_free_inodes = {disk.INODES // 4}

[microphone.brood]
driver = "simulated"
rate = {SOUND_RATE}
speed = 20
schedule = {{ interval = "1s", duration = "{SOUND_SECONDS}s" }}

[camera.entrance]
driver = "simulated"
width = 64
height = 64
frame_rate = {FRAME_RATE}
speed = 20
schedule = {{ interval = "1s", duration = "{VIDEO_SECONDS}s" }}

[sensor.brood]
driver = "simulated"
schedule = {{ interval = "1s" }}

[sensor.roof]
driver = "simulated"
seed = 2
"""

CLIENTS: tuple[tuple[str, ...], ...] = (
    (f"record microphone.brood {ASKED_SECONDS}", "read sensor.brood"),
    (f"record camera.entrance {ASKED_SECONDS}", "snapshot camera.entrance"),
    ("read sensor.roof", "read", "stop camera.entrance", "start camera.entrance"),
    ("inspection begin", "read", "inspection end", "record microphone.brood 0.1", "read"),
)
"""What each client asks for, one command after the other."""

REST_SECONDS = (0.0, 0.3)
"""Between two commands of a client, at random."""

FACTS = ("recording", "sha256", "readings")
"""What of an outcome is a promise, too."""


class Service:
    """``beemon serve`` on an archive, as a process that can be cut off at any moment."""

    def __init__(self, archive: Path, folder: Path, **environment: str) -> None:
        self.archive = archive
        self.port = _free_port()
        self._folder = folder
        self.environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._is_killed = False

    def start(self) -> None:
        """Start it, without waiting until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "beemon.toml"
        config.write_text(
            f'{CONFIG}[server]\nlistening_port = {self.port}\n[archive]\npath = "{self.archive}"\n'
        )
        state = self._folder / "state"
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "beemon", "serve", "--config", config],
                stderr=log, env={**self.environment, "STATE_DIRECTORY": str(state)},
                start_new_session=True,
            )

    def answers(self) -> bool:
        """Whether it does. Raises ``RuntimeError`` where it ended by itself."""
        assert self._process is not None
        if (status := self._process.poll()) is not None:
            if self._is_killed:
                return False
            log = (self._folder / "log").read_text("utf-8", "replace")
            raise RuntimeError(f"the service ended with {status}: {log[-2000:]}")
        try:
            return self.ask("ping").ok
        except OSError:
            return False

    def ask(self, text: str) -> Reply:
        """One request on a connection of its own."""
        with Client(port=self.port) as client:
            return client.request(text)

    def do(self, text: str) -> dict[str, Any]:
        """Send a command, and wait for its outcome."""
        with Client(port=self.port, timeout=30) as client:
            reply = client.request(text)
            return client.wait(reply.payload["job"]).payload if reply.ok else reply.payload

    def stop(self) -> None:
        """End it as systemd does."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def kill(self) -> None:
        """End all its processes at once; harmless when they have ended."""
        self._is_killed = True
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
            group = self._process.pid
            until(lambda: not any(_members(group)), "the end of every process of the service")


class Load:
    """Clients of a service, from :meth:`begin` until it is cut off.

    ``is_worn``: its ledger is to be as after weeks.
    """

    def __init__(self, service: Service, promises: Promises, *, is_worn: bool = False) -> None:
        self._is_worn = is_worn
        self._wear: BaseProcess | None = None
        self._failure: RuntimeError | None = None
        self._service = service
        self._promises = promises
        self._chance = random.Random(service.port)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Let the clients come as soon as the service answers."""
        self._begin(self._come)

    def end(self) -> None:
        """Wait for the clients; the service has gone. Raises what kept it from answering."""
        self._over.set()
        for thread in self._threads:
            thread.join(20)
        if self._wear is not None:
            self._wear.kill()
            self._wear.join()
        if self._failure:
            raise self._failure

    def _begin(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _come(self) -> None:
        while not self._over.is_set():
            try:
                is_there = self._service.answers()
            except RuntimeError as error:
                self._failure = error
                return
            if is_there:
                if self._is_worn:
                    self._wear = wear.begin(self._service.archive)
                service = self._service
                self._begin(
                    exports.export_until, self._over, service.archive, service.environment
                )
                clients = [self._watch, *map(self._asker, CLIENTS)]
                for client in clients:
                    self._begin(self._serve, client)
                return
            self._over.wait(0.02)

    def _serve(self, client: Callable[[Client], None]) -> None:
        try:
            with Client(port=self._service.port) as connection:
                client(connection)
        except OSError:
            self._over.set()  # the service was cut off

    def _watch(self, connection: Client) -> None:
        for reply in connection.watch():
            if reply.payload.get("report") == "job":
                self._note(reply.payload)

    def _asker(self, commands: tuple[str, ...]) -> Callable[[Client], None]:
        def ask(connection: Client) -> None:
            while not self._over.is_set():
                for command in commands:
                    self._do(connection, command)
                    self._over.wait(self._chance.uniform(*REST_SECONDS))

        return ask

    def _do(self, connection: Client, command: str) -> None:
        reply = connection.request(command)
        if reply.ok:
            self._promises.note(reply.payload["job"], command)
            self._note(connection.wait(reply.payload["job"]).payload)

    def _note(self, payload: Mapping[str, Any]) -> None:
        if "outcome" in payload:
            said = [payload[name] for name in ("job", "command", "outcome")]
            facts = {name: payload[name] for name in FACTS if name in payload}
            self._promises.note(*said, **facts)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _members(group: int) -> Iterator[int]:
    """The processes of a group that have not ended: a killed one holds its files for a moment."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _, of_group, *_ = stat.read_text().rpartition(")")[2].split()
            if int(of_group) == group and state != "Z":
                yield int(stat.parent.name)
