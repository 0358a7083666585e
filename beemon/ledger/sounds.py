"""The sound of a day as the ledger knows it: each recording with its bands, and what is missing."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from beemon.base.moments import US_PER_MINUTE
from beemon.ledger import day_recordings
from beemon.media.strip import Band

_BAND = re.compile(r"band_(\d+)_(\d+)", re.ASCII)
_FEATURES = """
SELECT job, quantity, value FROM sound_series JOIN main.readings USING (series)
WHERE sensor = :device AND quantity GLOB 'band_*' AND utc_us >= :from AND utc_us < :until
AND value BETWEEN -1000 AND 1000
"""
_USUAL_US = 5 * US_PER_MINUTE
_LATE = 1.5


class SoundPart(NamedTuple):
    """A part of a day: its time, its job and outcome; of a recording the bands and the path."""

    from_us: int
    until_us: int
    job: int | None
    outcome: str | None
    reason: str | None
    path: str | None = None
    bands: Sequence[Band] = ()


def day_sounds(
    db: sqlite3.Connection, device: str, from_us: int, until_us: int
) -> list[SoundPart]:
    """The parts of a period, in order of time. A recording stands for the time up to the next."""
    bands = _bands(db, device, from_us, until_us)
    found = [
        SoundPart(one.start_us, one.start_us, one.job, "done", None,
                  one.path if one.is_there else None, bands.get(one.job, ()))
        for one in day_recordings.kept(db, device, from_us, until_us)
    ]
    found += [
        SoundPart(one.at_us, one.at_us, one.job, one.outcome, one.reason)
        for one in day_recordings.missing(db, device, from_us, until_us)
    ]
    return _stretched(sorted(found, key=lambda part: part.from_us), until_us)


def _stretched(parts: Sequence[SoundPart], until_us: int) -> list[SoundPart]:
    """The parts, each up to the next one, if that follows soon enough."""
    longest_us = round(_LATE * _interval_us(part.from_us for part in parts))
    ends = [part.from_us for part in parts[1:]] + [until_us] * bool(parts)
    return [
        part._replace(until_us=max(part.from_us, min(end, part.from_us + longest_us)))
        for part, end in zip(parts, ends, strict=True)
    ]


def _interval_us(begins: Iterable[int]) -> float:
    steps = [after - before for before, after in pairwise(begins) if after > before]
    return median(steps) if steps else _USUAL_US


def _bands(
    db: sqlite3.Connection, device: str, from_us: int, until_us: int
) -> dict[int, list[Band]]:
    """The bands of each job's recording, as its content check measured them."""
    bounds = {"device": device, "from": from_us, "until": until_us}
    found: defaultdict[int, list[Band]] = defaultdict(list)
    for job, quantity, level in db.execute(_FEATURES, bounds):
        if named := _BAND.fullmatch(quantity):
            found[job].append(Band(float(named[1]), float(named[2]), level))
    return dict(found)
