"""Slots in the ledger: each scheduled moment becomes exactly one job, or is skipped exactly once.

The slots found by one look at the timetable are entered in one transaction, together with the time
up to which all slots are entered. So a power cut cannot leave a look half entered. Slots between
this time and the next run of the service were missed. They are calculated and not listed: an
absence of a year takes one row per device.

Slots are entered only while the clock is reliable. Otherwise scheduled work runs without a slot,
and an event of the kind :data:`UNACCOUNTED` names the period.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from beemon.base import moments, schedule
from beemon.base.clock import Stamp
from beemon.base.outcomes import Ending
from beemon.base.values import value_class
from beemon.ledger import events
from beemon.ledger.ledger import Ledger

UNACCOUNTED = "unaccounted"
"""The kind of an event that names a span of time (``from_us``, ``until_us``) without account."""
_UNREADABLE = "the schedule of that time cannot be read"
LONGEST_GAP_US = 5 * 366 * moments.US_PER_DAY
"""A longer absence than this is a wrong clock's."""
_HALT_US = 300 * moments.US_PER_SECOND  # by then a machine that is told to power off has done so


class Series(NamedTuple):
    """Slots that follow each other: the first, the last (µs since 1970), and how many."""

    first_us: int
    last_us: int
    slots: int


@value_class
class Due:
    """A command that the schedule asks for; without ``slot_us`` if the clock is unsure."""

    command: str
    slot_us: int | None


@value_class
class Skip:
    """Slots of a device that are not run, and the reason."""

    device: str
    reason: str
    series: Series


@value_class
class Turn:
    """The device's span ends with ``until_us``; another begins after ``from_us``.

    Without a ``definition`` the device has no schedule from there on.
    """

    device: str
    until_us: int
    from_us: int
    definition: str | None


@value_class
class Begin:
    """The beginning of a run.

    ``since_us`` is the start of the run by the clock that is right now. If it is earlier than
    ``at_us``, the clock has become right only now, and ``commands`` ran without a slot.
    """

    since_us: int
    at_us: int
    definitions: Mapping[str, str]
    commands: int = 0


@value_class
class Unaccounted:
    """A period for which the due slots are unknown, and the reason."""

    from_us: int
    until_us: int
    why: str


Change = Begin | Skip | Turn | Unaccounted


@dataclass
class Tick:
    """The findings of one look at the timetable, for all slots up to ``accounted_us``.

    The order of ``changes`` matters: a skipped slot belongs to the period that is open at that
    point.
    """

    at: Stamp
    due: list[Due] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    accounted_us: int | None = None


class Account(NamedTuple):
    """The time up to which all slots are entered, and the run that entered them."""

    run: int
    until_us: int


class Downtime(NamedTuple):
    """A period in which nothing ran, and the reason of its slots."""

    reason: str
    after_us: int
    until_us: int


def each_between(definition: str, after_us: int, until_us: int) -> Iterator[int]:
    """The slots of a definition later than one time and not later than another, in microseconds.

    Raises ``ValueError`` if the definition is not valid on this machine.
    """
    known, there = schedule.recall(definition)
    after, until = moments.to_datetime(after_us), moments.to_datetime(until_us)
    for slot in schedule.each_slot(known, after, until, there):
        yield moments.to_microseconds(slot)


def enter(ledger: Ledger, tick: Tick) -> list[int]:
    """Enter all findings of a look; return the numbers of the jobs that are due.

    Call it within ``ledger.transaction()``. Raises ``sqlite3.OperationalError``.
    """
    _enter_changes(ledger, tick)
    jobs = [ledger.accept(due.command, "schedule", tick.at, due.slot_us) for due in tick.due]
    _enter_account(ledger, tick)
    return jobs


def enter_ended(ledger: Ledger, tick: Tick, job: int, ending: Ending) -> None:
    """:func:`enter` for a look that found one command, and for its end."""
    [due] = tick.due
    _enter_changes(ledger, tick)
    ledger.enter_ended(job, due.command, "schedule", tick.at, due.slot_us, ending)
    _enter_account(ledger, tick)


def _enter_changes(ledger: Ledger, tick: Tick) -> None:
    for change in tick.changes:
        _ENTER[type(change)](ledger, change)


def _enter_account(ledger: Ledger, tick: Tick) -> None:
    if tick.accounted_us is not None:
        ledger.db.execute(
            "UPDATE runs SET accounted_us = ?, accounted_clock = ? WHERE run = ?",
            (tick.accounted_us, tick.at.quality, ledger.run),
        )


def last_account(ledger: events.Readable) -> Account | None:
    """The latest account, of this run or of an earlier one."""
    row = ledger.db.execute(
        "SELECT run, accounted_us FROM sound_runs WHERE accounted_us IS NOT NULL"
        " ORDER BY run DESC LIMIT 1"
    ).fetchone()
    return Account(*row) if row else None


def between(definition: str, after_us: int, until_us: int) -> Series | None:
    """The slots of a definition later than one moment and up to another.

    Raises ``ValueError`` where the definition is not valid here.
    """
    of, zone = _recalled(definition)
    after, until = moments.to_datetime(after_us), moments.to_datetime(until_us)
    try:
        found = schedule.slots_between(of, after, until, zone)
    except ImportError as error:
        raise ValueError("the sun is not known without python3-ephem") from error
    if found is None:
        return None
    first_us, last_us = moments.to_microseconds(found.first), moments.to_microseconds(found.last)
    return Series(first_us, last_us, found.slots)


_recalled = lru_cache(256)(schedule.recall)


def _begin(ledger: Ledger, begin: Begin) -> None:
    """Account for the time since the last account, and go on from here."""
    open_rows = ledger.db.execute("SELECT * FROM sound_schedules WHERE until_us IS NULL").fetchall()
    last = last_account(ledger)
    until_us = begin.since_us
    if last is not None and (why := _why_it_cannot_be_counted(ledger, last, begin)):
        until_us = last.until_us
        enter_unaccounted(ledger, Unaccounted(until_us, begin.since_us, why))
    elif last is not None:
        for downtime in _downtimes(ledger, last, begin.since_us):
            for row in open_rows:
                _enter_downtime(ledger, row, downtime)
    if begin.since_us < begin.at_us:
        ran = f"{begin.commands} scheduled commands ran without a scheduled time"
        why = f"the clock was not right yet; {ran}"
        enter_unaccounted(ledger, Unaccounted(begin.since_us, begin.at_us, why))
    for turn in _first_turns(open_rows, begin, until_us):
        _enter_turn(ledger, turn)


def _first_turns(open_rows: list[sqlite3.Row], begin: Begin, until_us: int) -> Iterator[Turn]:
    """A span continues where neither the schedule nor the account's time broke off."""
    before = {row["device"]: row for row in open_rows}
    for device in before.keys() | begin.definitions.keys():
        row, definition = before.get(device), begin.definitions.get(device)
        goes_on = row and row["definition"] == definition and row["from_us"] <= begin.at_us
        if not goes_on or until_us != begin.at_us:
            end = max(until_us, row["from_us"]) if row else until_us
            yield Turn(device, end, begin.at_us, definition)


def _why_it_cannot_be_counted(ledger: Ledger, last: Account, begin: Begin) -> str | None:
    between_us = begin.since_us - last.until_us
    if between_us < 0:
        return "the clock was set back while the service was down"
    if between_us > LONGEST_GAP_US:
        return "the clock was set far forward while the service was down"
    unsure = ledger.db.execute(
        "SELECT count(*) FROM sound_runs"
        " WHERE run > ? AND run < ? AND clock NOT IN ('synchronised', 'told', 'rtc')",
        (last.run, ledger.run),
    ).fetchone()[0]
    return "the clock was never right while the service ran" if unsure else None


def _downtimes(ledger: Ledger, last: Account, until_us: int) -> Iterator[Downtime]:
    """The time since the last account; if a halt ended that run, up to when it saved power."""
    halt, after_us = events.latest(ledger, events.HALT), last.until_us
    is_end = halt is not None and halt.run == last.run and "wake" in halt.facts
    if halt and is_end and after_us - halt.at.utc_us < _HALT_US:
        wake_us = min(until_us, _moment(halt.facts["wake"], until_us))
        yield Downtime("power", after_us, wake_us)
        after_us = max(after_us, wake_us)
    yield Downtime("down", after_us, until_us)


def _moment(written: object, otherwise_us: int) -> int:
    """A moment of an event's facts; another if they name none, or are damaged."""
    try:
        return moments.from_iso(str(written))
    except ValueError:
        return otherwise_us


def _enter_downtime(ledger: Ledger, row: sqlite3.Row, downtime: Downtime) -> None:
    after_us, until_us = max(downtime.after_us, row["from_us"]), downtime.until_us
    try:
        series = between(row["definition"], after_us, until_us)
    except ValueError as error:
        enter_unaccounted(
            ledger, Unaccounted(after_us, until_us, "its schedule is not valid on this machine: "
                                                    f"{error}"),
            row["device"],
        )
        return
    if series:
        _enter_skip(ledger, Skip(row["device"], downtime.reason, series))


def _enter_skip(ledger: Ledger, skip: Skip) -> None:
    """A series that continues where the device's last one ended, for its reason, is one with it."""
    followed = ledger.db.execute(
        "SELECT schedule, definition FROM sound_schedules WHERE device = ? AND until_us IS NULL",
        (skip.device,),
    ).fetchone()
    if followed is None:
        enter_unaccounted(
            ledger, Unaccounted(skip.series.first_us, skip.series.last_us, _UNREADABLE), skip.device
        )
        return
    number, definition = followed
    before = ledger.db.execute(
        "SELECT * FROM sound_skips WHERE device = ? ORDER BY skip DESC LIMIT 1", (skip.device,)
    ).fetchone()
    is_one = before and (before["reason"], before["schedule"]) == (skip.reason, number)
    if is_one and between(definition, before["last_us"], skip.series.first_us - 1) is None:
        ledger.db.execute(
            "UPDATE skips SET last_us = ?, slots = slots + ? WHERE skip = ?",
            (skip.series.last_us, skip.series.slots, before["skip"]),
        )
        return
    ledger.db.execute(
        "INSERT INTO skips (run, device, schedule, reason, first_us, last_us, slots)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (ledger.run, skip.device, number, skip.reason, *skip.series),
    )


def _enter_turn(ledger: Ledger, turn: Turn) -> None:
    ledger.db.execute(
        "UPDATE schedules SET until_us = ? WHERE device = ? AND until_us IS NULL",
        (turn.until_us, turn.device),
    )
    if turn.definition is not None:
        ledger.db.execute(
            "INSERT INTO schedules (device, from_us, definition) VALUES (?, ?, ?)",
            (turn.device, turn.from_us, turn.definition),
        )


def enter_unaccounted(ledger: Ledger, span: Unaccounted, device: str | None = None) -> None:
    """Enter an event that names the span, within a transaction."""
    message = (
        f"the scheduled times from {moments.iso(span.from_us)} to {moments.iso(span.until_us)} are "
        f"not known: {span.why}"
    )
    events.enter(
        ledger, UNACCOUNTED, message, device,
        from_us=span.from_us, until_us=span.until_us, why=span.why,
    )


_ENTER: Mapping[type[Change], Callable[[Ledger, Any], None]] = {
    Begin: _begin, Skip: _enter_skip, Turn: _enter_turn, Unaccounted: enter_unaccounted,
}
