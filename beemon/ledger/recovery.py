"""Recovery: jobs that a crash left open are ended, and their recordings are kept for repair."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Any

from beemon.base import outcomes
from beemon.base.facts import JsonObject, to_json
from beemon.base.outcomes import Ending
from beemon.base.recording import RecordingFacts, recording_facts
from beemon.base.values import value_class
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.ledger.rows import parse
from beemon.storage import files

_YET = ", and are yet to be salvaged"


def keep_rest(ledger: Ledger, where: files.Place) -> tuple[str, JsonObject]:
    """The leftover of an unfinished recording: a sentence, and the job's facts of it.

    One that had its final name is whole; like any other leftover it is entered when it was
    looked at (:mod:`beemon.repair.salvage`): here nothing is read, for somebody waits.
    """
    leftover: JsonObject = {"leftover": ledger.relative(where.temporary)}
    try:
        left = files.discard_if_empty(where.temporary)
        if not left and where.final.is_file():
            return "the recording was complete", leftover
    except OSError as error:
        return f"the recorded data cannot be read: {error}", leftover
    if not left:
        return "nothing was recorded yet", {}
    return f"{left} bytes were recorded{_YET}", leftover


def close_earlier_runs(ledger: Ledger) -> list[dict[str, Any]]:
    """End the open jobs of earlier runs as ``interrupted``; return those jobs.

    The remains of a recording wait to be salvaged, and the message of the job states this.
    """
    rows = ledger.db.execute(
        "SELECT * FROM sound_jobs WHERE outcome IS NULL AND run <> ?", (ledger.run,)
    ).fetchall()
    for row in rows:
        ledger.end(row["job"], _recovered(ledger, row))
    return [dict(row) for row in rows]


def _recovered(ledger: Ledger, row: sqlite3.Row) -> Ending:
    if row["final"] is None or row["temporary"] is None:
        return outcomes.interrupted("crash")
    where = files.Place(ledger.archive / row["temporary"], ledger.archive / row["final"])
    message, facts = keep_rest(ledger, where)
    return outcomes.interrupted("crash", message, **facts)


@value_class
class Leftover:
    """The leftover of an unfinished job."""

    job: int
    device: str
    place: files.Place


def leftovers(ledger: Ledger) -> list[Leftover]:
    """The remains of recordings that wait to be salvaged."""
    rows = ledger.db.execute(
        "SELECT * FROM sound_jobs"
        " WHERE leftover IS NOT NULL AND final IS NOT NULL AND device IS NOT NULL"
    ).fetchall()
    return [
        Leftover(
            row["job"],
            row["device"],
            files.Place(ledger.archive / row["leftover"], ledger.archive / row["final"]),
        )
        for row in rows
    ]


def settle(ledger: Ledger, leftover: Leftover, salvaged: RecordingFacts | None) -> str:
    """Enter what was salvaged, within a transaction, or that nothing was; say it in a sentence.

    The job's outcome stays as it is; its facts name the recording. When the recording began is
    not known better than when its job did.
    """
    job = ledger.db.execute("SELECT * FROM sound_jobs WHERE job = ?", (leftover.job,)).fetchone()
    facts = parse(job["facts"])
    facts.pop("leftover", None)
    said = "none of it was usable, so it was deleted"
    if salvaged is not None:
        if salvaged.recovered and _YET in (job["message"] or ""):
            # A salvage gave it its name, and was cut off before this was entered.
            salvaged = replace(salvaged, salvaged=True, recovered=None)
        facts |= _enter(ledger, leftover, job, salvaged)
        seconds = salvaged.seconds
        said = f"{seconds:.1f} s were salvaged" if seconds else "it was kept"
    ledger.db.execute(
        "UPDATE jobs SET leftover = NULL, message = ?, facts = ? WHERE job = ?",
        (_with_end(job["message"], said), json.dumps(facts) if facts else None, leftover.job),
    )
    return said


def _enter(
    ledger: Ledger, leftover: Leftover, job: sqlite3.Row, salvaged: RecordingFacts
) -> JsonObject:
    path = ledger.relative(leftover.place.final)
    if catalog.find(ledger.db, path) is None:
        began = recording_facts({
            "start_utc_us": job["started_us"], "start_monotonic": job["started_monotonic"],
            "clock": job["clock"],
        })
        catalog.enter(ledger, leftover.job, leftover.device, leftover.place.final,
                      began.and_then(salvaged))
    rest = replace(salvaged, verdict=None, findings=None, sha256=None)
    return {"recording": path, **to_json(rest)}


def _with_end(message: str | None, said: str) -> str:
    """A job's message, in which the result replaces the announcement of the salvage."""
    before = (message or "").replace(_YET, "")
    return f"{before}; {said}" if before else said
