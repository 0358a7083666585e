"""Asking systemd for the clock, with a stand-in for its program on the PATH."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from beemon.base import clock
from beemon.base.clock import Quality
from beemon.system import timedate
from tests.hive import until

pytestmark = pytest.mark.process


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """What says what `timedatectl` says; it notes each time that it is asked."""
    program = tmp_path / "timedatectl"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))

    def says(script: str) -> Path:
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n')
        program.chmod(0o755)
        return tmp_path

    return says


@pytest.mark.parametrize(
    ("script", "answer"), [
        ("echo yes", True), ("echo no", False), ("exit 1", False), ("printf '\\377'", False),
    ]
)
def test_the_answer_is_yes_or_it_is_not(systemd, script, answer):
    folder = systemd(script)
    assert timedate.is_synchronised() is answer
    assert (folder / "asked").read_text() == "show --property=NTPSynchronized --value\n"


def test_a_yes_is_known_to_every_process_of_the_service(systemd):
    folder = systemd("echo yes")
    timedate.ask_until_yes(folder / clock.CONFIRMED, pause=0.01)
    assert clock.quality(folder, lambda: None) is Quality.SYNCHRONISED


def test_it_is_asked_until_the_answer_is_yes(systemd):
    folder = systemd('[ "$(wc -l < "$(dirname "$0")/asked")" -lt 3 ] || echo yes')
    timedate.ask_until_yes(folder / clock.CONFIRMED, pause=0.01)
    if clock.kernel_error_us() == 16_000_000:  # else this machine's clock needs no asking
        assert len((folder / "asked").read_text().splitlines()) == 3
    assert clock.quality() is Quality.SYNCHRONISED


def test_a_machine_that_cannot_ask_now_asks_later(systemd, caplog, monkeypatch):
    folder = systemd("echo yes")
    monkeypatch.setenv("PATH", str(folder))
    program = folder / "timedatectl"
    script = program.read_text()
    program.write_text("no program\n" * 3)  # the kernel says: Exec format error
    asking = threading.Thread(
        target=timedate.ask_until_yes, args=(folder / clock.CONFIRMED, 0.01), daemon=True
    )
    asking.start()
    until(lambda: "cannot be asked" in caplog.text)
    program.write_text(script)
    asking.join(10.0)
    assert not asking.is_alive()


def test_without_systemd_or_a_unit_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    timedate.ask_until_yes(tmp_path / clock.CONFIRMED, pause=0.01)
    assert not (tmp_path / clock.CONFIRMED).exists()
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    assert clock.mark(clock.CONFIRMED) is None
    timedate.begin_asking()
