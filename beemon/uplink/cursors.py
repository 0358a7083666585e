"""Cursors: the position of each destination in the changes of the ledger."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from beemon.base.facts import JsonObject
from beemon.ledger.changes import Cursor
from beemon.uplink import kept

SAVE_SECONDS = 300.0
"""The longest time that an acknowledged cursor is not saved: a save writes to the card. After a
power cut the records of that time are delivered again."""


class CursorFile:
    """The cursor of one destination. A missing or damaged file means: from the beginning."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.cursor = _parse(kept.read(file))
        self._saved, self._saved_at = self.cursor, time.monotonic()

    def advance(self, cursor: Cursor, *, at_once: bool) -> None:
        """Acknowledge everything up to here; save it ``at_once``, or soon. Raises ``OSError``."""
        self.cursor = cursor
        if at_once or time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Save it durably, unless it is saved. Raises ``OSError``."""
        if self.cursor is None or self.cursor == self._saved:
            return
        kept.write(self._file, dataclasses.asdict(self.cursor))
        self._saved, self._saved_at = self.cursor, time.monotonic()


def _parse(content: JsonObject) -> Cursor | None:
    numbers = {name: value for name, value in content.items() if type(value) is int}
    try:
        return Cursor(**numbers)
    except TypeError:
        return None
