"""`beemon watch` on a real terminal, with a real service that is killed and comes back."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hive import PATIENCE_SECONDS, SHORT_SLOTS, Hive, until

PROJECT = Path(__file__).parents[2]
_STEERS = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")
_CURSOR, _SECOND_SCREEN = "25", "1049"

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watch")


@pytest.fixture(scope="module")
def hive(folder: Path) -> Iterator[Hive]:
    with Hive(folder, SHORT_SLOTS) as hive:
        yield hive


class Terminal:
    """A terminal of 80 columns with `beemon watch`; understands what that sends, and no more."""

    def __init__(self, hive: Hive, *words: str, **environment: str) -> None:
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self._told = b""
        self._draw("")
        self.resize(80, 24)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "beemon", "watch", *words, "--config", str(hive.config)],
            stdin=self.theirs, stdout=self.theirs, stderr=self.theirs, start_new_session=True,
            env={**hive.environment, "TERM": "xterm", "PYTHONPATH": str(PROJECT), **environment},
        )

    def resize(self, columns: int, lines: int) -> None:
        """Give it another size, as a window does."""
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    def until(self, condition: Callable[[], bool]) -> None:
        """Read until the screen shows something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self._read(deadline - time.monotonic()), f"{self.text}\n{self.lines}"

    def shows(self, *texts: str) -> None:
        """Read until the screen shows all these texts."""
        self.until(lambda: all(text in self.text for text in texts))

    def end(self) -> int:
        """Read until the program has ended; its exit status."""
        while self.process.poll() is None or select.select([self.ours], [], [], 0)[0]:
            self._read(0.1)
        return self.process.returncode

    def is_restored(self) -> bool:
        """Whether the terminal is as it was before."""
        return (
            self.modes == {_CURSOR: True, _SECOND_SCREEN: False}
            and termios.tcgetattr(self.theirs) == self.before
        )

    def state(self) -> str:
        """The state of the process, in one letter: see proc(5)."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2][0]

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.rows.get(row, "") for row in range(1, max(self.rows, default=0) + 1))

    def _read(self, seconds: float) -> bool:
        if not select.select([self.ours], [], [], max(0.0, seconds))[0]:
            return False
        self._told += os.read(self.ours, 65536)
        self._draw(self._told.decode(errors="ignore"))
        return True

    def _draw(self, told: str) -> None:
        """Carry out all that was sent since the begin: the last piece may have ended anywhere."""
        self.rows: dict[int, str] = {}
        self.lines, self.modes = "", {_CURSOR: True, _SECOND_SCREEN: False}
        at, row = 0, 0
        for found in _STEERS.finditer(told):
            self._put(row, told[at:found.start()])
            at, (private, value, act) = found.end(), found.groups()
            if private:
                self.modes[value] = act == "h"
                row = 0
            elif act == "H":
                row = int(value.partition(";")[0])
                self.rows[row] = ""
            elif act == "J":
                self.rows = {}
                row = 0
        self._put(row, told[at:])

    def _put(self, row: int, text: str) -> None:
        if row:
            self.rows[row] += text
        else:
            self.lines += text


@pytest.fixture
def at_terminal(hive: Hive) -> Iterator[Callable[..., Terminal]]:
    with contextlib.ExitStack() as ending:
        def begin(*words: str, **environment: str) -> Terminal:
            terminal = Terminal(hive, *words, **environment)
            for close in (terminal.ours, terminal.theirs):
                ending.callback(os.close, close)
            ending.callback(terminal.process.wait)
            ending.callback(terminal.process.kill)
            return terminal

        yield begin


def test_a_killed_service_is_said_and_comes_back(
    hive: Hive, at_terminal: Callable[..., Terminal]
) -> None:
    terminal = at_terminal()
    terminal.shows("test-hive is ", "microphone.brood  ", "sensor.climate  ", " kg, ")
    assert terminal.modes == {_CURSOR: False, _SECOND_SCREEN: True}
    assert hive.process is not None
    hive.process.kill()
    hive.process.wait()
    terminal.shows("test-hive has not answered since ", "OLD VALUES, from ", "sensor.climate  ")
    hive.start()
    terminal.until(lambda: "OLD VALUES" not in terminal.text and "has not" not in terminal.text)
    terminal.shows("test-hive is ", " kg, ")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert terminal.is_restored()
    assert "Traceback" not in terminal.lines


def test_a_resized_window_is_drawn_again_and_sigterm_restores_the_terminal(
    at_terminal: Callable[..., Terminal],
) -> None:
    terminal = at_terminal()
    terminal.shows("device            state")
    terminal.resize(40, 24)
    terminal.shows("device       last value       age   next")
    assert all(len(row) <= 40 for row in terminal.text.splitlines())
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 128 + signal.SIGTERM
    assert terminal.is_restored()


def test_a_line_for_argparse_draws_too_and_the_key_q_ends_it(
    hive: Hive, at_terminal: Callable[..., Terminal]
) -> None:
    terminal = at_terminal("--host", "127.0.0.1", "--port", str(hive.port), TZ="Asia/Kolkata")
    terminal.shows("device            state", " +05:30\n")
    os.write(terminal.ours, b"xQ")
    assert terminal.end() == 0
    assert terminal.is_restored()


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(
    at_terminal: Callable[..., Terminal],
) -> None:
    terminal = at_terminal()
    terminal.shows("device            state")
    terminal.process.send_signal(signal.SIGTSTP)
    until(lambda: terminal.state() == "T")
    terminal.until(terminal.is_restored)
    terminal.process.send_signal(signal.SIGCONT)
    terminal.until(lambda: terminal.modes == {_CURSOR: False, _SECOND_SCREEN: True})
    terminal.shows("device            state")


def test_a_terminal_without_a_second_screen_gets_lines(
    at_terminal: Callable[..., Terminal],
) -> None:
    terminal = at_terminal(TERM="dumb")
    terminal.until(lambda: re.search(r"\d\d:\d\d:\d\dZ job \d+ \(", terminal.lines) is not None)
    assert "\x1b" not in terminal.lines
