"""Insight: the worker's task that makes the findings of a hive's day from the ledger.

It reads only, and in idle time. The Orchestrator enters the findings.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path

from beemon.base import zone
from beemon.base.defects import attempt
from beemon.base.facts import JsonObject, to_json
from beemon.base.moments import US_PER_SECOND, iso
from beemon.insights.day import RULES, look_at
from beemon.insights.gathering import gather
from beemon.insights.hive_day import Rule
from beemon.ledger import finding_days, rows
from beemon.ledger.finding_days import MOST_DAYS, RECENT_DAYS, Looked
from beemon.ledger.ledger import LedgerReader, open_reader
from beemon.system import processes
from beemon.worker.messages import Asked, Done

LOOK = "insights"
"""The name of the look at the data that a defect outside of the rules switches off."""


def look(
    number: int, archive: Path, asked: Asked, rules: Mapping[str, Rule] | None = None
) -> Done:
    """The answer to the task ``number``: ``days`` that are due, or a :class:`Looked`.

    Its ``defects`` are by the name of a look: a rule's is ``insights.`` and its name. Raises
    ``OSError`` if the ledger cannot be read.
    """
    defects: dict[str, str] = {}
    with_rules = RULES if rules is None else rules
    facts, defect = attempt(partial(_facts, archive, asked, with_rules, defects), {}, _is_foreseen)
    if defect:
        defects[LOOK] = defect
    return Done(number, facts=facts, defects=defects)


def _is_foreseen(error: Exception) -> bool:
    return isinstance(error, OSError)


def _facts(
    archive: Path, asked: Asked, rules: Mapping[str, Rule], defects: dict[str, str]
) -> JsonObject:
    try:
        with closing(open_reader(archive)) as ledger, rows.one_moment(ledger.db):
            # While SQLite begins to read, those who write may wait for it: it must not idle there.
            ledger.db.execute("SELECT 1 FROM sqlite_schema").fetchone()
            return processes.run_idle(partial(_facts_of, ledger, asked, rules, defects))
    except sqlite3.OperationalError as error:
        raise OSError(f"the database cannot be read: {error}") from error


def _facts_of(
    ledger: LedgerReader, asked: Asked, rules: Mapping[str, Rule], defects: dict[str, str]
) -> JsonObject:
    if asked.day is None:
        most = MOST_DAYS if asked.thorough else RECENT_DAYS
        due = finding_days.due(ledger, asked.today, zone.local(), most)
        return {"days": [day.isoformat() for day in due]}
    return to_json(_look_at(ledger, asked, asked.day, rules, defects))


def _look_at(
    ledger: LedgerReader, asked: Asked, day: date, rules: Mapping[str, Rule],
    defects: dict[str, str],
) -> Looked:
    here = zone.local()
    gathered = gather(
        ledger, day, asked.until_us / US_PER_SECOND, asked.hive, asked.weighing, here,
        asked.drivers,
    )
    found, of_rules = look_at(gathered, rules)
    defects.update({f"{LOOK}.{name}": defect for name, defect in of_rules.items()})
    state = finding_days.states(ledger, day, day, here).get(day)
    readings = state.readings if state else ""
    return Looked(
        day.isoformat(), iso(asked.until_us),
        finding_days.with_defects(readings) if of_rules else readings,
        is_whole=not of_rules, findings=tuple(found), config=_checksum(asked),
    )


def _checksum(asked: Asked) -> str:
    """A checksum over the options that the rules get."""
    hive, weighing = asked.hive, sorted(asked.weighing.items())
    return f"{zlib.crc32(repr((hive.empty, hive.nest, hive.outside, weighing)).encode()):08x}"
