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
    weighing: Options | None = None
    notes: tuple[str, ...] = ()
    aliases: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """Whether it is a camera, a microphone, a sensor or an output."""
        return self.name.partition(".")[0]

    @property
    def table(self) -> dict[str, Json]:
        """The device's whole table, as the config would have it."""
        return {**self.options, **{name: dict(inner) for name, inner in self.inner.items()}}

    @property
    def inner(self) -> dict[str, Options]:
        """The tables inside of its table."""
        weighing = {} if self.weighing is None else {"weighing": self.weighing}
        return {**({"schedule": self.schedule} if self.schedule else {}), **weighing}

    def without_sensors(self) -> Candidate:
        """The same scale without the sensors that explain its weight."""
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
    yield from map(comment, (candidate.what, *candidate.notes))
    yield f"[{candidate.name}]"
    yield from table_lines(candidate.options)
    for name, inner in candidate.inner.items():
        yield ""
        if not inner:
            yield "# A hive stands on it. `man beemon.toml` lists sensors that explain its weight."
        yield f"[{candidate.name}.{name}]"
        yield from table_lines(inner)


def comment(text: str) -> str:
    """A text as one line that TOML skips, whatever characters a device has in its name."""
    return "# " + "".join(character if character.isprintable() else " " for character in text)


def table_lines(options: Options) -> Iterator[str]:
    """Each option as a line of TOML."""
    yield from (f"{name} = {in_toml(value)}" for name, value in options.items())
