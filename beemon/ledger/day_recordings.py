"""The recordings of a day: each with its job, and the scheduled times that have none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from beemon.base.moments import iso
from beemon.ledger import slots
from beemon.ledger.recordings import KeptFile, file_of_job
from beemon.protocol.views import DayRecording, DayRecordings

MOST = 3000
"""A minute's recordings are 1440 a day."""
KINDS: dict[str, Literal["sound", "video", "picture"]] = {
    ".flac": "sound", ".mp4": "video", ".jpg": "picture",
}
"""The kind of a recording, by the end of its file's name."""

_RECORDINGS = """
SELECT recordings.*, outcome, reason FROM sound_recordings AS recordings
    LEFT JOIN sound_jobs USING (job)
WHERE start_us >= :from AND start_us < :until AND recordings.device = :device
ORDER BY start_us, recording LIMIT :most
"""
_JOBS = """
SELECT job, command, ifnull(slot_us, accepted_us) AS at_us, outcome, reason FROM sound_jobs
WHERE job IN (
    SELECT job FROM main.jobs WHERE slot_us >= :from AND slot_us < :until
    UNION ALL
    SELECT job FROM main.jobs WHERE accepted_us >= :from AND accepted_us < :until
        AND (slot_us IS NULL OR accepted_us NOT BETWEEN slot_us AND slot_us + 600000000)
) AND at_us >= :from AND at_us < :until
AND (command IN (:snapshot, :record) OR substr(command, 1, length(:record) + 1) = :record || ' ')
ORDER BY at_us, job LIMIT :most
"""
"""By the two indexes of jobs that have a time; together they hold each job."""
_SKIPS = """
SELECT first_us, last_us, reason, definition FROM sound_skips AS skips JOIN (
    SELECT schedule, definition FROM sound_schedules) USING (schedule)
WHERE last_us >= :from AND first_us < :until AND device = :device ORDER BY first_us LIMIT :most
"""


class Missing(NamedTuple):
    """A scheduled time without a recording, and why."""

    at_us: int
    job: int | None
    outcome: str | None
    reason: str | None


class Kept(NamedTuple):
    """A recording: when it began, its job, its path in the archive and its length."""

    start_us: int
    job: int
    path: str
    seconds: float | None
    is_there: bool


def day_recordings(
    db: sqlite3.Connection, device: str, from_us: int, until_us: int
) -> DayRecordings:
    """The recordings and the missing ones of a device in a period, in order of time."""
    found = db.execute(_RECORDINGS, _bounds(device, from_us, until_us))
    lines = [
        *((row["start_us"], _recorded(row)) for row in found),
        *((one.at_us, _lacking(device, one)) for one in missing(db, device, from_us, until_us)),
    ]
    lines.sort(key=lambda line: line[0])
    return DayRecordings(tuple(line for _, line in lines[:MOST]), len(lines) > MOST or None)


def missing(
    db: sqlite3.Connection, device: str, from_us: int, until_us: int
) -> Iterator[Missing]:
    """The scheduled times of a period without a recording, in no order."""
    bounds = _bounds(device, from_us, until_us)
    having = {row["job"] for row in db.execute(_RECORDINGS, bounds)}
    for row in db.execute(_JOBS, bounds):
        if row["job"] not in having:
            yield Missing(row["at_us"], row["job"], row["outcome"], row["reason"])
    skipped = (
        Missing(at_us, None, "skipped", row["reason"])
        for row in db.execute(_SKIPS, bounds) for at_us in _skipped(row, from_us, until_us)
    )
    yield from islice(skipped, MOST + 1)


def kept(db: sqlite3.Connection, device: str, from_us: int, until_us: int) -> list[Kept]:
    """The recordings of a period, in order of time."""
    return [
        Kept(row["start_us"], row["job"], row["path"], row["seconds"], row["deleting_us"] is None)
        for row in db.execute(_RECORDINGS, _bounds(device, from_us, until_us))
    ]


def kept_file(db: sqlite3.Connection, job: int) -> KeptFile | None:
    """The file of a job's recording; None if there is none, or if it is deleted."""
    found = file_of_job(db, job)
    return found if found and not found.is_deleted else None


def _bounds(device: str, from_us: int, until_us: int) -> dict[str, str | int]:
    return {
        "device": device, "snapshot": f"snapshot {device}", "record": f"record {device}",
        "from": from_us, "until": until_us, "most": MOST + 1,
    }


def _recorded(row: sqlite3.Row) -> DayRecording:
    is_there = row["deleting_us"] is None
    return DayRecording(
        iso(row["start_us"]), row["device"], row["outcome"], row["job"], row["seconds"],
        KINDS.get(PurePosixPath(row["path"]).suffix) if is_there else None,
        row["size"] if is_there else None,
        row["reason"] or (None if is_there else "deleted"),
    )


def _lacking(device: str, one: Missing) -> DayRecording:
    return DayRecording(iso(one.at_us), device, one.outcome, one.job, reason=one.reason)


def _skipped(row: sqlite3.Row, from_us: int, until_us: int) -> Iterator[int]:
    """The skipped slots of a period; the first alone if their schedule is not valid any more."""
    after_us = max(row["first_us"], from_us) - 1
    last_us = min(row["last_us"], until_us - 1)
    try:
        yield from slots.each_between(row["definition"], after_us, last_us)
    except ValueError:
        yield after_us + 1
