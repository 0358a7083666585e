"""The tables of an export: a row for each reading, recording, job and event.

Times come twice: UTC, and local with its offset from UTC, as ISO 8601 text. Here both are
microseconds since 1970. A cell without a value is empty; whether a reading has a value or a reason
is never in doubt.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from functools import partial

from beemon.base import clock, moments
from beemon.base.facts import JsonObject, to_json
from beemon.base.options import suggestion
from beemon.base.outcomes import Outcome
from beemon.base.progress import Progress
from beemon.exchange.period import Period
from beemon.ledger import completeness, findings, rows
from beemon.ledger.calibrations import describe
from beemon.ledger.counts import OPEN
from beemon.ledger.events import Readable
from beemon.protocol.replies import FindingFacts, SlotCounts

Value = str | int | float | None
Row = tuple[Value, ...]
"""The values of a table's columns."""

_DEVICES = "SELECT sensor FROM series UNION SELECT device FROM schedules"
_RARE_DEVICES = (
    "SELECT device FROM recordings UNION SELECT device FROM events WHERE device IS NOT NULL"
)
"""Those of every recording and event: only asked where a device is among no others."""

_LISTS = ("measured", "for", "against", "unknown")

_PART_US = 7 * moments.US_PER_DAY

TEXT, NUMBER, COUNT, TIME, LOCAL = "text", "number", "count", "time", "local"


@dataclass(frozen=True)
class Column:
    """One column: its name, what kind of value it has, and what it means."""

    name: str
    kind: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """One table, whose rows come in the order of time."""

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[], Iterator[Row]]


class UnknownDeviceError(LookupError):
    """Only what concerns a device was asked for, and the ledger holds nothing of it."""


@dataclass(frozen=True)
class View:
    """A part of a ledger: a period, for some devices or for all (none named), in a zone's local
    time.

    ``clock`` is the reliability of the clock according to the service that writes the ledger.
    """

    ledger: Readable
    period: Period
    devices: Collection[str] = ()
    zone: tzinfo = UTC
    clock: clock.Quality | None = None
    progress: Progress = field(default_factory=Progress)

    def check_devices(self) -> None:
        """Raises :class:`UnknownDeviceError` for a device that the ledger does not know."""
        known = {device for (device,) in self.ledger.db.execute(_DEVICES)}
        if known.issuperset(self.devices):
            return
        known |= {device for (device,) in self.ledger.db.execute(_RARE_DEVICES)}
        for device in self.devices:
            if device not in known:
                near = suggestion(device, known)
                raise UnknownDeviceError(f'the database holds nothing of "{device}"{near}')

    def select(self, query: str, device: str = "device") -> Iterator[sqlite3.Row]:
        """The rows of a query that has ``:from``, ``:until`` and ``:of_devices`` (a condition)."""
        yield from self.ledger.db.execute(*self._bound(query, device))

    def rows(self, query: str, device: str = "device") -> Iterator[Row]:
        """The rows of :meth:`select` as plain tuples, which take less time."""
        cursor = self.ledger.db.cursor()
        cursor.row_factory = None
        yield from cursor.execute(*self._bound(query, device))

    def _bound(self, query: str, device: str) -> tuple[str, dict[str, str | int]]:
        """A query of this view, with its values."""
        marks = ", ".join(f":device{n}" for n, _ in enumerate(self.devices))
        condition = f"{device} IN ({marks})" if self.devices else "1"
        values = {f"device{n}": name for n, name in enumerate(self.devices)}
        bounds = {"from": self.period.from_us, "until": self.period.until_us}
        return query.replace(":of_devices", condition), {**values, **bounds}

    def parts(self, of: str) -> Iterator[View]:
        """Views of a week each: rows that no index has in their order are sorted by the week."""
        first_us = from_us = self.period.from_us
        days = (self.period.until_us - first_us) // moments.US_PER_DAY
        while from_us < self.period.until_us:  # whole hours, as no hour belongs to two parts
            day = (from_us - first_us) // moments.US_PER_DAY
            self.progress.tell(f"days of {of} written", day, days)
            until_us = min((from_us // _PART_US + 1) * _PART_US, self.period.until_us)
            yield replace(self, period=replace(self.period, from_us=from_us, until_us=until_us))
            from_us = until_us


def tables(view: View) -> list[Table]:
    """All that an export of this view holds."""
    return [
        Table(name, columns, partial(rows, view))
        for name, (columns, rows) in _TABLES.items()
    ]


def _text(name: str, meaning: str) -> Column:
    return Column(name, TEXT, meaning)


_UTC = Column("utc", TIME, "when, UTC")
_LOCAL = Column("local", LOCAL, "the same moment in local time, with its offset from UTC")
_CLOCK = _text("clock", "reliability of the clock: see clock_qualities")
_JOB = Column("job", COUNT, "number of the job")

_READINGS = (
    _UTC, _LOCAL,
    _text("sensor", "the sensor; or the recorder whose recording was analysed"),
    _text("quantity", "measured quantity"),
    Column("value", NUMBER, "measured value; empty if there is a reason"),
    _text("unit", "the unit of value"),
    _text("quality", "quality of the value: see qualities"),
    _text("reason", "reason if there is no value: see reasons"),
    Column("raw", NUMBER, "raw number of the hardware, if value was calculated from it"),
    Column("calibration", COUNT, "number of the calibration used: see calibrations"),
    Column("uncertainty", NUMBER, "standard uncertainty of value, if known"),
    _CLOCK, _JOB,
)
_RECORDINGS = (
    _UTC, _LOCAL,
    _text("device", "the microphone or camera"),
    _text("path", "path of the file in the archive's folder"),
    Column("seconds", NUMBER, "measured length in seconds; empty for a picture"),
    Column("size", COUNT, "bytes"),
    _text("sha256", "the hash of the file"),
    _text("verdict", "result of the content check: good, or failed if it is only kept as evidence"),
    _text("findings", "check results, as JSON"),
    _text("kept", "yes, or no if the file was deleted to free space"),
    _CLOCK, _JOB,
    _text("facts", "further facts, as JSON"),
)
_JOBS = (
    Column("job", COUNT, "its number"),
    Column("accepted_utc", TIME, "when it was accepted, UTC"),
    Column("accepted_local", LOCAL, "the same, local"),
    Column("slot_utc", TIME, "scheduled time, if it was scheduled"),
    Column("ended_utc", TIME, "time when it ended"),
    _text("command", "the command"),
    _text("origin", "its origin: schedule, or a client's address"),
    _text("device", "the device that worked"),
    _text("outcome", "done, failed, skipped or interrupted; empty while it is open"),
    _text("reason", "reason if it is not done: see reasons"),
    _text("message", "explanation in a sentence"),
    _CLOCK,
)
_SKIPS = (
    Column("first_utc", TIME, "first of the scheduled times, UTC"),
    Column("last_utc", TIME, "last of the scheduled times, UTC"),
    _text("device", "whose slots"),
    Column("slots", COUNT, "how many"),
    _text("reason", "reason why they never became jobs: see reasons"),
)
_COMPLETENESS = (
    _text("device", "whose slots"),
    _text("outcome", "due for all of them, else their outcome"),
    _text("reason", "reason: see reasons; empty in the sum of an outcome"),
    Column("slots", COUNT, "how many"),
)
_EVENTS = (
    _UTC, _LOCAL,
    _text("kind", "kind of event"),
    _text("device", "device, if the event concerns one"),
    _text("message", "description in a sentence"),
    _CLOCK,
    _text("facts", "further facts, as JSON"),
)
_FINDINGS = (
    Column("finding", COUNT, "its number"),
    Column("from_utc", TIME, "begin of the time that it is about, UTC"),
    Column("from_local", LOCAL, "the same, local"),
    Column("until_utc", TIME, "end of the time that it is about, UTC"),
    _text("kind", "kind of finding"),
    _text("stage", "first (it may be taken back), stands or withdrawn"),
    _text("device", "device, if the finding concerns one"),
    _text("says", "the finding in sentences"),
    _text("measured", "its numbers with units, uncertainties and counts of readings, as JSON"),
    _text("for", "the evidence for it, as a JSON list of sentences"),
    _text("against", "the evidence against it, likewise"),
    _text("unknown", "the missing evidence, likewise"),
    _text("rule", "the rule that made it"),
    Column("version", COUNT, "version of the rule"),
    Column("revises", COUNT, "number of the earlier finding whose place it takes"),
    _text("label", "the beekeeper's word on it: yes or no; empty if not given"),
    Column("told_utc", TIME, "earliest time at which the readings showed it, UTC"),
    _CLOCK,
)
_HOURS = (
    _UTC, _LOCAL,
    _text("sensor", "the sensor"),
    _text("quantity", "measured quantity"),
    _text("unit", "the unit of mean, minimum and maximum"),
    Column("count", COUNT, "number of values in the hour"),
    Column("missing", COUNT, "number of readings without a value"),
    Column("mean", NUMBER, "of the values"),
    Column("minimum", NUMBER, "of the values"),
    Column("maximum", NUMBER, "of the values"),
    _text("readings", "yes, or no if the individual readings were deleted to free space"),
)


_READINGS_OF_PART = """
SELECT utc_us, utc_us, sensor, quantity, value, unit,
    CASE WHEN reason IS NULL THEN ifnull(quality, 'good') END, reason, raw, calibration,
    uncertainty, readings.clock, job
FROM readings JOIN series USING (series)
WHERE utc_us >= :from AND utc_us < :until AND :of_devices ORDER BY utc_us, series
"""
_JOBS_OF_PART = """
SELECT job, accepted_us, accepted_us, slot_us, ended_us, command, origin, device, outcome, reason,
    message, clock
FROM jobs
WHERE accepted_us >= :from AND accepted_us < :until AND :of_devices AND job IN (
    SELECT job FROM main.jobs WHERE slot_us >= :from - 600000000 AND slot_us < :until
    UNION ALL
    SELECT job FROM main.jobs WHERE accepted_us >= :from AND accepted_us < :until
        AND (slot_us IS NULL OR accepted_us NOT BETWEEN slot_us AND slot_us + 600000000)
) ORDER BY accepted_us, job
"""
"""By the two indexes of jobs that have a time; together they hold each job."""
_HOURS_OF_PART = """
SELECT hour * 3600000000, hour * 3600000000, sensor, quantity, unit, count, missing, mean, minimum,
    maximum, CASE WHEN thinned THEN 'no' ELSE 'yes' END
FROM series CROSS JOIN hours USING (series)
WHERE hour >= :from / 3600000000 AND hour < (:until + 3599999999) / 3600000000 AND :of_devices
ORDER BY hour, hours.series
"""
"""By the series, as the hours are stored."""
_RECORDINGS_OF_VIEW = """
SELECT start_us, start_us, device, path, seconds, size, sha256, verdict, findings,
    CASE WHEN deleting_us IS NULL THEN 'yes' ELSE 'no' END, clock, job, facts
FROM recordings WHERE start_us >= :from AND start_us < :until AND :of_devices
ORDER BY start_us, recording
"""
_SKIPS_OF_VIEW = """
SELECT first_us, last_us, device, slots, reason FROM skips
WHERE last_us >= :from AND first_us < :until AND :of_devices ORDER BY first_us, skip
"""
_EVENTS_OF_VIEW = """
SELECT utc_us, utc_us, kind, device, message, clock, facts FROM events
WHERE utc_us >= :from AND utc_us < :until AND (device IS NULL OR :of_devices)
ORDER BY utc_us, event
"""


def _readings(view: View) -> Iterator[Row]:
    for part in view.parts("readings"):
        yield from part.rows(_READINGS_OF_PART, "sensor")


def _jobs(view: View) -> Iterator[Row]:
    for part in view.parts("jobs"):
        yield from part.rows(_JOBS_OF_PART)


def _hours(view: View) -> Iterator[Row]:
    for part in view.parts("hours"):
        yield from part.rows(_HOURS_OF_PART, "sensor")


def _recordings(view: View) -> Iterator[Row]:
    return view.rows(_RECORDINGS_OF_VIEW)


def _skips(view: View) -> Iterator[Row]:
    return view.rows(_SKIPS_OF_VIEW)


def _events(view: View) -> Iterator[Row]:
    return view.rows(_EVENTS_OF_VIEW)


def _findings(view: View) -> Iterator[Row]:
    """The latest finding of each matter that the period touches."""
    for one in findings.between(view.ledger, view.period.from_us, view.period.until_us):
        if not view.devices or one.found.device in (None, *view.devices):
            yield _finding(one)


def _finding(one: FindingFacts) -> Row:
    found, told = one.found, to_json(one.found)
    begin, end, shown = map(moments.from_iso, (found.from_, found.until, found.told))
    lists = (json.dumps(told[name], ensure_ascii=False) for name in _LISTS)
    return (
        one.finding, begin, begin, end, found.kind, found.stage, found.device, found.says, *lists,
        found.rule, found.version, found.revises, one.label, shown, one.clock,
    )


def _completeness(view: View) -> Iterator[Row]:
    """The slots due in the period: those due since its begin, minus those due since its end."""
    since = completeness.of(view.ledger, view.period.from_us - 1).devices
    later = completeness.of(view.ledger, view.period.until_us - 1).devices
    for device in sorted(since):
        if view.devices and device not in view.devices:
            continue
        after = _flat(later[device]) if device in later else {}
        for (outcome, reason), slots in _flat(since[device]).items():
            count = slots - after.get((outcome, reason), 0)
            yield device, outcome, reason, count


def _flat(counts: SlotCounts) -> dict[tuple[str, str | None], int]:
    flat: dict[tuple[str, str | None], int] = {
        (name, None): getattr(counts, name) for name in ("due", *Outcome, OPEN)
    }
    for outcome, reasons in counts.reasons.items():
        flat |= {(outcome, reason): slots for reason, slots in reasons.items()}
    return flat


_TABLES: dict[str, tuple[tuple[Column, ...], Callable[[View], Iterator[Row]]]] = {
    "readings": (_READINGS, _readings),
    "hours": (_HOURS, _hours),
    "recordings": (_RECORDINGS, _recordings),
    "jobs": (_JOBS, _jobs),
    "skips": (_SKIPS, _skips),
    "completeness": (_COMPLETENESS, _completeness),
    "events": (_EVENTS, _events),
    "findings": (_FINDINGS, _findings),
}


@dataclass(frozen=True)
class Unit:
    """In which unit a sensor's quantity is."""

    sensor: str
    quantity: str
    unit: str


def units(view: View) -> list[Unit]:
    """Every quantity that is in the readings, with its unit."""
    rows = view.select(
        "SELECT sensor, quantity, unit FROM series WHERE :of_devices AND EXISTS"
        " (SELECT 1 FROM readings WHERE utc_us >= :from AND utc_us < :until"
        "  AND readings.series = series.series) ORDER BY sensor, quantity, unit",
        "sensor",
    )
    return [Unit(*row) for row in rows]


def calibrations(view: View) -> list[JsonObject]:
    """The calibrations."""
    query = "SELECT * FROM calibrations WHERE :of_devices ORDER BY calibration"
    return [to_json(one) for one in rows.readable(view.select(query, "sensor"), describe)]


def runs(view: View) -> list[JsonObject]:
    """The runs of the service that the period saw, and their clocks."""
    rows = view.ledger.db.execute(
        "SELECT * FROM runs WHERE started_us < ? AND run >="
        " (SELECT ifnull(max(run), 0) FROM runs WHERE started_us <= ?) ORDER BY run",
        (view.period.until_us, view.period.from_us),
    )
    return [
        {
            "run": row["run"], "started": moments.iso(row["started_us"]), "boot": row["boot_id"],
            "clock": row["clock"], "version": row["version"],
            "clock_right_from": moments.iso(row["sure_us"]) if row["sure_us"] else None,
            **({"recovered": row["ended_why"]} if row["ended"] == "recovered" else {}),
        }
        for row in rows
    ]
