"""Outputs of the whole service, seen on the wire: in a pin log that no process of it can lose."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hive import Hive, until

pytest.importorskip("gpiozero")

PINS = Path(__file__).parents[1] / "pins"
OUTPUTS = """
[output.light]
driver = "gpio"
pin = 18
[output.heater]
driver = "gpio"
pin = 23
active = "low"
[sensor.entrance]
driver = "beams"
outer = 17
inner = 27
"""


class Noted(NamedTuple):
    """A line of the pin log."""

    at: float
    pid: int
    pin: str
    what: str


class Wired(Hive):
    """A service whose pins are logged."""

    def __init__(self, folder: Path, devices: str = OUTPUTS) -> None:
        self.pin_log = folder / "pins.log"
        self.pin_log.touch()
        path = os.pathsep.join([str(PINS), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
        super().__init__(
            folder, devices, PYTHONPATH=path, GPIOZERO_PIN_FACTORY="pin_log",
            PIN_LOG=str(self.pin_log),
        )

    def noted(self, pin: str | None = None) -> list[Noted]:
        found = []
        for line in self.pin_log.read_text().splitlines():
            at, pid, name, what = line.split()
            if pin in (None, name):
                found.append(Noted(float(at), int(pid), name, what))
        return found

    def level(self, pin: str) -> str:
        return next((n.what for n in reversed(self.noted(pin))), "nothing")

    def worker(self) -> int:
        return until(lambda: self.children().get("beemon-gpio"))

    def until_safe(self) -> int:
        """Wait until a worker holds both outputs in their safe states; its process id."""
        until(lambda: self.level("GPIO18") == "0" and self.level("GPIO23") == "1")
        return self.worker()


@pytest.fixture
def wired(tmp_path: Path) -> Iterator[Wired]:
    with Wired(tmp_path) as hive:
        yield hive


def test_outputs_are_safe_before_anybody_asks_for_anything(wired: Wired) -> None:
    wired.until_safe()
    assert {noted.what for noted in wired.noted("GPIO18")} == {"output", "0"}
    assert {noted.what for noted in wired.noted("GPIO23")} == {"output", "1"}


def test_switch_switches_and_says_so(wired: Wired) -> None:
    wired.until_safe()
    job = wired.do("switch output.light on")
    assert (job["outcome"], job["output"]) == ("done", "on")
    assert wired.level("GPIO18") == "1"
    until(lambda: wired.ask("status")["devices"]["output.light"].get("output") == "on")
    assert wired.do("switch output.light off")["output"] == "off"
    assert wired.level("GPIO18") == "0"


def test_after_its_seconds_an_output_returns_by_itself(wired: Wired) -> None:
    wired.until_safe()
    job = wired.do("switch output.heater on 0.5")
    assert job["returns_after_seconds"] == 0.5
    until(lambda: wired.level("GPIO23") == "1")
    on, off = [noted.at for noted in wired.noted("GPIO23")[-2:]]
    assert 0.4 < off - on < 5  # a loaded machine is late, and never early
    until(lambda: wired.ask("status")["devices"]["output.heater"].get("output") == "off")


def test_it_returns_while_nobody_else_is_awake(wired: Wired) -> None:
    wired.until_safe()
    wired.do("switch output.light on 1")
    assert wired.process is not None
    asleep = [wired.process.pid, wired.children()["beemon-orchestr"]]
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: wired.level("GPIO18") == "0")
    finally:
        for pid in asleep:
            os.kill(pid, signal.SIGCONT)


def test_the_first_act_of_a_worker_after_one_that_was_killed_is_to_make_safe(wired: Wired) -> None:
    killed = wired.until_safe()
    wired.do("switch output.light on 600")
    wired.do("switch output.heater on")
    before = len(wired.noted())
    os.kill(killed, signal.SIGKILL)
    until(lambda: wired.level("GPIO18") == "0" and wired.level("GPIO23") == "1")
    acts = wired.noted()[before:]
    assert killed not in {noted.pid for noted in acts}
    first = [(noted.pin, noted.what) for noted in acts[:6]]
    assert [what for pin, what in first if pin == "GPIO18"][:2] == ["output", "0"]
    assert [what for pin, what in first if pin == "GPIO23"][:2] == ["output", "1"]
    assert {noted.what for noted in acts if noted.pin == "GPIO18"} == {"output", "0"}
    until(lambda: wired.ask("status")["devices"]["output.light"].get("output") == "off")


def test_the_sensors_of_a_killed_worker_come_after_its_outputs(wired: Wired) -> None:
    killed = wired.until_safe()
    wired.do("read sensor.entrance")
    before = len(wired.noted())
    os.kill(killed, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{killed}").exists())  # else the read may be lost with it
    wired.do("read sensor.entrance")
    order = [noted.pin for noted in wired.noted()[before:]]
    assert set(order[: order.index("GPIO17")]) == {"GPIO18", "GPIO23"}


def test_a_stop_makes_safe(wired: Wired) -> None:
    wired.until_safe()
    wired.do("switch output.light on")
    wired.do("switch output.heater on")
    assert wired.stop() == 0
    states = [noted.what for noted in wired.noted("GPIO18")]
    assert states[-1] == "input"
    assert [state for state in states if state in "01"][-1] == "0"
    assert [n.what for n in wired.noted("GPIO23") if n.what in "01"][-1] == "1"


def test_after_the_whole_service_was_killed_the_next_start_makes_safe(wired: Wired) -> None:
    killed = wired.until_safe()
    wired.do("switch output.light on")
    assert wired.process is not None
    wired.process.kill()
    wired.process.wait()
    until(lambda: not Path(f"/proc/{killed}").exists())
    wired.start()
    anew = wired.until_safe()
    assert anew != killed
    until(lambda: "0" in [n.what for n in wired.noted("GPIO18") if n.pid == anew])


def test_a_reload_that_takes_an_output_away_makes_it_safe(wired: Wired) -> None:
    wired.until_safe()
    wired.do("switch output.light on")
    wired.write(OUTPUTS[OUTPUTS.index("[output.heater]"):])
    assert wired.do("reload")["outcome"] == "done"
    until(lambda: wired.level("GPIO18") == "input")
    assert [n.what for n in wired.noted("GPIO18") if n.what in "01"][-1] == "0"


def test_what_was_switched_is_an_event(wired: Wired) -> None:
    wired.until_safe()
    wired.do("switch output.light on 0.2")
    until(lambda: wired.level("GPIO18") == "0")
    ledger = sqlite3.connect(wired.archive / "ledger.db")
    query = "SELECT message FROM events WHERE kind = 'output' AND device = 'output.light'"
    until(lambda: len(ledger.execute(query).fetchall()) == 3)
    assert [message for (message,) in ledger.execute(query)] == [
        "output.light is off", "output.light is on, for 0.2 s", "output.light is off",
    ]


def test_an_output_that_cannot_be_made_safe_is_a_trouble(tmp_path: Path) -> None:
    hive = Wired(tmp_path)
    busy = tmp_path / "pins.log.busy"
    busy.touch()
    with hive:
        until(lambda: hive.ask("status")["state"] == "degraded")
        assert "GPIO busy" in hive.ask("status")["devices"]["output.light"]["trouble"]
        assert hive.do("switch output.light on")["reason"] == "device-error"
        busy.unlink()
        assert hive.do("switch output.light on")["outcome"] == "done"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("switch sensor.entrance on", "bad-argument"),
        ("switch output.light", "bad-argument"),
        ("switch output.light dim", "bad-argument"),
        ("switch output.fan on", "unknown-device"),
        ("read output.light", "bad-argument"),
    ],
)
def test_what_is_no_switch_is_refused(wired: Wired, text: str, code: str) -> None:
    with wired.client() as client:
        assert client.request(text).payload["code"] == code
