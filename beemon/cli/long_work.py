"""Long work: it runs at idle priority, shows its progress on a terminal, and ends well at Ctrl-C.

The work has a thread of its own. So a statement of SQLite delays neither the display nor Ctrl-C,
and the work stops only between its steps.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from beemon.base.progress import Progress
from beemon.cli import layout

T = TypeVar("T")

QUIET_SECONDS = 1.0
"""Shorter work shows no progress."""
_LOOK_SECONDS = 0.2
"""The time between two looks at the progress, and at Ctrl-C."""


def run(work: Callable[[Progress], T], stopped: str) -> T:
    """Return the result of ``work``. Raises its errors.

    If Ctrl-C ends the work early, the error message ``stopped`` is printed, and
    ``KeyboardInterrupt`` is raised.
    """
    progress, is_stopping = Progress(), threading.Event()
    with _at_ctrl_c(is_stopping.set), ThreadPoolExecutor(1, initializer=_be_idle) as threads:
        future = threads.submit(work, progress)
        try:
            _wait(future, progress, is_stopping, is_terminal=sys.stderr.isatty())
        finally:
            progress.stop()  # if that failed, the end of the thread would be waited for in vain
    if is_stopping.is_set() and future.exception() is not None:
        layout.complain(stopped)
        raise KeyboardInterrupt
    return future.result()


@contextlib.contextmanager
def _at_ctrl_c(act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` at Ctrl-C instead of raising an error, unless Ctrl-C is ignored anyway."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _wait(
    future: Future[T], progress: Progress, is_stopping: threading.Event, *, is_terminal: bool
) -> None:
    """Return at the end of the work, which is shown and stopped meanwhile."""
    began, width = time.monotonic(), 0
    while wait([future], _LOOK_SECONDS).not_done:
        if is_stopping.is_set():
            progress.stop()
        seconds = time.monotonic() - began
        if is_terminal and seconds > QUIET_SECONDS:
            width = _show(f"{progress.says}, {seconds:.0f} s", width)
    if width:
        _show("", width)


def _show(says: str, width: int) -> int:
    """Write a line over the one before, which had a ``width``; return the new width."""
    columns = (layout.width_of(sys.stderr) or layout.USUAL_WIDTH) - 1
    line = layout.plain(says, sys.stderr.encoding)[:columns]
    end = "" if line else "\r"
    print(f"\r{line.ljust(min(width, columns))}", end=end, file=sys.stderr, flush=True)
    return len(line)


def _be_idle() -> None:
    """Let this thread, and the programs that it starts, run when nothing else wants to.

    The kernel derives its priority at the disk from this one.
    """
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
