"""Recovery: what a crash left open gets its end, and what was recorded is not forgotten."""

from __future__ import annotations

import sqlite3
from typing import Any

from beemon import outcomes
from beemon.archive import catalog, recordings
from beemon.archive.ledger import Ledger
from beemon.outcomes import Ending


def keep_rest(
    ledger: Ledger, job: int, device: str, where: recordings.Place
) -> tuple[str, dict[str, Any]]:
    """Keep what a recording has left that nobody finished; say what, and where it is.

    One that had its final name is whole, and is entered; that name is made to last first, for
    whoever gave it may have ended just before that.
    """
    name = ledger.relative(where.temporary)
    try:
        if where.final.is_file() and not where.temporary.exists():
            recordings.sync_folder(where.final.parent)
            size, sha256 = recordings.digest(where.final)
            facts = {"size": size, "sha256": sha256, "recovered": True}
            catalog.enter(ledger, job, device, where.final, facts)
            return "the recording was whole", {"recording": ledger.relative(where.final)}
        left = recordings.discard_if_empty(where.temporary)
    except OSError as error:
        return f"what was recorded cannot be read: {error}", {"leftover": name}
    if not left:
        return "nothing was recorded yet", {}
    return f"{left} bytes were recorded and stay in {name}", {"leftover": name}


def close_earlier_runs(ledger: Ledger) -> list[dict[str, Any]]:
    """End what earlier runs left open as ``interrupted``; return those jobs.

    A recording that was whole already is entered; another leftover stays under its temporary
    name, and the job says so.
    """
    rows = ledger.db.execute(
        "SELECT * FROM jobs WHERE outcome IS NULL AND run <> ?", (ledger.run,)
    ).fetchall()
    for row in rows:
        ledger.end(row["job"], _recovered(ledger, row))
    return [dict(row) for row in rows]


def _recovered(ledger: Ledger, row: sqlite3.Row) -> Ending:
    if row["final"] is None:
        return outcomes.interrupted("crash")
    where = recordings.Place(ledger.archive / row["temporary"], ledger.archive / row["final"])
    message, facts = keep_rest(ledger, row["job"], row["device"], where)
    return outcomes.interrupted("crash", message, **facts)
