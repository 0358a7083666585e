"""Starts: the cause of each start of the service, derived from the end of the previous run.

A run that is stopped enters this, and a run that fails enters the reason. A run that was killed
cannot: then systemd has left word of it, or else the machine lost its power.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from beemon import __version__
from beemon.base import zone
from beemon.base.clock import Quality, Stamp
from beemon.base.moments import US_PER_HOUR
from beemon.base.values import value_class
from beemon.ledger import events
from beemon.ledger.events import Readable
from beemon.ledger.ledger import Ledger

KIND = "start"
"""The kind of the events about starts."""

STOPPED, HUNG, FAILED = "stopped", "hung", "failed"
"""The ends of a run that could still be entered."""

FIRST, STOP, REBOOT, UPGRADE = "first", "stop", "reboot", "upgrade"
WATCHDOG, CRASH, FAILURE, POWER_CUT = "watchdog", "crash", "failure", "power-cut"
UNPLANNED = (WATCHDOG, CRASH, FAILURE, POWER_CUT)
"""The causes of an unplanned start."""

_SENTENCES = {
    FIRST: "for the first time with this archive",
    STOP: "after it had been stopped",
    REBOOT: "after the machine had been shut down or restarted normally",
    UPGRADE: "after another version had been installed",
    WATCHDOG: "by the watchdog, because it had stopped working",
    CRASH: "after it had crashed or been killed",
    FAILURE: "after it had failed",
    POWER_CUT: "after the machine had lost its power or been reset",
}
_MOST = 2000
"""Maximum number of runs to examine: a crash loop has many in a day."""
_MOST_EVENTS = 20
"""The most starts of an hour, in a crash loop, that are events; the runs count them all."""


@value_class
class Start:
    """A start of the service: when, in which boot, and why."""

    at: Stamp
    boot_id: str
    why: str

    @property
    def is_unplanned(self) -> bool:
        """Whether nobody wanted the run before it to end."""
        return self.why in UNPLANNED

    def age(self, now: Stamp, boot_id: str) -> float:
        """The seconds since then; of an earlier boot by the wall clock, which may be wrong."""
        if boot_id == self.boot_id:
            return now.monotonic - self.at.monotonic
        return (now.utc_us - self.at.utc_us) / 1e6


def enter(ledger: Ledger, result: str | None) -> None:
    """Enter why the run that just began did, within a transaction.

    ``result`` is what systemd said of the end of the run before, in this boot, if it did.
    """
    before = ledger.db.execute(
        "SELECT * FROM sound_runs WHERE began IS NOT NULL AND run < ? ORDER BY run DESC LIMIT 1",
        (ledger.run,),
    ).fetchone()
    why, details = _why(before, ledger.clock.boot_id(), result)
    if why in (FIRST, STOP, REBOOT) and (replaced := _other_version(ledger)):
        why, details = UPGRADE, f"{__version__} in the place of {replaced}"
    ledger.db.execute("UPDATE runs SET began = ? WHERE run = ?", (why, ledger.run))
    if _is_in_loop(ledger):
        return
    message = f"beemon was started {_SENTENCES[why]}{f': {details}' if details else ''}"
    run = before["run"] if before else None
    events.enter(
        ledger, KIND, message, why=why, run_before=run, details=details, zone=str(zone.local())
    )


def end(ledger: Ledger, how: str, why: str | None = None) -> None:
    """Enter the end of the run, within a transaction; the first entry counts."""
    ledger.db.execute(
        "UPDATE runs SET ended_us = ?, ended = ?, ended_why = ? WHERE run = ? AND ended IS NULL",
        (ledger.clock.now().utc_us, how, why, ledger.run),
    )


def recent(ledger: Readable) -> list[Start]:
    """The latest starts of the service, the newest first."""
    rows = ledger.db.execute(
        "SELECT * FROM sound_runs WHERE began IS NOT NULL ORDER BY run DESC LIMIT ?", (_MOST,)
    )
    return [_start(row) for row in rows]


def zone_told(ledger: Readable) -> str | None:
    """The time zone that the service was started in last, where the hive's days begin and end."""
    found = events.latest(ledger, KIND)
    told = found.facts.get("zone") if found else None
    return told if isinstance(told, str) else None


def clock_told(ledger: Readable) -> Quality | None:
    """The quality of the clock, as the running service or the last one assessed it."""
    run = ledger.db.execute(
        "SELECT run, clock FROM sound_runs WHERE began IS NOT NULL ORDER BY run DESC LIMIT 1"
    ).fetchone()
    if run is None:
        return None
    change = events.latest(ledger, "clock")
    is_of_run = change is not None and change.run == run["run"]
    try:
        return Quality(change.facts["quality"] if is_of_run and change else run["clock"])
    except (KeyError, ValueError):  # an event that was damaged
        return None


def _start(row: sqlite3.Row) -> Start:
    at = Stamp(row["started_us"], row["started_monotonic"], Quality(row["clock"]))
    return Start(at, row["boot_id"], row["began"])


def _why(before: Any, boot_id: str, result: str | None) -> tuple[str, str | None]:
    """Why a run began, and details, if there are any."""
    if before is None:
        return FIRST, None
    is_same_boot = before["boot_id"] == boot_id
    if before["ended"] == STOPPED:
        return (STOP if is_same_boot else REBOOT), None
    if before["ended"] == HUNG:
        return WATCHDOG, before["ended_why"]
    if before["ended"] is not None:
        return FAILURE, before["ended_why"]
    if not is_same_boot:
        return POWER_CUT, None
    if result and result.startswith("watchdog"):
        return WATCHDOG, None
    return CRASH, f"systemd says {result}" if result else None


def _other_version(ledger: Ledger) -> str | None:
    """The version of the run before, if that was of another one."""
    before = ledger.db.execute(
        "SELECT version FROM sound_runs WHERE run < ? ORDER BY run DESC LIMIT 1", (ledger.run,)
    ).fetchone()
    return before["version"] if before and before["version"] != __version__ else None


def _is_in_loop(ledger: Ledger) -> bool:
    """Whether enough starts of the last hour are events already."""
    (count,) = ledger.db.execute(
        "SELECT count(*) FROM sound_events WHERE kind = ? AND utc_us >= ?",
        (KIND, ledger.clock.now().utc_us - US_PER_HOUR),
    ).fetchone()
    return bool(count >= _MOST_EVENTS)
