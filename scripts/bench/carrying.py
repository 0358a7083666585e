"""What the uplink takes beside a hive at rest: `scripts/bench-power` runs this.

Each destination is one of this machine, and has an uplink of its own, so that each has its row.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import services
import usage
from services import Beemon
from table import Row
from wakes import Rest

CPU_TARGET = 0.05  # % of one core
PSS_TARGET = 25.0  # MB


@contextmanager
def running(folder: Path, hive: Beemon) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """An uplink of this hive for each destination that this machine can have."""
    folder.mkdir()
    with ExitStack() as stack:
        url = stack.enter_context(_far_server())
        broker = stack.enter_context(_broker(folder))
        yield {
            f"uplink with [{name}]": stack.enter_context(_uplink(folder / name, hive, table))
            for name, table in _tables(folder, url, broker).items()
        }


def rows(name: str, rest: list[Rest], process: subprocess.Popen[bytes]) -> Iterator[Row]:
    """How an uplink rested, and what it holds."""
    family = usage.processes(process.pid)
    pss = sum(usage.pss_megabytes(member.pid) for member in family)
    yield Row(f"{name}: wake-ups", sum(one.wakes for one in rest), "/s")
    yield Row("  processor", sum(one.cpu for one in rest), "%", target=CPU_TARGET)
    yield Row("  memory (PSS)", pss, "MB", target=PSS_TARGET)


def _tables(folder: Path, url: str, broker: int | None) -> Mapping[str, str]:
    urls = folder / "urls"
    urls.touch(0o600)
    urls.write_text(f"{url.replace('http:', 'json:')}/message\n")
    found = {
        "influx": f'url = "{url}/write"\n', "prometheus": f'file = "{folder}/metrics.prom"\n',
        "alerts": f'urls_file = "{urls}"\n',
    }
    if shutil.which("rclone"):
        (folder / "far").mkdir()
        found["upload"] = f'remote = "{folder}/far"\n'
    if broker is not None:
        found["mqtt"] = f'broker = "127.0.0.1:{broker}"\n'
    return found


@contextmanager
def _uplink(folder: Path, hive: Beemon, table: str) -> Iterator[subprocess.Popen[bytes]]:
    """An uplink of the hive whose config has this table, too; it is named as the folder."""
    folder.mkdir()
    config = folder / "beemon.toml"
    config.write_text(f"{hive.config.read_text()}[{folder.name}]\n{table}")
    command = [sys.executable, "-m", "beemon", "serve-uplink", "--config", str(config),
               "--folder", str(folder)]
    with services.started(command, folder) as process:
        yield process


class _Taker(BaseHTTPRequestHandler):
    """Takes everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _far_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def _broker(folder: Path) -> Iterator[int | None]:
    """The port of a broker; None if there is none, or no client for it."""
    program = shutil.which("mosquitto")
    if program is None or importlib.util.find_spec("paho") is None:
        print("mosquitto or paho is missing, so [mqtt] is left out "
              "(apt install mosquitto python3-paho-mqtt)")
        yield None
        return
    port = services.free_port()
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        services.stop(process)
