"""Events in the ledger: things that happened to the hive or to beemon itself.

A kind is one word (``inspection``, ``clock``, ``deletion``, …); the message is a sentence for a
person, the facts are for programs.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Protocol

from beemon.base.clock import Quality, Stamp
from beemon.base.moments import iso
from beemon.base.values import value_class
from beemon.ledger import rows
from beemon.ledger.ledger import Ledger
from beemon.protocol.replies import EventFacts

HALT = "halt"
"""The kind of the events about powering the machine off; ``wake`` is the time at which it is to
start again, or None."""
_KINDS = """
WITH RECURSIVE found (kind) AS (
    SELECT min(kind) FROM sound_events WHERE kind >= ''
    UNION ALL
    SELECT (SELECT min(kind) FROM sound_events AS later WHERE later.kind > found.kind)
    FROM found WHERE kind IS NOT NULL
) SELECT kind FROM found WHERE kind IS NOT NULL
"""
"""From each kind to the next in the index, whatever the number of events."""


class Readable(Protocol):
    """A ledger to read in: a ``Ledger`` or a ``LedgerReader``."""

    db: sqlite3.Connection


@value_class
class Event:
    """One event as the ledger holds it; ``run`` tells in which boot its monotonic time counts."""

    number: int
    run: int
    at: Stamp
    kind: str
    device: str | None
    message: str
    facts: Mapping[str, Any]


def enter(
    ledger: Ledger,
    kind: str,
    message: str,
    device: str | None = None,
    /,
    *,
    at: Stamp | None = None,
    **facts: Any,
) -> int:
    """Enter what happened now, or at another moment of this boot; return the event's number.

    The facts may have any names, also ``kind`` and ``device``. Stands within
    ``ledger.transaction()``. Raises ``sqlite3.OperationalError``.
    """
    utc_us, monotonic, quality = at or ledger.clock.stamp()
    cursor = ledger.db.execute(
        "INSERT INTO events (run, utc_us, monotonic, clock, kind, device, message, facts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ledger.run, utc_us, monotonic, quality, kind, device, message,
            json.dumps(facts) if facts else None,
        ),
    )
    return int(cursor.lastrowid or 0)


def latest(ledger: Readable, kind: str) -> Event | None:
    """The event of this kind that was entered last."""
    found = recent(ledger, 1, kind)
    return found[0] if found else None


def recent(ledger: Readable, count: int, kind: str | None = None) -> list[Event]:
    """The events that were entered last, of one kind or of all; the newest first."""
    found = ledger.db.execute(
        f"SELECT * FROM sound_events WHERE {_of(kind)} ORDER BY event DESC LIMIT :most",  # noqa: S608
        {"kind": kind, "most": count},
    )
    return list(rows.readable(found, of_row))


def since(ledger: Readable, from_us: int, most: int, kind: str | None = None) -> list[Event]:
    """The events from a time on, of one kind or of all; the newest ``most``, in order of time."""
    found = ledger.db.execute(
        f"SELECT * FROM sound_events WHERE utc_us >= :from AND {_of(kind)}"  # noqa: S608
        " ORDER BY utc_us DESC, event DESC LIMIT :most",
        {"from": from_us, "kind": kind, "most": most},
    ).fetchall()
    return list(rows.readable(reversed(found), of_row))


def find(ledger: Readable, number: int) -> Event | None:
    """The event of a number; None if it does not exist or cannot be read."""
    found = ledger.db.execute("SELECT * FROM sound_events WHERE event = ?", (number,)).fetchall()
    return next(rows.readable(found, of_row), None)


def kinds(ledger: Readable) -> list[str]:
    """The kinds of all events that were ever entered."""
    return [str(kind) for (kind,) in ledger.db.execute(_KINDS)]


def latest_of(ledger: Readable, kind: str, device: str) -> Event | None:
    """The event of this kind that was entered last for a device."""
    row = ledger.db.execute(
        "SELECT * FROM sound_events WHERE kind = ? AND device = ? ORDER BY event DESC LIMIT 1",
        (kind, device),
    ).fetchone()
    return next(rows.readable([row] if row else [], of_row), None)


def describe(event: Event) -> EventFacts:
    """An event as clients see it."""
    return EventFacts(
        event=event.number, utc=iso(event.at.utc_us), clock=event.at.quality.value,
        kind=event.kind, device=event.device, message=event.message, facts=event.facts,
    )


def _of(kind: str | None) -> str:
    """The condition on the kind; no index is used for one that allows for both cases."""
    return "1" if kind is None else "kind = :kind"


def of_row(row: sqlite3.Row) -> Event:
    """The event of a row. Raises one of :data:`~beemon.ledger.rows.UNREADABLE`."""
    return Event(
        number=row["event"],
        run=row["run"],
        at=Stamp(row["utc_us"], row["monotonic"], Quality(row["clock"])),
        kind=row["kind"],
        device=row["device"],
        message=row["message"],
        facts=rows.parse(row["facts"]),
    )
