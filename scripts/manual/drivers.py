"""The section DRIVERS of beemon.toml(5), from each driver's own words.

A part of it is the docstring of the driver's ``Settings`` and the ``doc`` of each of its options,
but for those that are for tests. In both, paragraphs stand apart, what is typed stands between
double backticks, and what is indented is shown as it is.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator

from beemon.base.options import DURATION_UNITS, BadOptionError, in_toml
from beemon.devices import PACKAGES, drivers, module
from beemon.devices._base import CommonSettings, SensorSettings
from scripts.manual.roff import prose, quoted

COMMON = {field.name: field for field in dataclasses.fields(SensorSettings)}
"""What every device or sensor has: the page tells it once, and here a default that differs."""


def write_drivers() -> str:
    """Every driver, as roff."""
    return "".join(
        f".SS {kind}: {driver}\n{section(module(kind, driver).Settings)}"
        for kind in PACKAGES for driver in sorted(drivers(kind), key="simulated".__eq__)
    )


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
    if not field.metadata.get("doc"):  # tables within the table
        return False
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
