"""Opening: each part that the service needs is opened at the start, or retried until it succeeds.

A service that cannot write its archive, or cannot listen on its address, is still useful. It
therefore keeps running, reports the problem, and continues by itself once the problem is solved.
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from beemon.protocol.reports import Trouble
from beemon.server.ending import Ending

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 10.0
"""Each attempt that fails doubles the wait, up to this."""


class Part(Protocol):
    """A part to open. The log states the consequence, ``meanwhile``, while this fails."""

    name: str
    meanwhile: str

    def open(self) -> Trouble | None:
        """Attempt it; return the problem. Raises the ``OSError`` that ends the service."""

    def tell(self, trouble: Trouble | None) -> None:
        """Report the result of an attempt."""

    def begin(self) -> None:
        """Begin its work: it is open after a repeated attempt."""

    def stay(self) -> None:
        """Return when the thing begun has ended. Raises ``OSError`` if it failed."""


class Opening:
    """Attempts to open a part, repeatedly until it succeeds.

    The thread that repeats it then calls ``begin`` and ``stay``. An ``OSError`` there is a failure:
    the ``ending`` begins.
    """

    def __init__(
        self, part: Part, ending: Ending, first_retry_seconds: float = FIRST_RETRY_SECONDS
    ) -> None:
        self.trouble: Trouble | None = None
        self._part, self._ending = part, ending
        self._first_retry_seconds = first_retry_seconds
        self._delay = 0.0
        self._given_up = threading.Event()
        self._attempted = threading.Event()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._try_again, name=part.name, daemon=True)

    def at_once(self) -> bool:
        """Try to open it now, in the caller's thread; return whether that succeeded.

        Raises the ``OSError`` that opening raises.
        """
        self._tell(trouble := self._part.open())
        self._delay = max(self._first_retry_seconds, min(2 * self._delay, LAST_RETRY_SECONDS))
        self._part.tell(trouble)
        self._attempted.set()
        return trouble is None

    def go_on(self) -> None:
        """Try to open it in a thread of its own until that succeeds, then begin."""
        self._thread.start()

    def wait_for_attempt(self, seconds: float) -> None:
        """Return when it was tried once, but after ``seconds`` in any case."""
        self._attempted.wait(seconds)

    def give_up(self, seconds: float) -> None:
        """Begin nothing more; wait for the current attempt."""
        self._given_up.set()
        if self._thread.is_alive():
            self._settled.wait(seconds)

    def _try_again(self) -> None:
        try:
            while not self._given_up.wait(self._delay):
                if self.at_once():
                    self._part.begin()
                    break
            else:
                return
        except OSError as error:
            self._ending.fail(error)
            return
        finally:
            self._settled.set()
        try:
            self._part.stay()
        except OSError as error:
            self._ending.fail(error)

    def _tell(self, trouble: Trouble | None) -> None:
        if trouble == self.trouble:
            return
        self.trouble = trouble
        if trouble:
            log.error("%s; meanwhile %s", trouble, self._part.meanwhile)
