"""Candidates: devices that could be in the config, and the TOML text that puts them there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from beemon.base.facts import Json
from beemon.base.options import in_toml
from beemon.base.values import keyword_class, value_class

Options = Mapping[str, Json]

MINUTE: Options = {"interval": "1m"}
SOUND: Options = {"interval": "5m", "duration": "60s"}
VIDEO: Options = {"window": ["07:00", "21:00"], "interval": "5m", "duration": "30s"}
"""The schedules to suggest."""

IDENTITY = ("camera", "card", "device", "pcm")
"""The options that say which hardware a device is."""


@keyword_class
class Candidate:
    """A device of this machine, or a simulated one, as a table of the config.

    ``name`` is whole: ``microphone.brood``. ``what`` describes it for people. ``notes`` become
    comments in the config. ``options`` hold the driver and its options. ``aliases`` are the values
    by which a config can name the device.
    """

    name: str
    what: str
    options: Options
    schedule: Options = field(default_factory=dict)
    weighing: Options = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    aliases: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """Whether it is a camera, a microphone, a sensor or an output."""
        return self.name.partition(".")[0]

    @property
    def table(self) -> dict[str, Json]:
        """The device's whole table, as the config would have it."""
        inner = {"schedule": self.schedule, "weighing": self.weighing}
        return {**self.options, **{name: dict(table) for name, table in inner.items() if table}}

    def without_weighing(self) -> Candidate:
        """The same device, about which nothing else is known."""
        return dataclasses.replace(self, weighing={})


    def is_same(self, kind: str, table: Mapping[str, object]) -> bool:
        """Whether a device of the config is this one."""
        given = {"camera": 0, **table} if table.get("driver") == "picamera2" else table
        words = {word for key in IDENTITY for word in _words(given.get(key))}
        return kind == self.kind and not self.aliases.isdisjoint(words)


@value_class
class Obstacle:
    """A thing that was found and cannot be used yet, with the reason and the next step."""

    what: str
    why: str
    next: str


def _words(value: object) -> list[str]:
    """The parts of ``plughw:CARD=Device,DEV=0``, besides the whole."""
    return [str(value), *re.split(r"[:,]", str(value))]


def toml_of(candidates: Iterable[Candidate]) -> str:
    """The tables of devices, each below a comment that describes it."""
    return "\n".join("\n".join(_lines(candidate)) + "\n" for candidate in candidates)


def _lines(candidate: Candidate) -> Iterator[str]:
    yield from (f"# {line}" for line in (candidate.what, *candidate.notes))
    yield f"[{candidate.name}]"
    yield from table_lines(candidate.options)
    for name, inner in (("schedule", candidate.schedule), ("weighing", candidate.weighing)):
        if inner:
            yield ""
            yield f"[{candidate.name}.{name}]"
            yield from table_lines(inner)


def table_lines(options: Options) -> Iterator[str]:
    """Each option as a line of TOML."""
    yield from (f"{name} = {in_toml(value)}" for name, value in options.items())
