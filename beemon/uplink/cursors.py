"""Cursors: the position of each destination in the changes of the ledger."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from pathlib import Path

from beemon.base.facts import JsonObject
from beemon.ledger.changes import Cursor
from beemon.uplink import kept

SAVE_SECONDS = 300.0
"""The longest time that an acknowledged cursor is not saved: a save writes to the card. After a
power cut the records of that time are delivered again."""


_PLACE = "place"
_LARGEST = 2**63 - 1
"""No number of a ledger is larger."""


class CursorFile:
    """The cursor of one destination at one place, its address there.

    A missing or damaged file, or that of another place, means: from the beginning.

    A disk that is full or read-only keeps nothing from being delivered; it is the ``trouble``.
    """

    def __init__(self, file: Path, place: str | None) -> None:
        self.place, self._mark = place, _mark(place)
        self._keeper = kept.Keeper(file, "everything is delivered, but after a restart again")
        content = kept.read(file)
        is_here = content.get(_PLACE, self._mark) == self._mark
        self.cursor = _parse(content) if is_here else None
        self._saved, self._tried_at = self.cursor, time.monotonic()

    @property
    def trouble(self) -> str | None:
        """The reason why it is not saved."""
        return self._keeper.trouble

    def advance(self, cursor: Cursor, *, at_once: bool) -> None:
        """Acknowledge everything up to here; save it ``at_once``, or soon."""
        self.cursor = cursor
        if at_once or time.monotonic() - self._tried_at >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Save it durably, unless it is saved."""
        if self.cursor is None or self.cursor == self._saved:
            return
        self._tried_at = time.monotonic()
        if self._keeper.keep({**dataclasses.asdict(self.cursor), _PLACE: self._mark}):
            self._saved = self.cursor


def _mark(place: str | None) -> str | None:
    """A short hash of a place: it may have a secret in it."""
    return None if place is None else hashlib.sha256(place.encode()).hexdigest()[:16]


def _parse(content: JsonObject) -> Cursor | None:
    numbers = {
        name: value for name, value in content.items()
        if type(value) is int and -_LARGEST - 1 <= value <= _LARGEST
    }
    try:
        return Cursor(**numbers)
    except TypeError:
        return None
