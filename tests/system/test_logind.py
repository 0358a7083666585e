"""Asking logind to power the machine off, with a stand-in for busctl on the PATH."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from pathlib import Path

import pytest

from beemon.system.logind import NEXT_WAKE, Logind
from tests.hive import until

pytestmark = pytest.mark.process

WAKE_US = 1_798_761_600_000_000


@pytest.fixture
def bus(tmp_path, monkeypatch):
    """What answers as logind does; it notes each method that is called."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))

    def says(script: str) -> Path:
        program = tmp_path / "busctl"
        program.write_text(f'#!/bin/sh\necho "$7 $8 $9" >> {tmp_path}/asked\n{script}\n')
        program.chmod(0o755)
        return tmp_path

    return says


def answer(ask: Callable[[Callable[[str | None], None]], None]) -> str | None:
    told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    ask(told.put)
    return told.get(timeout=30)


@pytest.mark.parametrize(("script", "said"), [
    ("""echo 's "yes"'""", None),
    ("""echo 's "challenge"'""", "systemd does not let beemon power the machine off"),
    ("echo Call failed: Access denied >&2; exit 1", "systemd says: Access denied"),
    ("printf '\\377' >&2; exit 1", "systemd says: \N{REPLACEMENT CHARACTER}"),
])
def test_it_is_asked_first_whether_that_is_allowed(bus, script, said):
    folder = bus(script)
    assert answer(Logind().may_power_off) == said
    assert (folder / "asked").read_text().split() == ["CanPowerOff"]


def test_before_the_machine_is_powered_off_the_time_to_wake_is_written(bus):
    folder = bus(f'cat "$(dirname "$0")/{NEXT_WAKE}" >> "$(dirname "$0")/asked"')
    assert answer(lambda told: Logind().power_off(WAKE_US, told)) is None
    wake = "1798761600 2027-01-01T00:00:00.000Z"
    assert (folder / "asked").read_text().splitlines() == ["PowerOff b false", wake]
    assert (folder / NEXT_WAKE).read_text() == f"{wake}\n"


def test_a_machine_that_stays_on_has_no_time_to_wake(bus):
    folder = bus("echo in use >&2; exit 1")
    assert answer(lambda told: Logind(0.0).power_off(WAKE_US, told)) == "systemd says: in use"
    assert not (folder / NEXT_WAKE).exists()


def test_an_order_whose_answer_is_lost_may_have_been_taken(bus):
    folder = bus("echo disconnected without replying >&2; exit 1")
    told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    Logind(3600.0).power_off(WAKE_US, told.put)
    until((folder / "asked").exists)
    assert (folder / NEXT_WAKE).exists()
    assert told.empty()


def test_without_a_next_slot_there_is_no_time_to_wake(bus):
    folder = bus("true")
    (folder / NEXT_WAKE).write_text("1 long ago\n")
    assert answer(lambda told: Logind().power_off(None, told)) is None
    assert not (folder / NEXT_WAKE).exists()


def test_a_machine_without_systemd_is_left_alone(bus, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert answer(Logind().may_power_off) == "No such file or directory"
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    assert answer(Logind().may_power_off) == "beemon is not a service of systemd here"
