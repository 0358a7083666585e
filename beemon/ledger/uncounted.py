"""Uncounted: videos whose bees are still to be counted, and the readings of those that were.

A video is uncounted while its camera has no reading of :data:`BEES` of it, so a stop in between
loses nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.base.values import value_class
from beemon.ledger import readings
from beemon.ledger.ledger import Ledger
from beemon.ledger.traffic import BEES_IN, BEES_OUT

BEES = "bees"
"""The quantity: the mean number of bees in view."""
FLIGHT_ERROR = 0.05
"""The relative error of the flights, at the simulated entrance."""
AT_ONCE = 100
"""The number of videos to give up in one transaction."""

_FIND = f"""
SELECT * FROM sound_recordings AS recordings
WHERE start_us >= :from_us AND start_us < :until_us AND ifnull(seconds, 0) <= :longest
AND +device IN (SELECT value FROM json_each(:cameras)) AND path LIKE '%.mp4'
AND deleting_us IS NULL AND verdict = 'good' AND clock <> 'unsure'
AND NOT EXISTS (
    SELECT 1 FROM main.readings WHERE utc_us >= start_us AND utc_us < start_us + 1000
    AND readings.job = recordings.job AND readings.series IN (
        SELECT series FROM sound_series WHERE sensor = device AND quantity = '{BEES}'
    )
)
ORDER BY start_us DESC LIMIT :most
"""  # noqa: S608
"""A reading is at the start of its recording, or at the next free microsecond. ``+`` has SQLite
search by time: a camera may have many recordings."""


@value_class
class Video:
    """A recording by its number, with its camera, and its path in the archive."""

    number: int
    camera: str
    path: str


@value_class
class Bees:
    """The bees of a video: the mean number in view, and the flights out of the view and into it."""

    bees: float
    out: int
    came: int


def find_newest(
    db: sqlite3.Connection, cameras: Collection[str], from_us: int, until_us: int, longest: float
) -> Video | None:
    """The newest uncounted video of some cameras in a period, of at most ``longest`` seconds."""
    for row in _find(db, cameras, from_us, until_us, longest, 1):
        return Video(row["recording"], row["device"], row["path"])
    return None


def give_up(ledger: Ledger, cameras: Collection[str], from_us: int, until_us: int) -> int:
    """Enter of the uncounted videos of a period, within a transaction, that they are not counted.

    Returns the number of videos; if it is :data:`AT_ONCE`, there may be more.
    """
    found = _find(ledger.db, cameras, from_us, until_us, 1e9, AT_ONCE)
    for row in found:
        _enter(ledger, row, None)
    return len(found)


def enter(ledger: Ledger, video: Video, bees: Bees | None) -> None:
    """Enter the bees of a video, within a transaction, unless it was deleted in the meantime.

    Without ``bees`` the readings have no value, for the reason ``not-counted``.
    """
    row = ledger.db.execute(
        "SELECT * FROM sound_recordings WHERE recording = ? AND deleting_us IS NULL",
        (video.number,),
    ).fetchone()
    if row:
        _enter(ledger, row, bees)


def _find(
    db: sqlite3.Connection, cameras: Collection[str], from_us: int, until_us: int, longest: float,
    most: int,
) -> list[sqlite3.Row]:
    asked = {
        "cameras": json.dumps(sorted(cameras)), "from_us": from_us, "until_us": until_us,
        "longest": longest, "most": most,
    }
    return db.execute(_FIND, asked).fetchall()


def _enter(ledger: Ledger, row: sqlite3.Row, bees: Bees | None) -> None:
    at = Stamp(row["start_us"], row["start_monotonic"] or 0.0, Quality(row["clock"]))
    readings.keep_belated(ledger, row["job"], _readings(row["device"], at, bees))


def _readings(camera: str, at: Stamp, bees: Bees | None) -> list[Reading]:
    if bees is None:
        return [
            Reading(camera, quantity, "", None, "not-counted", at)
            for quantity in (BEES, BEES_OUT, BEES_IN)
        ]
    flights = {BEES_OUT: bees.out, BEES_IN: bees.came}
    return [
        Reading(camera, BEES, "", bees.bees, None, at),
        *(Reading(camera, quantity, "", float(count), None, at, "estimated",
                  uncertainty=max(1.0, FLIGHT_ERROR * count))
          for quantity, count in flights.items()),
    ]
