"""Screen: the whole terminal for a picture that changes, and given back as it was.

The picture is on the terminal's second screen, so the lines before it come back at the end, also
after an error, Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from types import FrameType

from beemon.cli.paper import Line, Paper

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"  # the second screen, no cursor, nothing on it
_LEAVE = "\x1b[999;1H\r\n\x1b[?25h\x1b[?1049l"
"""On the console, which has no second screen, the prompt comes below the picture."""
_LOUD, _QUIET = "\x1b[1m", "\x1b[0m"
_NO_SIZE = os.terminal_size((80, 24))
_WATCHED = {signal.SIGWINCH, signal.SIGTSTP}
EXIT_TERMINATED = 128 + signal.SIGTERM


def is_possible() -> bool:
    """Whether standard output is a terminal with a second screen."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


class Screen:
    """The terminal while it shows a picture. It raises ``SystemExit`` at SIGTERM."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._paper: Paper | None = None
        self._keys = _Keys()

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Within this context the terminal is this screen's."""
        before = signal.signal(signal.SIGTERM, _terminate)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        complaints = io.StringIO()  # such as of a config; they would break the picture
        try:
            with contextlib.redirect_stderr(complaints):
                self._keys.silence()
                _write(_ENTER)
                yield
        except Exception:
            sys.stderr.write(complaints.getvalue())
            raise
        finally:
            _write(_LEAVE)
            self._keys.restore()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            signal.signal(signal.SIGTERM, before)

    def has_key(self, key: str) -> bool:
        """Whether this key was pressed since the last look, among others."""
        return self._keys.has(key)

    def paper(self) -> Paper:
        """The size of the terminal now."""
        size = _NO_SIZE
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(sys.stdout.fileno())
        columns, lines = size.columns or _NO_SIZE.columns, size.lines or _NO_SIZE.lines
        return Paper(columns, lines, sys.stdout.encoding or "ascii")

    def draw(self, lines: Sequence[Line], paper: Paper) -> None:
        """Show these lines. Only those that changed are sent: a connection may be slow."""
        if paper != self._paper:
            self._paper, self._shown = paper, []
        told = [f"{_LOUD}{line.text}{_QUIET}" if line.is_loud else line.text for line in lines]
        text = "" if self._shown else "\x1b[2J"
        was = [*self._shown, *[""] * (len(told) - len(self._shown))]
        now = [*told, *[""] * (len(was) - len(told))]
        for row, (old, new) in enumerate(zip(was, now, strict=True), 1):
            if old != new:
                text += f"\x1b[{row};1H{new}\x1b[K"
        self._shown = told
        _write(text)

    def pause(self, seconds: float) -> None:
        """Wait for this long, or until the terminal has another size."""
        got = signal.sigtimedwait(_WATCHED, max(0.0, seconds))
        if got and got.si_signo == signal.SIGTSTP:
            self._stop()

    def _stop(self) -> None:
        """Give the terminal to the shell, as at Ctrl-Z, until the shell continues this program."""
        self._keys.restore()
        _write(_LEAVE)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._keys.silence()
        _write(_ENTER)
        self._paper = None


def seconds_to_next() -> float:
    """The time until the clock shows the next second."""
    return 1.0 - time.time() % 1.0


class _Keys:
    """The keyboard of the terminal, if there is one: no key is written to the screen."""

    def __init__(self) -> None:
        self._file = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._before = None if self._file is None else termios.tcgetattr(self._file)

    def silence(self) -> None:
        """Do not show the keys, and read them without Enter."""
        if self._file is not None:
            silent = termios.tcgetattr(self._file)
            silent[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(self._file, termios.TCSANOW, silent)

    def restore(self) -> None:
        """Leave the keyboard as it was, without what was typed meanwhile."""
        if self._file is not None and self._before is not None:
            termios.tcsetattr(self._file, termios.TCSAFLUSH, self._before)

    def has(self, key: str) -> bool:
        """Whether this key was pressed since the last look, among others."""
        if self._file is None or not select.select([self._file], [], [], 0)[0]:
            return False
        return key.encode() in os.read(self._file, 1024).lower()


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(EXIT_TERMINATED)


def _write(text: str) -> None:
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()
