"""Days of findings: the findings of a local day are entered as far as they are new or changed.

The time of a finding's event is the moment at which the readings showed it
(:attr:`Finding.told <beemon.base.finding.Finding.told>`), also if it was entered later. Events are
never changed: a later stage, or a finding from other readings, is a new event that ``revises`` the
one before it. Beside the finding's fields, the facts of the event are ``date``, its local day, and
``readings``, the state of that day's readings (:func:`states`). ``config`` is a checksum over the
options that the rules got.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Annotated, TypeVar

from beemon import __version__
from beemon.base import outcomes
from beemon.base.clock import Stamp
from beemon.base.finding import FIRST, WITHDRAWN, Finding
from beemon.base.moments import (
    US_PER_HOUR,
    US_PER_SECOND,
    from_iso,
    to_datetime,
    to_microseconds,
)
from beemon.base.outcomes import Ending
from beemon.base.values import value_class
from beemon.ledger import events, findings, rows
from beemon.ledger.events import Readable
from beemon.ledger.ledger import Ledger

T = TypeVar("T")

DAY, SWARM = "day", "swarm"
"""The kinds of finding that are known here: the sum of a day, and the one that can be labelled."""
GONE = "The readings, as they are now, do not show it."
"""The sentence of a finding that other readings took back."""
MOST_DAYS, RECENT_DAYS = 400, 40
"""The greatest number of past days whose findings are made after all, and of the days to check
every day."""
PAST_DAYS = 30
"""The number of days before a day whose numbers its rules get."""

_OF_DATES = (
    "SELECT * FROM sound_events WHERE kind = 'finding' AND utc_us >= :from"
    " AND json_extract(facts, '$.date') BETWEEN :first AND :last ORDER BY event"
)
_SINCE = "SELECT * FROM sound_events WHERE kind = 'finding' AND utc_us >= :from ORDER BY event"
_HOURS = """
SELECT hour, sum(count) AS count, sum(missing) AS missing, total(mean) AS mean,
    max(thinned) AS thinned
FROM sound_hours WHERE series IN (SELECT series FROM series) AND hour >= :first AND hour < :end
GROUP BY hour ORDER BY hour
"""
_FIRST_READING = "SELECT utc_us FROM sound_readings ORDER BY utc_us LIMIT 1"
_ZONES = timedelta(days=1)  # the largest difference between a local date and that of UTC
_ONE = timedelta(days=1)

Matter = tuple[str, str | None, str]


@value_class
class Kept:
    """A finding as the ledger holds it, with the number of its event.

    ``date`` is its local day, and ``readings`` the state of that day's readings at its entry;
    ``config`` is a checksum over the options at that time.
    """

    number: int
    date: date
    readings: str
    finding: Finding
    config: str = ""


@value_class
class Looked:
    """The findings of a local ``day`` by all that is known at ``until`` (UTC), in the order of
    their stages. It is whole if no rule had a defect."""

    day: Annotated[str, "the local day, YYYY-MM-DD"]
    until: Annotated[str, "the time of the look"]
    readings: Annotated[str, "the state of its readings"]
    is_whole: Annotated[bool, "whether all rules could be asked"]
    findings: Annotated[tuple[Finding, ...], "its findings"]
    config: Annotated[str, "a checksum over the options that the rules got"] = ""


@value_class
class DayState:
    """The state of a day's readings; if some were deleted to save space, its findings stay."""

    readings: str
    is_thinned: bool


def sums(ledger: Readable, first: date, last: date) -> dict[date, Kept]:
    """The sums in force of the local days from the first to the last one, by date."""
    return {kept.date: kept for kept in _of_dates(ledger, first, last) if kept.finding.kind == DAY}


def enter(ledger: Ledger, looked: Looked) -> list[Kept]:
    """Enter the findings of a local day that are new or changed, and return these.

    A finding in force that is not among them any more is taken back, if the look was whole and by
    the same options. Without its sensor in the config, no rule looks for it.

    Stands within ``ledger.transaction()``.
    """
    day, readings = date.fromisoformat(looked.day), looked.readings
    kept = _by_matter(_of_dates(ledger, day, day), _finding_of)
    now = _by_matter(looked.findings, lambda finding: finding)
    entered: list[Kept] = []
    for matter, stages in now.items():
        before = kept.get(matter, [])
        for finding in _news(stages, before, readings):
            before = [*before, _enter(ledger, looked, finding, before)]
            entered.append(before[-1])
    lost = [kept[matter] for matter in kept.keys() - now.keys()] if looked.is_whole else []
    for chain in sorted(lost, key=lambda chain: chain[-1].number):
        last, is_asked = chain[-1].finding, chain[-1].config == looked.config
        if is_asked and last.stage != WITHDRAWN and last.told <= looked.until:
            gone = replace(last, stage=WITHDRAWN, says=GONE, for_=())
            entered.append(_enter(ledger, looked, gone, chain))
    return entered


def open_stages(ledger: Readable, from_us: int) -> list[Kept]:
    """The findings in force whose next stage may follow, of those since a time."""
    found = rows.readable(ledger.db.execute(_SINCE, {"from": from_us}), _kept)
    chains = _by_matter(found, _finding_of).values()
    return [chain[-1] for chain in chains if chain[-1].finding.stage == FIRST]


def enter_label(ledger: Ledger, number: int, word: str) -> Ending:
    """Enter the beekeeper's word on a swarm, one of :data:`~beemon.ledger.findings.WORDS`.

    Returns the job's outcome, which says why if it is not entered. Stands within
    ``ledger.transaction()``.
    """
    finding = findings.find(ledger, number)
    if finding is None or finding.kind != SWARM:
        message = f"event {number} is not a finding about a swarm"
        return outcomes.failed("no-such-finding", message)
    findings.enter_label(ledger, number, word)
    return outcomes.done()


def states(ledger: Readable, first: date, last: date, zone: tzinfo) -> dict[date, DayState]:
    """The states of the readings of the local days from the first to the last one that have any.

    A state is a checksum over the hourly sums. They follow each reading that is added or gets
    another time, and stay if readings are deleted to save space. An hour belongs to the day in
    which it begins.
    """
    begin, end = (_midnight_us(day, zone) for day in (first, last + _ONE))
    values = {"first": -(-begin // US_PER_HOUR), "end": -(-end // US_PER_HOUR)}
    found: dict[date, tuple[int, bool]] = {}
    for hour, count, missing, mean, thinned in ledger.db.execute(_HOURS, values):
        day = to_datetime(hour * US_PER_HOUR, zone).date()
        checksum, is_thinned = found.get(day, (0, False))
        text = f"{hour} {count} {missing} {mean:.6g}\n".encode()
        found[day] = zlib.crc32(text, checksum), is_thinned or bool(thinned)
    return {day: DayState(f"{sum_:08x}", is_thinned) for day, (sum_, is_thinned) in found.items()}


def with_defects(readings: str) -> str:
    """The state to keep with a sum that lacks a rule with a defect: another version of beemon
    looks at the day again."""
    return f"{readings} without a rule in {__version__}"


def is_behind(ledger: Readable, today: date, zone: tzinfo) -> bool:
    """Whether the day before ``today`` is without its sum, if there are readings before today."""
    first, yesterday = ledger.db.execute(_FIRST_READING).fetchone(), today - _ONE
    if first is None or to_datetime(first["utc_us"], zone).date() >= today:
        return False
    return yesterday not in sums(ledger, yesterday, yesterday)


def due(ledger: Readable, today: date, zone: tzinfo, most: int = MOST_DAYS) -> list[date]:
    """The days before ``today`` whose findings are to be made, or to be made again, in order.

    Only the latest ``most`` are checked.

    These are the days without a sum, and those whose readings have changed or gone since. The day
    before such a day saw its readings, too; and the rules of the :data:`PAST_DAYS` after it got its
    numbers. A day of which readings were deleted to save space stays as it is.
    """
    first, last = today - most * _ONE, today - _ONE
    known = states(ledger, first, last, zone)
    kept = sums(ledger, first, last)
    gone = {day: DayState("", is_thinned=False) for day in kept.keys() - known.keys()}
    known.update(gone)
    changed = [
        day for day, state in known.items()
        if day not in kept
        or kept[day].readings not in (state.readings, with_defects(state.readings))
    ]
    near = {day + n * _ONE for day in changed for n in range(-1, PAST_DAYS + 1)}
    return sorted(day for day in near if day in known and not known[day].is_thinned)


def _midnight_us(day: date, zone: tzinfo) -> int:
    return to_microseconds(datetime(day.year, day.month, day.day, tzinfo=zone))


def _news(
    stages: Sequence[Finding], before: Sequence[Kept], readings: str
) -> Sequence[Finding]:
    """The stages to enter after those before, so that the last one is in force afterwards.

    The sum of a day is entered again also if only the state of its readings has changed.
    """
    known = [replace(kept.finding, revises=None) for kept in before]
    if not known:
        return stages
    if known[-1] in stages:
        is_old = stages[-1].kind == DAY and before[-1].readings != readings
        return stages[-1:] if is_old else stages[stages.index(known[-1]) + 1 :]
    return [*(stage for stage in stages[:-1] if stage not in known), stages[-1]]


def _enter(ledger: Ledger, looked: Looked, finding: Finding, before: Sequence[Kept]) -> Kept:
    finding = replace(finding, revises=before[-1].number if before else None)
    now, utc_us = ledger.clock.stamp(), from_iso(finding.told)
    at = Stamp(utc_us, now.monotonic - (now.utc_us - utc_us) / US_PER_SECOND, now.quality)
    number = findings.enter(
        ledger, finding, at, date=looked.day, readings=looked.readings, config=looked.config
    )
    day = date.fromisoformat(looked.day)
    return Kept(number, day, looked.readings, finding, looked.config)


def _of_dates(ledger: Readable, first: date, last: date) -> list[Kept]:
    values = {
        "from": from_iso(f"{(first - _ZONES).isoformat()}T00:00:00Z"),
        "first": first.isoformat(), "last": last.isoformat(),
    }
    return list(rows.readable(ledger.db.execute(_OF_DATES, values), _kept))


def _kept(row: sqlite3.Row) -> Kept:
    """Raises one of :data:`~beemon.ledger.rows.UNREADABLE`."""
    event = events.of_row(row)
    finding = findings.read(event)
    if finding is None:
        raise ValueError("it is not a finding")
    day, readings = date.fromisoformat(event.facts["date"]), str(event.facts["readings"])
    return Kept(event.number, day, readings, finding, str(event.facts.get("config", "")))


def _finding_of(kept: Kept) -> Finding:
    return kept.finding


def _by_matter(
    found: Iterable[T], finding_of: Callable[[T], Finding]
) -> Mapping[Matter, list[T]]:
    together: dict[Matter, list[T]] = {}
    for one in found:
        together.setdefault(finding_of(one).matter, []).append(one)
    return together
