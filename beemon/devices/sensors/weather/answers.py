"""Answers of a weather source: an object in JSON, or a table whose last line is the latest.

A field of JSON is named by its keys with dots between them, and the number of an entry of a list:
``data.conditions.0.temp``. A field of a table is the name of its column, in the first line.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from beemon.devices._base import BadReadingError

Lookup = Callable[[str], object]
"""The content of a field. Raises :class:`BadReadingError`."""

_NUMBER = re.compile(r"([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*([%°A-Za-zµ][%°/²A-Za-z]*)|"
                     r"([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)", re.ASCII)
"""A number, alone or with its unit: 60%, 0.0 mm."""
_DELIMITERS = ",;\t"
_MILLISECONDS = 1e11
"""A time since 1970 above this is in milliseconds."""


def parse(text: str) -> Lookup:
    """The fields of an answer. Raises :class:`BadReadingError`."""
    if text.lstrip()[:1] in ("{", "["):
        return _of_json(text)
    return _of_table(text.splitlines(keepends=True))


def number(value: object) -> float:
    """The number that a field holds. Raises :class:`BadReadingError`."""
    found = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = _float(value)
    elif isinstance(value, str) and (match := _NUMBER.fullmatch(value.strip())):
        found = _float((match[1] or match[3]).replace(",", "."))
    if not math.isfinite(found):
        raise BadReadingError("not-a-number", f"it has {_short(value)} in the place of a number")
    return found


def unit(value: object) -> str:
    """The unit that a field holds after its number; empty without one."""
    match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    return (match[2] or "") if match else ""


def moment(value: object, zone_of_naive: Callable[[datetime], datetime]) -> float:
    """The time that a field holds, in seconds since 1970. Raises :class:`BadReadingError`."""
    try:
        at = number(value)
    except BadReadingError:
        try:
            told = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
            return (told if told.tzinfo else zone_of_naive(told)).timestamp()
        except (ValueError, OverflowError):
            raise BadReadingError("not-a-number", f"{_short(value)} is not a time") from None
    return at / 1000 if at > _MILLISECONDS else at


def as_utc(told: datetime) -> datetime:
    """A time without a zone, in UTC."""
    return told.replace(tzinfo=UTC)


def as_local(told: datetime) -> datetime:
    """A time without a zone, by the clocks here."""
    return told.astimezone()


def _of_json(text: str) -> Lookup:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadReadingError("not-a-number", f"its answer is not JSON: {error}") from error

    def lookup(field: str) -> object:
        try:
            return _inside(found, field)
        except (LookupError, ValueError):
            raise _missing(field) from None

    return lookup


def _inside(found: object, field: str) -> object:
    """The content of a field. Raises ``LookupError`` or ``ValueError``."""
    if isinstance(found, dict) and field in found:
        return found[field]
    key, _, rest = field.partition(".")
    inner = found[int(key)] if isinstance(found, list) else \
        found[key] if isinstance(found, dict) else None
    if inner is None:
        raise LookupError(key)
    return _inside(inner, rest) if rest else inner


def _of_table(lines: Sequence[str]) -> Lookup:
    header = lines[0] if lines else ""
    delimiter = max(_DELIMITERS, key=header.count)
    try:
        names, *rows = csv.reader(lines, delimiter=delimiter)
    except (ValueError, csv.Error):
        raise BadReadingError("not-a-number", "its answer is neither JSON nor a table") from None
    if len(rows) > 1 and not lines[-1].endswith("\n"):
        rows.pop()  # it is being written
    latest = next((row for row in reversed(rows) if len(row) == len(names)), None)
    if latest is None:
        raise BadReadingError("not-a-number", "its table has no complete line")
    cells = dict(zip((name.strip() for name in names), latest, strict=True))

    def lookup(field: str) -> object:
        if field not in cells:
            raise _missing(field)
        return cells[field]

    return lookup


def _missing(field: str) -> BadReadingError:
    return BadReadingError("not-a-number", f'it has no field "{field}"')


def _float(value: float | str) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
