"""Inspection: whether the beekeeper is at the hive, so that what is measured is not the colony's.

While it is on, recorders are left alone (people are in the picture), and what sensors say is
marked. It ends by itself, for a beekeeper who forgot to end it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from beemon.base import clock
from beemon.base.clock import Stamp
from beemon.base.readings import Reading
from beemon.ledger.inspections import LONGEST_SECONDS, Begun

REASON = "inspection"
"""The reason of a slot that it skips, and the quality of a reading that it marks."""


class Inspection:
    """Is on or off."""

    def __init__(self) -> None:
        self._begun: Begun | None = None
        self._over_at = 0.0

    @property
    def is_on(self) -> bool:
        """Whether one is on."""
        return self._begun is not None

    def resume(self, begun: Begun | None, now: float) -> None:
        """Go on with what an earlier run began; ``now`` is monotonic."""
        self._begun = begun
        self._over_at = now + begun.seconds_left if begun else 0.0

    def begin(self, note: str, now: Stamp) -> None:
        """Begin; one that is on already lasts longer."""
        self.resume(Begun(now.utc_us, LONGEST_SECONDS, note), now.monotonic)

    def end(self) -> None:
        """End, if one is on."""
        self._begun = None

    def is_overdue(self, now: float) -> bool:
        """Whether it lasted so long that somebody forgot to end it; ``now`` is monotonic."""
        return self.is_on and now >= self._over_at

    def describe(self, now: float) -> dict[str, Any] | None:
        """What `status` says of it; None where none is on."""
        if self._begun is None:
            return None
        note = {"note": self._begun.note} if self._begun.note else {}
        left = round(self._over_at - now)
        return {"begun": clock.iso(self._begun.utc_us), "ends_in_seconds": left, **note}

    def marked(self, readings: Iterable[Reading]) -> list[Reading]:
        """The readings, with a quality that tells of the inspection where one is on."""
        return marked(readings) if self.is_on else list(readings)


def marked(readings: Iterable[Reading]) -> list[Reading]:
    """The readings, with a quality that tells that the hive was open."""
    return [
        dataclasses.replace(reading, quality=REASON) if _is_good(reading) else reading
        for reading in readings
    ]


def _is_good(reading: Reading) -> bool:
    return reading.value is not None and reading.quality == "good"
