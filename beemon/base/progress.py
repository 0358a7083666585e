"""Progress: the state of a long piece of work, for another thread that shows it or stops the work.

The work stops when it next tells its progress, or within a statement of SQLite.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StoppedError(Exception):
    """The work was asked to stop before it was done."""


class Progress:
    """The progress of one piece of work. ``says`` is a text for a person."""

    def __init__(self) -> None:
        self.says = ""
        self._is_stopped = False
        self._mutex = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []

    def tell(self, doing: str, done: int | None = None, of: int | None = None) -> None:
        """Name the present step, or the number of things that are ``done``, and of all of them.

        Raises :class:`StoppedError` if the work is to stop.
        """
        if self._is_stopped:
            raise StoppedError
        count = "" if done is None else f"{done:,} "
        self.says = f"{count}{'' if of is None else f'of {of:,} '}{doing}"

    def stop(self) -> None:
        """Ask the work to stop; to be repeated until it did."""
        self._is_stopped = True
        with self._mutex:
            for interrupt in self._interrupts:
                interrupt()

    @contextmanager
    def stopping(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Within this context ``interrupt`` is called to end what takes long by itself.

        Raises :class:`StoppedError` instead of an error that comes of it.
        """
        with self._mutex:
            self._interrupts.append(interrupt)
        try:
            yield
        except Exception as error:
            if self._is_stopped:
                raise StoppedError from error
            raise
        finally:
            with self._mutex:
                self._interrupts.remove(interrupt)
