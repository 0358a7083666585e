"""Completeness: of all slots that were due, how many have which outcome, and whether it adds up.

The slots are counted, and the number that was due is calculated once more from the schedules alone:
the two agree unless something was lost. Spans without a known schedule are named.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict

from beemon.base import moments
from beemon.base.clock import Quality
from beemon.base.outcomes import Outcome
from beemon.ledger import days, rows, slots
from beemon.ledger.counts import OPEN, State, between
from beemon.ledger.events import Readable
from beemon.protocol.replies import Completeness, SlotCounts, Unaccounted


def of(ledger: Readable, since_us: int = 0, *, by_rows: bool = False) -> Completeness:
    """The slots later than ``since_us``, up to where they are accounted for, as clients see them.

    ``by_rows``: no sums of past days are used. Raises ``sqlite3.OperationalError``.
    """
    with rows.one_moment(ledger.db):
        account = slots.last_account(ledger)
        until_us = account.until_us if account else since_us
        counts = days.count(ledger.db, since_us, by_rows=by_rows)
        recount = _recount(ledger.db, since_us, until_us)
        unknown = [*_unaccounted(ledger.db, since_us), *_unaccounted_now(ledger.db)]
        (first_us,) = ledger.db.execute("SELECT min(from_us) FROM sound_schedules").fetchone()
    devices = {
        device: _described(counts.devices[device], recount.get(device, 0))
        for device in sorted(counts.devices.keys() | recount.keys())
    }
    return Completeness(
        since=moments.iso(since_us),
        first=None if first_us is None else moments.iso(first_us),
        until=moments.iso(until_us),
        devices=devices,
        unslotted=dict(sorted(counts.unslotted.items())),
        unaccounted=tuple(unknown),
        adds_up=all(device.adds_up for device in devices.values()),
    )


def _recount(db: sqlite3.Connection, since_us: int, until_us: int) -> dict[str, int | None]:
    """The number of slots that were due by the schedules, whatever their outcome; None if unknown.
    """
    due: dict[str, int | None] = defaultdict(int)
    for row in db.execute("SELECT * FROM sound_schedules"):
        end = until_us if row["until_us"] is None else row["until_us"]
        found = between(row["definition"], max(since_us, row["from_us"]), end)
        before = due[row["device"]]
        due[row["device"]] = None if before is None or found is None else before + found
    return dict(due)


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


def _described(counts: Counter[State], recount: int | None) -> SlotCounts:
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
