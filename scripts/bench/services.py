"""Starts and stops what is measured: beemon itself and its peers, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
START_SECONDS = 30.0
ASK_SECONDS = 120.0

CONFIG = """\
[hive]
name = "bench"
[server]
listening_port = {port}
[archive]
path = "{folder}/archive"
"""
DEVICES = """\
[microphone.brood]
driver = "simulated"
[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "1m"
[sensor.system]
driver = "system"
[sensor.system.schedule]
interval = "1m"
"""


def environment(folder: Path, notify: Path | None = None, **more: str) -> dict[str, str]:
    """Compiled modules are kept, as in an installed package; the archive is a throw-away one."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "NOTIFY_"))}
    return {
        **kept,
        "PYTHONPATH": str(PROJECT),
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
        "STATE_DIRECTORY": str(folder / "archive"),
        **({"NOTIFY_SOCKET": str(notify)} if notify else {}),
        **more,
    }


class Beemon:
    """A running service with simulated devices, or others, and where it listens."""

    def __init__(self, folder: Path, devices: str = DEVICES, **environment: str) -> None:
        self.folder = folder
        self.address = ("127.0.0.1", free_port())
        self.config = folder / "beemon.toml"
        self.config.write_text(CONFIG.format(port=self.address[1], folder=folder) + devices)
        self._environment = environment

    def command(self) -> list[str]:
        """What starts it."""
        return [sys.executable, "-m", "beemon", "serve", "--config", str(self.config)]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The service, ready, until the block ends."""
        with started(self.command(), self.folder, **self._environment) as process:
            yield process

    def ask(self, text: str) -> dict[str, Any]:
        """One request on a connection of its own; its OK object."""
        with socket.create_connection(self.address, timeout=ASK_SECONDS) as connection:
            connection.sendall(f"{text}\n".encode())
            word, _, rest = connection.makefile().readline().partition(" ")
        if word != "OK":
            raise RuntimeError(f"beemon refused {text}: {rest}")
        answer: dict[str, Any] = json.loads(rest)
        return answer


@contextmanager
def started(
    command: Sequence[str], folder: Path, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A service that says READY=1; given when it has said so, stopped at the end."""
    with ExitStack() as stack:
        with (folder / "log").open("ab") as log, ready_socket(folder) as notify:
            process = subprocess.Popen(
                command, env=environment(folder, folder / "notify", **more), stderr=log, cwd=folder
            )
            stack.callback(stop, process)
            await_ready(notify, process)
        yield process


@contextmanager
def ready_socket(folder: Path) -> Iterator[socket.socket]:
    """What stands in for systemd: the socket at ``notify`` in the folder."""
    path = folder / "notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(START_SECONDS)
        yield notify
    path.unlink()


def await_ready(notify: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Return as soon as READY=1 has come."""
    while b"READY=1" not in notify.recv(4096):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def peer(name: str, folder: Path, status: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """One of the plain servers; where it listens."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "peers.py"), name, json.dumps(status)],
        stdout=subprocess.PIPE, env=environment(folder),
    )
    try:
        assert process.stdout is not None
        yield "127.0.0.1", int(process.stdout.readline())
    finally:
        stop(process)


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, int] | None]:
    """A redis-server that keeps nothing; None where it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        print("redis-server is not installed, so it is left out (apt install redis-server)")
        yield None
        return
    port = free_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
         "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        _await_listener(port)
        yield "127.0.0.1", port
    finally:
        stop(process)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _await_listener(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
