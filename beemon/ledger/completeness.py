"""Completeness: of all slots that were due, how many have which outcome, and whether it adds up.

The rows are counted, and what was due is calculated once more from the schedules alone: the two
agree unless something was lost. Spans of which it is not known what was due are named.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict

from beemon.base import moments
from beemon.base.clock import Quality
from beemon.base.outcomes import Outcome
from beemon.ledger import rows, slots
from beemon.ledger.events import Readable
from beemon.protocol.replies import Completeness, SlotCounts, Unaccounted

OPEN = "open"
"""The state of a slot whose job has no outcome yet."""

Counts = dict[str, Counter[tuple[str, str | None]]]
"""For each device: the number of slots by outcome and reason."""


def of(ledger: Readable, since_us: int = 0) -> Completeness:
    """The slots later than ``since_us``, up to where they are accounted for, as clients see them.

    Raises ``sqlite3.OperationalError``.
    """
    with rows.one_moment(ledger.db):
        account = slots.last_account(ledger)
        until_us = account.until_us if account else since_us
        counts = _count(ledger.db, since_us)
        recount = _recount(ledger.db, since_us, until_us)
        unslotted = _count_unslotted(ledger.db, since_us)
        unknown = [*_unaccounted(ledger.db, since_us), *_unaccounted_now(ledger.db)]
        (first_us,) = ledger.db.execute("SELECT min(from_us) FROM sound_schedules").fetchone()
    devices = {
        device: _described(counts[device], recount.get(device, 0))
        for device in sorted(counts.keys() | recount.keys())
    }
    return Completeness(
        since=moments.iso(since_us),
        first=None if first_us is None else moments.iso(first_us),
        until=moments.iso(until_us),
        devices=devices,
        unslotted=unslotted,
        unaccounted=tuple(unknown),
        adds_up=all(device.adds_up for device in devices.values()),
    )


def devices_of(command: str) -> list[str]:
    """The devices that have a slot in a scheduled command: a `read` names several."""
    verb, *words = command.split()
    return words if verb == "read" else words[:1]


def _count(db: sqlite3.Connection, since_us: int) -> Counts:
    counts: Counts = defaultdict(Counter)
    for row in db.execute(
        "SELECT command, outcome, reason, count(*) AS slots, CASE WHEN outcome <> 'done'"
        " AND json_valid(facts) THEN json_extract(facts, '$.lacking') END AS lacking"
        " FROM sound_jobs WHERE slot_us > ? GROUP BY command, outcome, reason, lacking",
        (since_us,),
    ):
        lacking = rows.parse(row["lacking"]) if row["lacking"] else None
        for device in devices_of(row["command"]):
            counts[device][_outcome_of(device, row, lacking)] += row["slots"]
    for row in db.execute(
        "SELECT skips.*, definition FROM sound_skips AS skips JOIN sound_schedules USING (schedule)"
        " WHERE last_us > ?", (since_us,),
    ):
        counts[row["device"]][Outcome.SKIPPED.value, row["reason"]] += _slots_since(row, since_us)
    return counts


def _outcome_of(
    device: str, row: sqlite3.Row, lacking: dict[str, str] | None
) -> tuple[str, str | None]:
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


def _slots_since(row: sqlite3.Row, since_us: int) -> int:
    if row["first_us"] > since_us:
        return int(row["slots"])
    return _between(row["definition"], since_us, row["last_us"]) or 0


def _recount(db: sqlite3.Connection, since_us: int, until_us: int) -> dict[str, int | None]:
    """The number of slots that were due by the schedules, whatever their outcome; None if unknown.
    """
    due: dict[str, int | None] = defaultdict(int)
    for row in db.execute("SELECT * FROM sound_schedules"):
        end = until_us if row["until_us"] is None else row["until_us"]
        found = _between(row["definition"], max(since_us, row["from_us"]), end)
        before = due[row["device"]]
        due[row["device"]] = None if before is None or found is None else before + found
    return dict(due)


def _between(definition: str, after_us: int, until_us: int) -> int | None:
    """The number of slots; None if the definition is not valid on this machine."""
    try:
        found = slots.between(definition, after_us, until_us)
    except ValueError:
        return None
    return found.slots if found else 0


def _count_unslotted(db: sqlite3.Connection, since_us: int) -> dict[str, int]:
    """The outcomes of scheduled commands that ran without a slot, while the clock was not right."""
    return {
        row["outcome"] or OPEN: row["jobs"]
        for row in db.execute(
            "SELECT outcome, count(*) AS jobs FROM sound_jobs"
            " WHERE origin = 'schedule' AND slot_us IS NULL AND accepted_us > ?"
            " GROUP BY outcome ORDER BY outcome",
            (since_us,),
        )
    }


def _unaccounted(db: sqlite3.Connection, since_us: int) -> list[Unaccounted]:
    told = db.execute(
        "SELECT device, facts FROM sound_events WHERE kind = ? ORDER BY event", (slots.UNACCOUNTED,)
    )
    found = [(row["device"], rows.parse(row["facts"])) for row in told]
    return [
        Unaccounted(
            moments.iso(facts["from_us"]), facts["why"], moments.iso(facts["until_us"]), device
        )
        for device, facts in found if facts["until_us"] > since_us
    ]


def _unaccounted_now(db: sqlite3.Connection) -> list[Unaccounted]:
    """The present period without slots, as its event will name it once the clock is right."""
    run = db.execute("SELECT * FROM sound_runs ORDER BY run DESC LIMIT 1").fetchone()
    if run is None or run["accounted_us"] is not None or run["clock"] != Quality.UNSURE:
        return []
    (first_us,) = db.execute(
        "SELECT started_us FROM sound_runs WHERE run >"
        " (SELECT coalesce(max(run), 0) FROM sound_runs WHERE accounted_us IS NOT NULL)"
        " ORDER BY run LIMIT 1"
    ).fetchone()
    return [Unaccounted(moments.iso(first_us), "the clock is not right yet")]


def _described(counts: Counter[tuple[str, str | None]], recount: int | None) -> SlotCounts:
    outcomes = dict.fromkeys((*map(str, Outcome), OPEN), 0)
    reasons: dict[str, dict[str, int]] = defaultdict(dict)
    for (outcome, reason), times in counts.most_common():
        outcomes[outcome] += times
        if reason:
            reasons[outcome][reason] = times
    due = counts.total()
    return SlotCounts(
        due=due, **outcomes, reasons=dict(reasons), recount=recount, adds_up=due == recount
    )
