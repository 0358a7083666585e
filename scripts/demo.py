"""The demo: one service with a simulated hive, a conversation with it, and what came of it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from beemon.protocol.client import Client, ServiceUnreachableError

FOLDER = Path(__file__).resolve().parent.parent / "demo"
CONFIG = """\
[hive]
name = "demo-hive"

[server]
listening_port = {port}

[archive]
path = "{folder}/archive"

[microphone.brood]
driver = "simulated"

[camera.entrance]
driver = "simulated"
width = 640
height = 480

[sensor.brood]
driver = "simulated"

[sensor.system]
driver = "system"
"""
CONVERSATION = (
    "ping",
    "devices",
    "read",
    "record microphone.brood 5",
    "record camera.entrance 5",
    "snapshot camera.entrance",
    "make coffee",
    "record microphone.brod 5",
    "status",
)


def main() -> int:
    """Run the demo; its exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", action="store_true", help="leave the service running")
    keep = options.parse_args().keep
    FOLDER.mkdir(exist_ok=True)
    config, port = FOLDER / "beemon.toml", free_port()
    config.write_text(CONFIG.format(folder=FOLDER, port=port))
    print(f"1. The service, with the config {config}:\n")
    service = start(config)
    try:
        jobs = converse(connect(port, service))
        show_to_a_person(config)
        show_files(jobs)
        if keep:
            print(f"\nThe service runs until Ctrl-C; to say `help` to it: nc 127.0.0.1 {port}")
            service.wait()
    except KeyboardInterrupt:
        pass
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(15)
    well = all(job.get("outcome") == "done" for job in jobs)
    print("\nEvery command has its outcome." if well else "\nSomething failed; see above.")
    return 0 if well else 1


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(config: Path) -> subprocess.Popen[bytes]:
    """The service as a process of its own, logging to this terminal."""
    environment = {**os.environ, "STATE_DIRECTORY": str(FOLDER)}
    command = [sys.executable, "-m", "beemon", "serve", "--config", str(config)]
    return subprocess.Popen(command, env=environment)


def connect(port: int, service: subprocess.Popen[bytes]) -> Client:
    """A connection, as soon as the service listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return Client(port=port)
        except ServiceUnreachableError:
            if service.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def converse(client: Client) -> list[dict[str, object]]:
    """Say every line of the conversation, wait for every job; the jobs' outcomes."""
    print("\n2. A client's lines (>) and the service's replies (<):\n", flush=True)
    numbers = []
    with client:
        for line in CONVERSATION:
            reply = client.request(line)
            show(line, reply.ok, reply.payload)
            if reply.ok and "job" in reply.payload:
                numbers.append(reply.payload["job"])
        jobs = []
        for number in numbers:
            outcome = client.wait(number)
            show(f"wait {number}", outcome.ok, outcome.payload)
            jobs.append(outcome.payload)
    return jobs


def show(line: str, ok: bool, payload: dict[str, object]) -> None:
    """One request and its reply, cut to what a terminal shows."""
    reply = f"{'OK' if ok else 'ERROR'} {json.dumps(payload, ensure_ascii=False)}"
    print(f"> {line}\n< {reply if len(reply) < 400 else reply[:400] + ' …'}", flush=True)


def show_to_a_person(config: Path) -> None:
    """The same service, asked with the `beemon` command."""
    print("\n3. What a person sees:", flush=True)
    for word in ("status", "readings", "jobs"):
        print(f"\n$ beemon {word}", flush=True)
        command = [sys.executable, "-m", "beemon", word, "--config", str(config)]
        subprocess.run(command, check=True)


def show_files(jobs: list[dict[str, object]]) -> None:
    """The recordings that the jobs made."""
    print(f"\n4. What it made, in {FOLDER / 'archive'}:\n")
    for job in jobs:
        if "recording" in job:
            print(f"   {job['size']:>9} bytes  {job['recording']}")
    print("              and ledger.db, with every job, outcome and reading")


if __name__ == "__main__":
    sys.exit(main())
