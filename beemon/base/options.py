"""Tables of named options, turned into frozen dataclasses, with every problem found at once.

A settings class is a frozen dataclass whose fields are made by :func:`option`, which says what a
value may be. :func:`build` holds a TOML table against it. This module reads no file: the caller
supplies the position of an option, so that a problem can name its file and line.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from beemon.base.values import value_class

if TYPE_CHECKING:
    from urllib.parse import SplitResult

T = TypeVar("T")
Where = Callable[[str], str]

DURATION_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", re.ASCII)
SIZE_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_WEIGHT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(kg|g|lb)", re.ASCII)
WEIGHT_UNITS = {"kg": 1000.0, "g": 1.0, "lb": 453.59237}
MAX_GRAMS = 1e6
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(kB|MB|GB|TB)", re.ASCII)
_LARGEST = 2**63  # as TOML has it
_TYPE_NAMES: Mapping[object, str] = {
    str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false",
}


@value_class
class Problem:
    """One problem of the config, with its position and its remedy."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"

    @property
    def place(self) -> tuple[str, int]:
        """The file and the line, to sort by."""
        file, _, line = self.where.rpartition(":")
        return (file, int(line)) if line.isdecimal() else (self.where, 0)


@value_class
class RawTable:
    """A table of the config that its own service checks; ``value`` is what TOML has there.

    ``lines`` has the file and line of each option and table below it, and of itself by the empty
    path.
    """

    name: str
    value: object
    lines: Mapping[tuple[str, ...], str] = field(compare=False)

    def where(self, *path: str) -> str:
        """The file and line of an option, or of the nearest table that is known."""
        for length in range(len(path), 0, -1):
            if place := self.lines.get(path[:length]):
                return place
        return self.lines[()]


class BadOptionError(ValueError):
    """A value that an option cannot take; the text says what would be right."""


def option(
    default: object = MISSING,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    parse: Callable[[object], object] | None = None,
    doc: str = "",
    for_tests: bool = False,
) -> Any:
    """A field of a settings class: its default, its range (inclusive) or its parser, its meaning.

    ``parse`` takes the TOML value and returns the field's, or raises :class:`BadOptionError`. A
    message has the first sentence of ``doc``, the manual has all of it. ``for_tests``: it stands
    in no manual.
    """
    metadata = {
        "minimum": minimum, "maximum": maximum, "parse": parse, "doc": doc, "for_tests": for_tests,
    }
    return field(default=default, metadata=metadata)


def duration(value: object) -> float:
    """Seconds from a number with a unit: ``"90s"``, ``"5m"``, ``"1.5h"``, ``"1d"``."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadOptionError(
            f'must be a duration such as "90s", "5m" or "1h", not {in_toml(value)}'
        )
    return float(match[1]) * DURATION_UNITS[match[2]]


def duration_within(least: str | None = None, most: str | None = None) -> Callable[[object], float]:
    """A parser for a :func:`duration` of at least and at most these."""
    low, high = duration(least or "0s"), math.inf if most is None else duration(most)
    wanted = (
        f"between {least} and {most}" if least and most
        else f"at least {least}" if least else f"at most {most}"
    )

    def parse(value: object) -> float:
        seconds = duration(value)
        if not low <= seconds <= high:
            raise BadOptionError(f"must be {wanted}, not {in_toml(value)}")
        return seconds

    return parse


def absolute_path(value: object) -> Path:
    """Parse the path of a file or folder, which must be absolute."""
    if not isinstance(value, str) or not Path(value).is_absolute() or "\0" in value:
        raise BadOptionError(f"must be an absolute path, not {in_toml(value)}")
    return Path(value)


def split_url(value: object) -> SplitResult | None:
    """The parts of a web address, ``http`` or ``https``; None for any other value."""
    from urllib.parse import urlsplit  # few configs have an address

    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        is_address = parts is not None and parts.scheme in ("http", "https") \
            and bool(parts.hostname) and parts.port != 0  # this looks at the number, too
    except ValueError:
        return None
    return parts if is_address else None


def size(value: object) -> float:
    """Bytes from a number with a unit of thousands: ``"500kB"``, ``"200MB"``, ``"1.5GB"``."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadOptionError(f'must be a size such as "500MB" or "2GB", not {in_toml(value)}')
    return float(match[1]) * SIZE_UNITS[match[2]]


def weight(value: object) -> float:
    """Grams from a number with its unit: ``"21 kg"``, ``"500g"``, ``"46 lb"``."""
    match = _WEIGHT.fullmatch(value) if isinstance(value, str) else None
    grams = float(match[1]) * WEIGHT_UNITS[match[2]] if match else 0.0
    if not 0 < grams <= MAX_GRAMS:
        raise BadOptionError(
            f'must be a weight with its unit, such as "21 kg" or "46 lb", not {in_toml(value)}'
        )
    return grams


def in_toml(value: object) -> str:
    """A value as TOML has it, for messages: ``"5m"``, ``true``, ``[1, 2]``."""
    import json  # only mistakes need it

    if isinstance(value, float):
        return str(value)  # nan and inf too
    told = json.dumps(value, ensure_ascii=False, default=str)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in told)


def no_table(name: str, value: object) -> str:
    """The problem of a value where the config must have the table of this name."""
    if value and isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        return f"{name} can be there only once: write [{name}], not [[{name}]]"
    return f"{name} must be a table, [{name}], not {in_toml(value)}"


def suggestion(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """``; did you mean "…"?`` where a known word is near, else ``otherwise`` or the known words."""
    import difflib  # only mistakes need it

    candidates = sorted(known)
    near = difflib.get_close_matches(word, candidates, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    if otherwise is not None:
        return otherwise
    return f"; known: {', '.join(candidates)}" if candidates else ""


def build(
    cls: type[T],
    table: Mapping[str, object],
    where: Where,
    given: Mapping[str, object] | None = None,
) -> tuple[T | None, list[Problem]]:
    """The table as a ``cls``, or None and every problem with it.

    ``given`` are fields that the caller sets and the table may not; ``where`` tells the place of
    an option, or of the table itself for the empty name.
    """
    given = given or {}
    fields = {f.name: f for f in dataclasses.fields(cls) if f.name not in given}  # type: ignore[arg-type]
    hints = _hints(cls)  # type: ignore[arg-type]
    values: dict[str, object] = dict(given)
    problems = [
        Problem(where(name), f'unknown option "{name}"{suggestion(name, fields)}')
        for name in table
        if name not in fields
    ]
    for name, spec in fields.items():
        if name in table:
            try:
                values[name] = _checked(table[name], hints[name], spec)
            except BadOptionError as error:
                problems.append(Problem(where(name), f'"{name}" {error}'))
        elif spec.default is MISSING:
            problems.append(Problem(where(""), f'option "{name}" is missing{_meaning(spec)}'))
    if problems:
        return None, problems
    try:
        return cls(**values), []
    except BadOptionError as error:  # a rule between options, checked by __post_init__
        return None, [Problem(where(""), str(error))]


@functools.cache
def _hints(cls: type) -> dict[str, object]:
    return typing.get_type_hints(cls)


def _meaning(spec: dataclasses.Field[object]) -> str:
    doc = spec.metadata.get("doc", "").partition(". ")[0].replace("``", "`")
    if doc and not doc[1:2].isupper():  # an abbreviation stays as it is
        doc = doc[0].lower() + doc[1:]
    return f": {doc}" if doc else ""


def _checked(value: object, hint: object, spec: dataclasses.Field[object]) -> object:
    rules = spec.metadata
    if (parse := rules.get("parse")) is not None:
        parsed: object = parse(value)
        return parsed
    typed = _typed(value, hint)
    low, high = rules.get("minimum"), rules.get("maximum")
    if isinstance(typed, int | float) and not isinstance(typed, bool):
        too_low = low is not None and not typed >= low
        too_high = high is not None and not typed <= high
        if too_low or too_high:
            raise BadOptionError(f"must be {_range(low, high)}, not {in_toml(value)}")
    return typed


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low:g}"
    if low is None:
        return f"at most {high:g}"
    return f"between {low:g} and {high:g}"


def _typed(value: object, hint: object) -> object:
    origin = typing.get_origin(hint)
    if origin is Literal:
        choices = typing.get_args(hint)
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            allowed = ", ".join(map(in_toml, choices))
            raise BadOptionError(f"must be one of {allowed}, not {in_toml(value)}")
        return value
    if origin in (types.UnionType, typing.Union):
        hint = next(h for h in typing.get_args(hint) if h is not types.NoneType)
        return _typed(value, hint)
    if hint is float and type(value) is int and abs(value) <= _LARGEST:
        value = float(value)
    if type(value) is not hint or (isinstance(value, float) and not math.isfinite(value)):
        raise BadOptionError(f"must be {_TYPE_NAMES.get(hint, hint)}, not {in_toml(value)}")
    return value
