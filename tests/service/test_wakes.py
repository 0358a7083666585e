"""How often an idle service wakes the processor: its budget of power."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.hive import Hive, until

pytestmark = pytest.mark.process

SENSORS = "".join(f'[sensor.s{number}]\ndriver = "simulated"\n' for number in range(3))
WAKES_A_SECOND = 2.0
WINDOW_SECONDS = 8.0  # twice the longest time between two heartbeats
PATIENCE_SECONDS = 120.0


@pytest.fixture
def wakes(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts/bench")
    import wakes

    yield wakes
    for name in ("wakes", "usage"):
        sys.modules.pop(name, None)


def wakes_a_second(wakes, hive: Hive) -> float:
    """Of all processes and threads, as `scripts/bench-power` counts them."""
    assert hive.process is not None
    found = wakes.watch_all({"": hive.process.pid}, WINDOW_SECONDS)[""]
    return sum(process.wakes for process in found)


def test_an_idle_service_wakes_up_at_most_twice_a_second(tmp_path, wakes):
    """A timer counts in each window, so one quiet window is enough: what a busy machine adds, a
    wait for a page or for another thread, does not come in all of them."""
    with Hive(tmp_path, SENSORS) as hive:
        hive.do("read")
        until(lambda: wakes_a_second(wakes, hive) <= WAKES_A_SECOND, PATIENCE_SECONDS)
