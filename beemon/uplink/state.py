"""State: each destination's own state, in a file that `beemon status` and `beemon doctor` read."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from beemon.base import clock
from beemon.base.facts import to_json
from beemon.base.moments import iso
from beemon.base.status import DestinationStatus, UplinkStatus
from beemon.uplink import kept

log = logging.getLogger(__name__)

NAME = "state.json"
_WRITE_SECONDS = 30.0
"""The longest time between two writes: `beemon status` calls a report of a minute old."""
_MODE = 0o640  # for the service and the commands of the group


class States:
    """The states of all destinations, and their file; usable by any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mutex = threading.Lock()
        self._states: dict[str, DestinationStatus] = {}
        self._written: Mapping[str, DestinationStatus] | None = None
        self._written_at = 0.0
        self._failed = False

    def note(self, name: str, **changes: object) -> None:
        """Change the state of one destination; a change of its trouble is logged."""
        with self._mutex:
            before = self._states.get(name) or DestinationStatus(state="starting")
            after = replace(before, **changes)  # type: ignore[arg-type]
            if after.trouble != before.trouble:
                after = replace(after, since=iso(clock.now().utc_us))
                _log_change(name, before.trouble, after.trouble)
            self._states[name] = after

    def log_defect(self, name: str, error: Exception) -> str:
        """Log an unexpected exception, once while it comes again; return it as a trouble."""
        trouble = (
            f"defect: {type(error).__name__}: {error}; see: sudo journalctl -u beemon-uplink -p err"
        )
        before = self.seen().get(name)
        if before is None or before.trouble != trouble:
            log.error("%s has a defect", name, exc_info=error)
        return trouble

    def seen(self) -> Mapping[str, DestinationStatus]:
        """The states now."""
        with self._mutex:
            return dict(self._states)

    def write(self, *, at_once: bool = False) -> None:
        """Write the file, unless it has the same states and is not old."""
        now, states = time.monotonic(), self.seen()
        is_same = states == self._written and now - self._written_at < _WRITE_SECONDS
        if is_same and not at_once:
            return
        self._written, self._written_at = states, now
        status = UplinkStatus(at=iso(clock.now().utc_us), destinations=states)
        before, self._failed = self._failed, False
        try:
            kept.write(self._file, to_json(status), mode=_MODE, durably=False)
        except OSError as error:
            self._failed = True
            if not before:
                log.warning("the state of the uplink is not written: %s", error)


def _log_change(name: str, before: str | None, after: str | None) -> None:
    if after:
        log.warning("%s: %s", name, after)
    elif before:
        log.info("%s works again", name)
