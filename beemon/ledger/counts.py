"""Counts: the number of slots with each outcome, from the rows of jobs and of skipped slots."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from beemon.base.moments import LATEST_US, US_PER_DAY
from beemon.base.outcomes import Outcome
from beemon.base.values import value_class
from beemon.ledger import rows, slots

OPEN = "open"
"""The state of a slot whose job has no outcome yet."""
AFTER_ALL_US = LATEST_US + 1

State = tuple[str, str | None]
"""An outcome, or :data:`OPEN`, and its reason."""

_JOBS = """
SELECT command, outcome, reason, count(*) AS slots, CASE WHEN outcome <> 'done'
    AND json_valid(facts) THEN json_extract(facts, '$.lacking') END AS lacking
FROM sound_jobs WHERE slot_us > ? AND slot_us < ? GROUP BY command, outcome, reason, lacking
"""
_UNSLOTTED = """
SELECT outcome, count(*) AS jobs FROM sound_jobs
WHERE origin = 'schedule' AND slot_us IS NULL AND accepted_us > ? AND accepted_us < ?
GROUP BY outcome
"""
_SKIPS = """
SELECT device, reason, first_us, last_us, slots, definition FROM sound_skips AS skips JOIN (
    SELECT schedule, definition FROM sound_schedules) USING (schedule)
WHERE last_us > ? AND last_us < ? AND first_us / 86400000000 {IS} last_us / 86400000000
"""
_SKIPS_OF_ONE_DAY = _SKIPS.replace("{IS}", "=")
_LONG_SKIPS = _SKIPS.replace("{IS}", "<>")


@dataclass
class Counts:
    """For each device the number of slots by their state; and that of ``unslotted`` jobs, which
    the schedule asked for while the clock was not right."""

    devices: dict[str, Counter[State]] = field(default_factory=lambda: defaultdict(Counter))
    unslotted: Counter[str] = field(default_factory=Counter)

    def add_rows(self, db: sqlite3.Connection, after_us: int, until_us: int = AFTER_ALL_US) -> None:
        """Add those later than ``after_us`` and before ``until_us``.

        A series of skipped slots that has several days (UTC) is left out.
        """
        for row in db.execute(_JOBS, (after_us, until_us)):
            lacking = rows.parse(row["lacking"]) if row["lacking"] else None
            for device in devices_of(row["command"]):
                self.devices[device][_state_of(device, row, lacking)] += row["slots"]
        for outcome, jobs in db.execute(_UNSLOTTED, (after_us, until_us)):
            self.unslotted[outcome or OPEN] += jobs
        midnight_us = -(-until_us // US_PER_DAY) * US_PER_DAY
        for skip in _skips(db, _SKIPS_OF_ONE_DAY, after_us, midnight_us):
            self.add_skip(skip, after_us, until_us - 1)

    def add_skip(self, skip: Skipped, after_us: int, last_us: int) -> None:
        """Add the slots of a series that are later than ``after_us``, up to ``last_us``."""
        if count := skip.count_slots(after_us, last_us):
            self.devices[skip.device][Outcome.SKIPPED.value, skip.reason] += count


@value_class
class Skipped:
    """A series of skipped slots, and the definition of their schedule."""

    device: str
    reason: str
    first_us: int
    last_us: int
    slots: int
    definition: str

    def count_slots(self, after_us: int, last_us: int) -> int:
        """The number of its slots that are later than ``after_us``, up to ``last_us``."""
        if self.first_us > after_us and self.last_us <= last_us:
            return self.slots
        after_us, last_us = max(after_us, self.first_us - 1), min(last_us, self.last_us)
        return between(self.definition, after_us, last_us) or 0


def long_skips(db: sqlite3.Connection, after_us: int) -> list[Skipped]:
    """The series of several days that end later than ``after_us``."""
    return _skips(db, _LONG_SKIPS, after_us, AFTER_ALL_US)


def _skips(db: sqlite3.Connection, which: str, after_us: int, until_us: int) -> list[Skipped]:
    return [Skipped(*row) for row in db.execute(which, (after_us, until_us))]


def devices_of(command: str) -> list[str]:
    """The devices that have a slot in a scheduled command: a `read` names several."""
    verb, *words = command.split()
    return words if verb == "read" else words[:1]


def between(definition: str, after_us: int, until_us: int) -> int | None:
    """The number of slots; None if the definition is not valid on this machine."""
    try:
        found = slots.between(definition, after_us, until_us)
    except ValueError:
        return None
    return found.slots if found else 0


def _state_of(device: str, row: sqlite3.Row, lacking: dict[str, str] | None) -> State:
    """The outcome of a device's slot; for a `read`, it depends on the reading of each sensor."""
    if row["outcome"] is None:
        return OPEN, None
    if lacking is None:
        return row["outcome"], row["reason"]
    reason = lacking.get(device)
    if reason is None:
        return Outcome.DONE.value, None
    if reason == "busy":
        return Outcome.SKIPPED.value, reason
    is_cut = row["outcome"] == Outcome.INTERRUPTED and reason == row["reason"]
    return (Outcome.INTERRUPTED if is_cut else Outcome.FAILED).value, reason
