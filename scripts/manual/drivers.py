"""Prints beemon.toml(5) with its DRIVERS, from what each driver says of itself.

A part of it is the docstring of the driver's ``Settings`` and the ``doc`` of each of its options,
but for those that are for tests. In both, paragraphs stand apart, what is typed stands between
double backticks, and what is indented is shown as it is.

    python3 scripts/driver_manual.py PAGE    where PAGE has a line .SH DRIVERS
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

from beemon.base.options import DURATION_UNITS, BadOptionError, in_toml
from beemon.devices import PACKAGES, drivers, module
from beemon.devices._base import CommonSettings, SensorSettings

HEADING = ".SH DRIVERS\n"
COMMON = {field.name: field for field in dataclasses.fields(SensorSettings)}
"""What every device or sensor has: the page tells it once, and here a default that differs."""


def main() -> None:
    """Print the page."""
    print(fill(Path(sys.argv[1]).read_text("utf-8")), end="")


def fill(page: str) -> str:
    """The page with every driver under its heading. Raises ``ValueError`` where it has none."""
    before, heading, after = page.partition(HEADING)
    if not heading:
        raise ValueError(f"the page has no line {HEADING.strip()}")
    told = (
        f".SS {kind}: {driver}\n{section(module(kind, driver).Settings)}"
        for kind in PACKAGES for driver in sorted(drivers(kind), key="simulated".__eq__)
    )
    return before + heading + "".join(told) + after


def section(settings: type[CommonSettings]) -> str:
    """What a driver is for, then its options: first those that have no default."""
    shown = [field for field in dataclasses.fields(settings) if is_shown(field)]
    shown.sort(key=lambda field: field.default is not dataclasses.MISSING)
    hints = typing.get_type_hints(settings)
    options = (option(field, hints[field.name]) for field in shown)
    return prose(inspect.getdoc(settings) or "") + "".join(options)


def is_shown(field: dataclasses.Field[object]) -> bool:
    """Whether it belongs into the driver's part of the manual."""
    told = COMMON.get(field.name)
    return not field.metadata["for_tests"] and (told is None or told.default != field.default)


def option(field: dataclasses.Field[object], hint: object) -> str:
    """One option: its name, its default, what it means, what it may be."""
    default = spelled(field.default, field.metadata["parse"])
    shown = f'.BR {field.name} " ({quoted(default)})"' if default else f".B {field.name}"
    meaning = field.metadata["doc"]
    values = "".join(f" {sentence}." for sentence in allowed(field, hint))
    return f".TP\n{shown}\n{prose(f'{meaning[0].upper()}{meaning[1:]}.{values}')}"


def spelled(default: object, parse: object) -> str:
    """A default as the config would have it; nothing where there is none. Of a list ``doc`` tells
    it: it may be long."""
    if default in (None, "", dataclasses.MISSING) or isinstance(default, tuple):
        return ""
    if isinstance(default, float) and callable(parse):
        for unit, seconds in reversed(DURATION_UNITS.items()):
            text = f"{default / seconds:g}{unit}"
            if (default >= seconds or unit == "s") and _parses(parse, text, default):
                return text
    if isinstance(default, float | str):
        return f"{default:g}" if isinstance(default, float) else default
    return in_toml(default)


def _parses(parse: Callable[[str], object], text: str, value: float) -> bool:
    try:
        return parse(text) == value
    except BadOptionError:
        return False


def allowed(field: dataclasses.Field[object], hint: object) -> Iterator[str]:
    """A sentence on the option's choices, or on its range."""
    choices = [
        word for part in (hint, *typing.get_args(hint))
        if typing.get_origin(part) is typing.Literal for word in typing.get_args(part)
    ]
    if choices:
        *others, last = (f"``{choice}``" for choice in choices)
        yield f"Either {others[0]} or {last}" if len(choices) == 2 else (
            f"One of {', '.join(others)} and {last}"
        )
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if low is not None and high is not None:
        yield f"From {low:.10g} to {high:.10g}"


def prose(text: str) -> str:
    """Paragraphs as roff."""
    told = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith("    "):
            lines = map(escaped, inspect.cleandoc(paragraph).splitlines())
            told.append("\n".join([".RS 4", ".EX", *lines, ".EE", ".RE", ""]))
        else:
            told.append(_wrapped(" ".join(paragraph.split())))
    return ".PP\n".join(told)


def _wrapped(paragraph: str) -> str:
    """A sentence a line, as roff is written, with what is typed in bold, and paths in italics."""
    lines = re.split(r"(?<=[.:;]) (?=[A-Z`])", paragraph)
    return "".join(f"{re.sub('``(.+?)``', _typed, _plain(line))}\n" for line in lines)


def _plain(line: str) -> str:
    """Escaped, but for the hyphens of words."""
    parts = re.split("(``.+?``)", line)
    return "".join(p if p.startswith("``") else escaped(p).replace("\\-", "-") for p in parts)


def _typed(found: re.Match[str]) -> str:
    font = "I" if found[1].startswith("/") else "B"
    return rf"\%\f{font}{escaped(found[1])}\fR"  # and nothing in it is hyphenated


def escaped(text: str) -> str:
    """What roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    text = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in text)
    return f"\\&{text}" if text[:1] in (".", "'") else text


def quoted(text: str) -> str:
    """The same between the double quotes of a macro's argument."""
    return escaped(text).replace('"', "\\(dq")


if __name__ == "__main__":
    main()
