"""Rows: which rows of the ledger can be read, by one rule for each column.

A damaged value is one that beemon never writes. It has the wrong type, an impossible time, a word
outside its closed set, or JSON that is invalid or incomplete for its kind. The rules come from the
table definitions (:mod:`beemon.ledger.schema`) and from the names of the columns. Each connection
gets views without the damaged rows: ``sound_jobs`` beside ``jobs``, and so on. :func:`damaged`
lists the damaged rows with the reasons.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

from beemon.base.clock import Quality
from beemon.base.moments import EARLIEST_US, LATEST_US, US_PER_HOUR
from beemon.base.outcomes import Outcome
from beemon.base.readings import QUALITIES
from beemon.base.status import PowerStage
from beemon.base.values import value_class
from beemon.ledger import schema

log = logging.getLogger(__name__)

A = TypeVar("A")
B = TypeVar("B")

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""The errors raised by a stored value that beemon did not write."""
MOST_NUMBER = 2**53
"""No row has a number above this; behind a damaged one the next would have none."""
_MOST_FINDINGS = 1000

_WORDS = {
    "clock": tuple(Quality), "accounted_clock": tuple(Quality), "outcome": tuple(Outcome),
    "began": ("first", "stop", "reboot", "upgrade", "watchdog", "crash", "failure", "power-cut"),
    "ended": ("stopped", "hung", "failed", "recovered"), "verdict": ("good", "failed"),
    "quality": tuple(QUALITIES),
}
_JSON = {"facts": "object", "findings": "array", "definition": "object", "counts": "object"}
_PATHS = ("path", "temporary", "final", "leftover")
_NUMBER = "('integer', 'real')"
_INSPECTION = (
    "json_extract(facts, '$.state') IN ('begun', 'ended')"
    " AND json_type(facts, '$.note') IS 'text'"
)
_UNACCOUNTED = " AND ".join([
    *(f"json_type(facts, '$.{name}') IS 'integer'"
      f" AND json_extract(facts, '$.{name}') BETWEEN {EARLIEST_US} AND {LATEST_US}"
      for name in ("from_us", "until_us")),
    "json_type(facts, '$.why') IS 'text'",
])
_STAGES = ", ".join(f"'{stage}'" for stage in PowerStage)
_POWER = f"json_extract(facts, '$.stage') IN ({_STAGES})"
_EVENT_FACTS = f"""
CASE kind WHEN 'inspection' THEN {_INSPECTION} WHEN 'unaccounted' THEN {_UNACCOUNTED}
WHEN 'index' THEN json_type(facts, '$.complete') IN ('true', 'false')
WHEN 'power' THEN {_POWER}
WHEN 'weight' THEN json_type(facts, '$.seconds') IN {_NUMBER} AND json_type(facts, '$.step') IS
'text' ELSE 1 END
"""
_CALIBRATION_FACTS = """
json_extract(facts, '$.job') IS NULL OR json_type(facts, '$.job') IS 'integer' AND CASE quantity
WHEN 'weight' THEN ifnull(json_type(facts, '$.points'), 'object') IS 'object'
AND ifnull(json_type(facts, '$.zero'), 'null') IN ('integer', 'real', 'null')
AND ifnull(json_type(facts, '$.factor'), 'null') IN ('integer', 'real', 'null') ELSE 1 END
"""
_NEEDS = {("events", "facts"): _EVENT_FACTS, ("calibrations", "facts"): _CALIBRATION_FACTS}
"""The required members of facts, by table and column."""

IS_PLAIN_READING = (
    "reason IS NULL AND quality IS NULL AND calibration IS NULL AND uncertainty IS NULL"
    " AND clock = 'synchronised' AND typeof(utc_us) = 'integer' AND +utc_us < {latest}"
    " AND +value BETWEEN -1.7e308 AND 1.7e308"
    " AND (raw IS NULL OR +raw BETWEEN -1.7e308 AND 1.7e308)"
    " AND +monotonic_ms & {most} = +monotonic_ms AND +job & {most} = +job"
).format(latest=LATEST_US, most=MOST_NUMBER - 1)
"""A condition that only sound rows of a series meet, and most of them. Their whole test takes
longer than all else of a query. ``+`` lets SQLite compare values as they are stored."""
_IS_PLAIN = {
    "readings": f"{IS_PLAIN_READING} AND +utc_us >= {EARLIEST_US} AND " + " AND ".join(
        f"typeof({name}) = 'integer'" for name in ("series", "monotonic_ms", "job")
    ) + f" AND +series & {MOST_NUMBER - 1} = +series",
}
"""By the table, a condition that only sound rows meet."""


class Rule(NamedTuple):
    """A condition in SQL that holds for a column of each sound row, and what is wrong if not."""

    column: str
    condition: str
    wrong: str


@value_class
class Damage:
    """A row that cannot be read: its table, its number (or its keys), and why."""

    table: str
    row: str
    why: str

    def __str__(self) -> str:
        return f"{self.table} {self.row}: {self.why}"


def parse(text: str | None) -> Any:
    """The value of stored JSON; an empty object for none.

    Raises ``ValueError`` if it does not parse or holds a number that is not finite.
    """
    return json.loads(text, parse_constant=_finite, parse_float=_finite) if text else {}


def readable(found: Iterable[A], read: Callable[[A], B]) -> Iterator[B]:
    """The results of ``read`` for each of these; an unreadable one is logged and left out."""
    for one in found:
        try:
            yield read(one)
        except UNREADABLE as error:
            log.warning("this row cannot be read and is left out: %s: %r", one, error)


@contextmanager
def one_moment(db: sqlite3.Connection) -> Iterator[None]:
    """All that is asked within sees the ledger at one moment, whatever is written meanwhile."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


def show_sound(db: sqlite3.Connection, *, instead: bool = False) -> None:
    """Make the views of sound rows for this connection; also under the tables' own names where
    they stand ``instead`` of the tables, for a connection that only reads.

    Raises ``sqlite3.DatabaseError``; SQLite's words on a damaged schema may not even be text.
    """
    try:
        _show_sound(db, instead=instead)
    except UnicodeDecodeError as error:
        raise schema.LayoutError("the schema of the database is malformed") from error


def _show_sound(db: sqlite3.Connection, *, instead: bool) -> None:
    db.text_factory = partial(str, encoding="utf-8", errors="replace")
    db.execute("PRAGMA temp_store=MEMORY")
    for table, columns in schema.columns(db).items():
        if table not in _rules():
            continue
        condition = _condition(table, columns)
        for view in (f"sound_{table}", *([table] if instead else [])):
            db.execute(f"DROP VIEW IF EXISTS temp.{view}")
            db.execute(
                f"CREATE TEMP VIEW {view} AS SELECT * FROM main.{table} "  # noqa: S608
                f"WHERE {condition}"
            )


def condition_of_sound(db: sqlite3.Connection, table: str) -> str:
    """The condition in SQL on the sound rows of a table, to be tested after a cheaper one.

    SQLite tests the condition of a view before all others.
    """
    (view,) = db.execute(
        "SELECT sql FROM temp.sqlite_master WHERE name = ?", (f"sound_{table}",)
    ).fetchone()
    return str(view).partition(" WHERE ")[2]


def why_damaged(db: sqlite3.Connection, table: str, number: int) -> str | None:
    """The damage of the row with this number; None if it is sound or does not exist."""
    key, rules = schema.keys(table)[0], _rules()[table]
    row = db.execute(
        f"SELECT {_cases(rules)} FROM main.{table} WHERE {key} = ?", (number,)  # noqa: S608
    ).fetchone()
    return row[0] if row else None


def damaged(db: sqlite3.Connection) -> Iterator[Damage]:
    """The rows of all tables that cannot be read. Raises ``sqlite3.DatabaseError``."""
    db.create_function("is_utf8", 1, _is_utf8, deterministic=True)
    for table, columns in schema.columns(db).items():
        rules = [rule for rule in _rules().get(table, ()) if rule.column in columns]
        if not rules:
            continue
        rules += [
            Rule(name, f"({name} IS NULL OR is_utf8(CAST({name} AS BLOB)))", f"{name} is not UTF-8")
            for name in schema.texts(table) if name in columns and name not in _WORDS
        ]
        keys = " || ', ' || ".join(f"quote({key})" for key in schema.keys(table))
        is_today = schema.today()[table].keys() <= columns.keys()
        is_plain = _IS_PLAIN.get(table, "0") if is_today else "0"
        rows = db.execute(
            f"SELECT {keys or 'rowid'}, {_cases(rules)} AS why FROM main.{table}"  # noqa: S608
            f" WHERE NOT ifnull({is_plain}, 0) AND why IS NOT NULL LIMIT {_MOST_FINDINGS}"
        )
        yield from (Damage(table, str(row), why) for row, why in rows)


def _cases(rules: Iterable[Rule]) -> str:
    """An SQL expression for the first rule that a row violates; NULL for a sound row."""
    cases = (f"WHEN NOT ifnull({rule.condition}, 0) THEN '{rule.wrong}'" for rule in rules)
    return f"CASE {' '.join(cases)} END"


def _condition(table: str, columns: Iterable[str]) -> str:
    conditions = [
        f"ifnull({rule.condition}, 0)" for rule in _rules()[table] if rule.column in columns
    ]
    return " AND ".join(conditions) or "1"


@cache
def _rules() -> dict[str, list[Rule]]:
    return {
        table: [_rule(table, column) for column in columns.values()]
        for table, columns in schema.today().items()
    }


def _rule(table: str, column: schema.Column) -> Rule:
    condition, wrong = _content(table, column)
    if not column.is_needed:
        condition = f"{column.name} IS NULL OR {condition}"
    if column.name == "facts" and table == "events":  # some kinds cannot do without
        condition = f"({condition}) AND (facts IS NOT NULL OR kind NOT IN {_WITH_FACTS})"
    return Rule(column.name, f"({condition})", f"{column.name} {wrong}")


_WITH_FACTS = "('inspection', 'unaccounted', 'index', 'power', 'weight')"


def _content(table: str, column: schema.Column) -> tuple[str, str]:
    """The condition on a column that is not NULL, and the kind of damage if it is violated."""
    name = column.name
    if name in _JSON:
        needs = _NEEDS.get((table, name), "1")
        return (
            f"CASE WHEN typeof({name}) = 'text' AND json_valid({name}) THEN"
            f" json_type({name}) = '{_JSON[name]}' AND ({needs}) ELSE 0 END",
            "is not JSON, or is incomplete",
        )
    if name in _WORDS:
        words = ", ".join(f"'{word}'" for word in _WORDS[name])
        return f"{name} IN ({words})", "is not one of the allowed words"
    if name.endswith("_us"):
        return _integer(name, EARLIEST_US, LATEST_US), "is not a time"
    if name == "hour":
        return _integer(name, EARLIEST_US // US_PER_HOUR, LATEST_US // US_PER_HOUR), \
            "is not a time"
    if column.type == "INTEGER":
        return _integer(name, -MOST_NUMBER, MOST_NUMBER), "is not a whole number"
    if column.type == "REAL":
        finite = f"{name} BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308"
        return f"typeof({name}) IN {_NUMBER} AND {finite}", "is not a number"
    is_text = f"typeof({name}) = 'text'"
    if name in _PATHS:
        return f"{is_text} AND instr({name}, char(0)) = 0", "is not a path"
    return is_text, "is not text"


def _integer(name: str, least: int, most: int) -> str:
    return f"typeof({name}) = 'integer' AND {name} BETWEEN {least} AND {most}"


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _is_utf8(raw: bytes | None) -> bool:
    try:
        (raw or b"").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
