"""A crowd at the door: 500 clients at once, of whom a hundred mean no good."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beemon.protocol.client import Client
from beemon.server.limits import MAX_CLIENTS
from tests.grounds import crowd
from tests.hive import Hive, until

pytestmark = pytest.mark.ground("load")

SECONDS = 15.0
P99_SECONDS = 0.05


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    with Hive(tmp_path, "") as hive:
        yield hive


@contextmanager
def pressing_crowd(port: int) -> Iterator[subprocess.Popen[str]]:
    """The crowd, all connected, in a process of its own."""
    command = [sys.executable, "-m", "tests.grounds.crowd", str(port), str(SECONDS)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "all are connected\n"
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_good_client_is_served_among_five_hundred(hive: Hive) -> None:
    before = _held(hive)
    with hive.client() as good:
        with pressing_crowd(hive.port) as process:
            assert crowd.SIZE + 1 == MAX_CLIENTS
            assert _refusals(hive.port, 20) == {"too-many-clients"}
            times = _ping_while(good, process)
            seen = json.loads(process.communicate(timeout=10)[0])
        assert good.request("ping").ok
    print(f"p99 {_p99(times) * 1e3:.1f} ms of {len(times)} pings; the crowd saw {seen}")
    assert len(times) > 100
    assert _p99(times) < P99_SECONDS
    assert seen["answers"] > 0.8 * crowd.ASKING * SECONDS
    assert seen["ended"].keys() <= {"loris"}, "only who dribbles is hung up on"
    until(lambda: _held(hive) <= before)
    assert hive.answers()


def _refusals(port: int, count: int) -> set[str]:
    """What clients hear who come when all places are taken: one ERROR line, then the end."""
    codes = set()
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as late:
            word, rest = late.makefile().read().split(" ", 1)
            assert word == "ERROR"
            codes.add(json.loads(rest)["code"])
    return codes


def _ping_while(client: Client, process: subprocess.Popen[str]) -> list[float]:
    """How long each `ping` took while the crowd pressed; fifty a second."""
    times = []
    while process.poll() is None:
        began = time.perf_counter()
        assert client.request("ping").ok
        times.append(time.perf_counter() - began)
        time.sleep(0.02)
    return times


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _held(hive: Hive) -> int:
    """The descriptors and threads of the Server, counted together."""
    assert hive.process is not None
    process = Path("/proc", str(hive.process.pid))
    return sum(len(list((process / kind).iterdir())) for kind in ("fd", "task"))
