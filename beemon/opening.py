"""Opening: the archive is taken at the start, or tried again until its disk lets it.

A service that cannot write is of some use all the same: it says so to whoever asks. So a disk that
is full, read-only or failing does not end it, and once the disk is well everything begins.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from beemon.archive import access
from beemon.archive.lock import ArchiveBusyError
from beemon.reports import Trouble

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 10.0
"""Each attempt that fails doubles the wait, up to this."""


class Opening:
    """Calls ``attempt``, which raises ``OSError`` or ``sqlite3.Error`` where the disk is to blame.

    Where it has to be repeated, a thread calls ``begin`` after it, and then ``stay``: what was
    begun dies with the thread that did it (PDEATHSIG). ``failed`` gets what ends the service
    after all: another beemon has the archive. ``tried`` is called after each attempt that failed.
    ``archive`` returns the archive's folder.
    """

    def __init__(
        self,
        attempt: Callable[[], None],
        begin: Callable[[], None],
        stay: Callable[[], None],
        failed: Callable[[Exception], None],
        tried: Callable[[], None],
        archive: Callable[[], Path],
        *,
        first_retry_seconds: float = FIRST_RETRY_SECONDS,
    ) -> None:
        self.trouble: Trouble | None = None
        self._attempt, self._begin, self._stay = attempt, begin, stay
        self._failed, self._tried = failed, tried
        self._archive = archive
        self._delay = first_retry_seconds
        self._given_up = threading.Event()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._try_again, name="opening", daemon=True)

    def at_once(self) -> bool:
        """Attempt it now, in the caller's thread; whether it succeeded.

        Raises :class:`~beemon.archive.lock.ArchiveBusyError`.
        """
        try:
            self._attempt()
        except ArchiveBusyError:
            raise
        except (OSError, sqlite3.Error) as error:
            self._tell(Trouble("ledger", _said(error), _remedy(self._archive(), error)))
            self._tried()
            return False
        self._tell(None)
        return True

    def go_on(self) -> None:
        """Attempt it again and again, then begin."""
        self._thread.start()

    def give_up(self, seconds: float) -> None:
        """Begin nothing more; wait for what is being begun."""
        self._given_up.set()
        if self._thread.is_alive():
            self._settled.wait(seconds)

    def _try_again(self) -> None:
        try:
            while not self._given_up.wait(self._delay):
                self._delay = min(2 * self._delay, LAST_RETRY_SECONDS)
                if self.at_once():
                    self._begin()
                    break
            else:
                return
        except ArchiveBusyError as error:
            self._failed(error)
            return
        finally:
            self._settled.set()
        self._stay()

    def _tell(self, trouble: Trouble | None) -> None:
        if trouble == self.trouble:
            return
        self.trouble = trouble
        if trouble:
            log.error("%s; no command is accepted until it can be used", trouble)
        else:
            log.info("the archive can be used again")


def _said(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"the archive cannot be opened: {error.strerror}: {error.filename}"
    return str(error)


def _remedy(archive: Path, error: Exception) -> str:
    try:
        return access.remedy(archive, error)
    except OSError as trouble:
        log.debug("no remedy is known: %s", trouble)
        return ""
