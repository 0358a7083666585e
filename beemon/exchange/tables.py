"""The tables of an export: a row for each reading, recording, job and event.

Times come twice: UTC, and local with its offset from UTC, as ISO 8601 text. A cell without a
value is empty; whether a reading has a value or a reason is never in doubt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from functools import partial
from itertools import chain
from typing import Any

from beemon.base import clock, moments
from beemon.base.facts import JsonObject, to_json
from beemon.base.options import suggestion
from beemon.base.outcomes import Outcome
from beemon.exchange.period import Period
from beemon.ledger import completeness, rows
from beemon.ledger.calibrations import describe
from beemon.ledger.counts import OPEN
from beemon.ledger.events import Readable
from beemon.protocol.replies import SlotCounts

Row = Mapping[str, Any]

_DEVICES = "SELECT sensor FROM series UNION SELECT device FROM schedules"
_RARE_DEVICES = (
    "SELECT device FROM recordings UNION SELECT device FROM events WHERE device IS NOT NULL"
)
"""Those of every recording and event: only asked where a device is among no others."""

_PART_US = 7 * moments.US_PER_DAY

TEXT, NUMBER, COUNT, TIME = "text", "number", "count", "time"


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

    def local(self, utc_us: int | None) -> str | None:
        """A moment on the clock on the wall, with its offset from UTC."""
        if utc_us is None:
            return None
        return moments.to_datetime(utc_us, self.zone).isoformat(timespec="milliseconds")

    def select(self, query: str, device: str = "device") -> Iterator[sqlite3.Row]:
        """The rows of a query that has ``:from``, ``:until`` and ``:of_devices`` (a condition)."""
        marks = ", ".join(f":device{n}" for n, _ in enumerate(self.devices))
        condition = f"{device} IN ({marks})" if self.devices else "1"
        values = {f"device{n}": name for n, name in enumerate(self.devices)}
        bounds = {"from": self.period.from_us, "until": self.period.until_us}
        yield from self.ledger.db.execute(
            query.replace(":of_devices", condition), {**values, **bounds}
        )

    def parts(self) -> Iterator[View]:
        """Views of a week each: rows that no index has in their order are sorted by the week."""
        from_us = self.period.from_us
        while from_us < self.period.until_us:  # whole hours, as no hour belongs to two parts
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
_LOCAL = _text("local", "the same moment in local time, with its offset from UTC")
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
    _text("accepted_local", "the same, local"),
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


_JOBS_OF_PART = """
SELECT * FROM jobs
WHERE accepted_us >= :from AND accepted_us < :until AND :of_devices AND job IN (
    SELECT job FROM main.jobs WHERE slot_us >= :from - 600000000 AND slot_us < :until
    UNION ALL
    SELECT job FROM main.jobs WHERE accepted_us >= :from AND accepted_us < :until
        AND (slot_us IS NULL OR accepted_us NOT BETWEEN slot_us AND slot_us + 600000000)
) ORDER BY accepted_us, job
"""
"""By the two indexes of jobs that have a time; together they hold each job."""
_HOURS_OF_PART = """
SELECT hours.*, sensor, quantity, unit FROM series CROSS JOIN hours USING (series)
WHERE hour >= :from / 3600000000 AND hour < (:until + 3599999999) / 3600000000 AND :of_devices
ORDER BY hour, hours.series
"""
"""By the series, as the hours are stored."""


def _readings(view: View) -> Iterator[Row]:
    for row in view.select(
        "SELECT readings.*, sensor, quantity, unit FROM readings JOIN series USING (series)"
        " WHERE utc_us >= :from AND utc_us < :until AND :of_devices ORDER BY utc_us, series",
        "sensor",
    ):
        quality = (row["quality"] or "good") if row["reason"] is None else None
        yield {**dict(row), **_when(view, row["utc_us"]), "quality": quality}


def _recordings(view: View) -> Iterator[Row]:
    for row in view.select(
        "SELECT * FROM recordings WHERE start_us >= :from AND start_us < :until AND :of_devices"
        " ORDER BY start_us, recording"
    ):
        kept = "yes" if row["deleting_us"] is None else "no"
        yield {**dict(row), **_when(view, row["start_us"]), "kept": kept}


def _jobs(view: View) -> Iterator[Row]:
    for row in chain.from_iterable(part.select(_JOBS_OF_PART) for part in view.parts()):
        yield {
            **dict(row),
            "accepted_utc": row["accepted_us"], "accepted_local": view.local(row["accepted_us"]),
            "slot_utc": row["slot_us"], "ended_utc": row["ended_us"],
        }


def _skips(view: View) -> Iterator[Row]:
    for row in view.select(
        "SELECT * FROM skips WHERE last_us >= :from AND first_us < :until AND :of_devices"
        " ORDER BY first_us, skip"
    ):
        yield {**dict(row), "first_utc": row["first_us"], "last_utc": row["last_us"]}


def _events(view: View) -> Iterator[Row]:
    for row in view.select(
        "SELECT * FROM events WHERE utc_us >= :from AND utc_us < :until"
        " AND (device IS NULL OR :of_devices) ORDER BY utc_us, event"
    ):
        yield {**dict(row), **_when(view, row["utc_us"])}


def _hours(view: View) -> Iterator[Row]:
    for row in chain.from_iterable(part.select(_HOURS_OF_PART, "sensor") for part in view.parts()):
        readings = "no" if row["thinned"] else "yes"
        yield {**dict(row), **_when(view, row["hour"] * moments.US_PER_HOUR), "readings": readings}


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
            yield {"device": device, "outcome": outcome, "reason": reason, "slots": count}


def _flat(counts: SlotCounts) -> dict[tuple[str, str | None], int]:
    flat: dict[tuple[str, str | None], int] = {
        (name, None): getattr(counts, name) for name in ("due", *Outcome, OPEN)
    }
    for outcome, reasons in counts.reasons.items():
        flat |= {(outcome, reason): slots for reason, slots in reasons.items()}
    return flat


def _when(view: View, utc_us: int) -> dict[str, int | str | None]:
    return {"utc": utc_us, "local": view.local(utc_us)}


_TABLES: dict[str, tuple[tuple[Column, ...], Callable[[View], Iterator[Row]]]] = {
    "readings": (_READINGS, _readings),
    "hours": (_HOURS, _hours),
    "recordings": (_RECORDINGS, _recordings),
    "jobs": (_JOBS, _jobs),
    "skips": (_SKIPS, _skips),
    "completeness": (_COMPLETENESS, _completeness),
    "events": (_EVENTS, _events),
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
