"""What systemd and a person at a terminal see."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.system import service
from beemon.system.service import Notifier


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """systemd's end of the notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind(str(tmp_path / "notify"))
        theirs.settimeout(1)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        yield theirs


def said(systemd: socket.socket) -> str:
    return systemd.recv(4096).decode()


def test_each_message_reaches_systemd(systemd: socket.socket) -> None:
    notifier = Notifier()
    notifier.ready()
    notifier.alive()
    notifier.stopping()
    assert [said(systemd) for _ in range(3)] == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_reloading_carries_the_time_that_systemd_asks_for(systemd: socket.socket) -> None:
    Notifier().reloading()
    first, second = said(systemd).split("\n")
    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")


def test_the_status_is_sent_when_it_changes(systemd: socket.socket) -> None:
    notifier = Notifier()
    for sentence in ("Waiting", "Waiting", "At work"):
        notifier.status(sentence)
    assert [said(systemd), said(systemd)] == ["STATUS=Waiting", "STATUS=At work"]


def test_the_status_may_hold_any_character_and_stays_one_line(systemd: socket.socket) -> None:
    Notifier().status("sensor.brood: 85 °C …\nWATCHDOG=1")
    assert said(systemd) == "STATUS=sensor.brood: 85 °C … WATCHDOG=1"


def test_a_systemd_that_does_not_read_holds_nothing_up(systemd: socket.socket) -> None:
    notifier = Notifier()
    for number in range(1000):
        notifier.alive()
        notifier.status(f"Sentence {number}")
    with contextlib.suppress(TimeoutError):
        while said(systemd):
            pass
    notifier.status("Sentence 999")  # it was not taken, so it is said again
    assert said(systemd) == "STATUS=Sentence 999"


def test_a_systemd_that_has_gone_is_no_error(systemd: socket.socket) -> None:
    notifier = Notifier()
    systemd.close()
    notifier.ready()
    notifier.status("Waiting")


def test_children_cannot_speak_to_systemd(systemd: socket.socket) -> None:
    assert Notifier().watchdog_seconds == 3.0
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        assert name not in os.environ


def test_the_watchdog_of_another_process_is_not_fed(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", "1")
    notifier = Notifier()
    assert notifier.watchdog_seconds is None
    notifier.alive()
    notifier.ready()
    assert said(systemd) == "READY=1"


def test_without_systemd_every_call_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notifier = Notifier()
    notifier.ready()
    notifier.status("Waiting")
    notifier.stopping()


def test_a_terminal_shows_the_time_the_level_where_it_matters_and_the_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        service.start_log()
        logging.getLogger("x").info("all is well")
        logging.getLogger("x").warning("the bees are angry")
    finally:
        root.handlers[:], root.level = before
    calm, warning = capsys.readouterr().err.splitlines()
    assert calm[8:] == " all is well"
    assert warning[8:] == " warning: the bees are angry"


@pytest.mark.process
def test_below_a_service_a_terminal_is_still_a_terminal(tmp_path: Path) -> None:
    program = ("import logging; from beemon.system import service; service.start_log(); "
               "logging.info('x')")
    said = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "JOURNAL_STREAM": "8:12345"},
        capture_output=True, text=True, check=True,
    ).stderr
    assert said[8:] == " x\n"


def test_journal_fields_are_texts_and_leave_out_what_is_not_known() -> None:
    assert service.fields(job=17, outcome="done") == {"JOB": "17", "OUTCOME": "done"}
