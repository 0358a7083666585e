"""Long work: it shows its progress on a terminal; work on the archive runs at idle priority.

The progress is one line on standard error, which a thread draws until the end. Work on the archive
has a thread of its own, too. So a statement of SQLite does not delay Ctrl-C, and the work stops
only between its steps. SIGTERM, and a terminal that is closed, stop it like Ctrl-C.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from beemon.base.progress import Progress
from beemon.cli import layout
from beemon.cli.paper import Paper, columns
from beemon.system import processes

T = TypeVar("T")

QUIET_SECONDS = 1.0
"""Shorter work shows no progress."""
_LOOK_SECONDS = 0.2
"""The time between two looks at the progress, and at Ctrl-C."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(work: Callable[[Progress], T], stopped: str) -> T:
    """Return the result of ``work``, at idle priority. Raises its errors.

    If a signal ends the work early, the error message ``stopped`` is printed, and
    ``KeyboardInterrupt`` or ``SystemExit`` is raised.
    """
    from concurrent.futures import ThreadPoolExecutor, wait  # the other function needs none

    progress = Progress()
    told: list[int] = []
    with _at_the_end(told.append), ThreadPoolExecutor(1, initializer=processes.be_idle) as threads:
        future = threads.submit(work, progress)
        try:
            with shown(progress):
                while wait([future], _LOOK_SECONDS).not_done:
                    if told:
                        progress.stop()
        finally:
            progress.stop()  # if that failed, the end of the thread would be waited for in vain
    if told and future.exception() is not None:
        layout.complain(stopped)
        _end(told[0])
    return future.result()


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """Within this context SIGTERM, and a terminal that is closed, raise ``SystemExit``."""
    with _at_the_end(_end):
        yield


@contextlib.contextmanager
def shown(
    progress: Progress | str, seconds: float | None = None, *, is_wanted: bool = True
) -> Iterator[ProgressLine]:
    """Show the progress of this context, or a text, on a terminal, unless it is not wanted.

    ``seconds`` is the expected duration.
    """
    if isinstance(progress, str):
        text, progress = progress, Progress()
        progress.tell(text)
    line = ProgressLine(progress, seconds)
    if not (is_wanted and sys.stderr.isatty()):
        yield line
        return
    line.begin()
    try:
        yield line
    finally:
        line.end()


class ProgressLine:
    """A line on standard error with the progress and its time in seconds, drawn by a thread."""

    def __init__(self, progress: Progress, seconds: float | None) -> None:
        self._progress, self._seconds = progress, seconds
        self._width = 0
        self._mutex = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)

    def begin(self) -> None:
        """Show the line from its second second on."""
        self._thread.start()

    def end(self) -> None:
        """Remove the line."""
        self._is_over.set()
        self._thread.join()
        self._clear()

    def say(self, *parts: layout.Part) -> None:
        """Print parts to standard output in the place of the line, which then stands below."""
        with self._mutex:
            self._clear()
            layout.say(*parts)

    def _draw(self) -> None:
        began = time.monotonic()
        while not self._is_over.wait(_LOOK_SECONDS):
            passed = time.monotonic() - began
            if passed > QUIET_SECONDS:
                with self._mutex:
                    self._show(self._progress.says, f", {_duration(passed, self._seconds)}")

    def _show(self, says: str, time_text: str = "") -> None:
        """Write a text and the time over those before; if both do not fit, the text is cut."""
        most = (layout.width_of(sys.stderr) or layout.USUAL_WIDTH) - 1
        paper = Paper(most, 1, sys.stderr.encoding)
        line = paper.cut(says, max(0, most - len(time_text))) + time_text[:most]
        width = columns(line)
        spaces = " " * (min(self._width, most) - width)
        print(f"\r{line}{spaces}", end="" if line else "\r", file=sys.stderr, flush=True)
        self._width = width

    def _clear(self) -> None:
        if self._width:
            self._show("")


def _duration(passed: float, expected: float | None) -> str:
    """The time that has passed, and the expected time as long as that is longer: in seconds."""
    of = f" of {expected:.0f}" if expected is not None and passed < expected else ""
    return f"{passed:.0f}{of} s"


@contextlib.contextmanager
def _at_the_end(act: Callable[[int], None]) -> Iterator[None]:
    """Call ``act`` with a signal that ends a program, unless that is ignored, or used, anyway."""
    before = {one: signal.getsignal(one) for one in _ENDING}
    used = [one for one, found in before.items()
            if found in (signal.SIG_DFL, signal.default_int_handler)]
    for one in used:
        signal.signal(one, lambda number, _: act(number))
    try:
        yield
    finally:
        for one in used:
            signal.signal(one, before[one])


def _end(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
