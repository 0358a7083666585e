"""Outputs and counters on real lines: the kernel's GPIO, lgpio, gpiozero and the whole service.

What the lines really do is seen in the kernel's own list, which no process of the service writes.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import lgpio

from beemon.protocol.client import Client

T = TypeVar("T")

LINES = Path("/sys/kernel/debug/gpio")
PRESS = Path("/exchange/press")
FIRST_LINE = 504
LIGHT, HEATER, HELD = 5, 6, 7
CONFIG = """
[archive]
path = "/tmp/archive"
[output.light]
driver = "gpio"
pin = 5
timeout = "60s"
[output.heater]
driver = "gpio"
pin = 6
active = "low"
timeout = "60s"
[output.held]
driver = "gpio"
pin = 7
timeout = "60s"
[sensor.button]
driver = "gpio"
kind = "counter"
pin = 3
pull = "none"
active = "high"
timeout = "60s"
"""


def until(condition: Callable[[], T], seconds: float = 120.0) -> T:
    """An emulated machine is slow, and has few processors to look on with."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not true within {seconds} s: {lines()}"
        time.sleep(0.3)
    return result


def lines() -> dict[int, str]:
    """The lines in use: their directions and levels."""
    found = re.findall(r"gpio-(\d+) +\(.*?\) (\w+ +\w+)", LINES.read_text())
    return {int(number) - FIRST_LINE: " ".join(state.split()) for number, state in found}


def ask(text: str) -> dict[str, Any]:
    with Client(port=8080) as client:
        return client.request(text).payload


def do(text: str) -> dict[str, Any]:
    with Client(port=8080) as client:
        ended = client.wait(client.request(text).payload["job"]).payload
    print(text, "->", ended, flush=True)
    return ended


def answers() -> bool:
    try:
        return bool(ask("ping"))
    except OSError:
        return False


def press_the_button() -> None:
    PRESS.touch()
    until(lambda: not PRESS.exists())
    time.sleep(1.0)


def worker() -> int | None:
    for name in Path("/proc").glob("[0-9]*/comm"):
        try:
            if name.read_text().strip() == "beemon-gpio":
                return int(name.parent.name)
        except OSError:  # it has just gone
            continue
    return None


def main() -> None:
    chip = lgpio.gpiochip_open(0)
    lgpio.gpio_claim_output(chip, HELD)  # another program has this one
    Path("/tmp/beemon.toml").write_text(CONFIG)
    service = subprocess.Popen(
        [sys.executable, "-m", "beemon", "serve", "--config", "/tmp/beemon.toml"], cwd="/tmp"
    )
    until(answers)

    until(lambda: {LIGHT, HEATER} <= set(lines()))
    assert (lines()[LIGHT], lines()[HEATER]) == ("out lo", "out hi")
    held = until(lambda: ask("status")["devices"]["output.held"].get("trouble"))
    assert "GPIO busy" in held, held

    assert do("switch output.light on")["outcome"] == "done"
    assert do("switch output.heater on")["outcome"] == "done"
    assert (lines()[LIGHT], lines()[HEATER]) == ("out hi", "out lo")

    assert do("read sensor.button")["readings"]["sensor.button count"] == 0
    for _ in range(3):
        press_the_button()
    assert do("read sensor.button")["readings"]["sensor.button count"] == 3

    killed = until(worker)
    at = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    until(lambda: worker() != killed)
    seen = []
    until(lambda: seen.append(lines().get(LIGHT)) or seen[-1] == "out lo")
    assert "out hi" not in seen, seen
    print(f"safe again {time.monotonic() - at:.1f} s after the kill; saw {set(seen)}", flush=True)
    until(lambda: lines().get(HEATER) == "out hi")
    readings = do("read sensor.button")["readings"]
    assert readings["sensor.button interval"] < time.monotonic() - at  # it counts anew, and says so

    assert do("switch output.light on 3")["returns_after_seconds"] == 3
    assert lines()[LIGHT] == "out hi"
    until(lambda: lines()[LIGHT] == "out lo")

    service.terminate()
    assert service.wait() == 0


main()
