"""What the uplink takes beside a hive at rest: `scripts/bench-power` runs this.

Each destination is one of this machine, and has an uplink of its own, so that each has its row. One
more uplink has all of them.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
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
_BEEP = "/api/sensors"


@contextmanager
def running(
    folder: Path, hive: Beemon, other: Beemon
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """An uplink of a hive for each destination that this machine can have, and one of another hive
    for all."""
    with ExitStack() as stack:
        url = stack.enter_context(_far_server())
        alone, together = (
            _tables(folder / name, url, stack.enter_context(_broker(folder / name)),
                    stack.enter_context(_other_disk()))
            for name in ("alone", "together")  # a broker has one connection with a hive
        )
        configs = {f"uplink with [{name}]": (hive, table) for name, table in alone.items()}
        configs[f"uplink with all {len(together)}"] = other, "".join(together.values())
        yield {
            name: stack.enter_context(_uplink(folder / f"{number}", of, tables))
            for number, (name, (of, tables)) in enumerate(configs.items())
        }


def rows(name: str, rest: list[Rest], process: subprocess.Popen[bytes]) -> Iterator[Row]:
    """How an uplink rested, and what it holds."""
    family = usage.processes(process.pid)
    pss = sum(usage.pss_megabytes(member.pid) for member in family)
    yield Row(f"{name}: wake-ups", sum(one.wakes for one in rest), "/s")
    yield Row("  processor", sum(one.cpu for one in rest), "%", target=CPU_TARGET)
    yield Row("  memory (PSS)", pss, "MB", target=PSS_TARGET)


def _tables(folder: Path, url: str, broker: int | None, disk: Path) -> dict[str, str]:
    """The table of each destination, by its name."""
    urls, key = folder / "urls", folder / "key"
    for secret, content in ((urls, f"{url.replace('http:', 'json:')}/message\n"), (key, "key\n")):
        secret.touch(0o600)
        secret.write_text(content)
    found = {
        "influx": f'url = "{url}/write"\n', "prometheus": f'file = "{folder}/metrics.prom"\n',
        "alerts": f'urls_file = "{urls}"\n',
        "beep": f'url = "{url}{_BEEP}"\nkey_file = "{key}"\n',
        "upload": f'remote = "{disk}"\n' if shutil.which("rclone") else "",
        "mqtt": "" if broker is None else f'broker = "127.0.0.1:{broker}"\n',
    }
    return {name: f"[{name}]\n{options}" for name, options in found.items() if options}


@contextmanager
def _uplink(folder: Path, hive: Beemon, tables: str) -> Iterator[subprocess.Popen[bytes]]:
    """An uplink of the hive whose config has these tables, too."""
    folder.mkdir()
    config = folder / "beemon.toml"
    config.write_text(f"{hive.config.read_text()}{tables}")
    command = [sys.executable, "-m", "beemon", "serve-uplink", "--config", str(config)]
    # It has the modules that the script has compiled: to compile them itself would take memory.
    places = {"STATE_DIRECTORY": str(folder), "RUNTIME_DIRECTORY": str(folder)}
    with services.started(command, folder, PYTHONPYCACHEPREFIX="", **places) as process:
        yield process
    for name, state in json.loads((folder / "state.json").read_text())["destinations"].items():
        if state.get("trouble"):
            print(f"[{name}] did not rest, as it was in trouble: {state['trouble']}")


@contextmanager
def _other_disk() -> Iterator[Path]:
    """A folder that is not on the disk of the archive, as an upload there would save nothing."""
    with tempfile.TemporaryDirectory(prefix="beemon-bench-", dir="/dev/shm") as folder:
        yield Path(folder)


class _Taker(BaseHTTPRequestHandler):
    """Takes everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201 if self.path == _BEEP else 204)
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
    """The port of a broker, which has the folder; None if there is none, or no client for it."""
    folder.mkdir(parents=True)
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
