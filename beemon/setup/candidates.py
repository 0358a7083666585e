"""Candidates: devices that could be in the config, and the TOML text that puts them there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from beemon.base.options import in_toml
from beemon.base.values import keyword_class

Options = Mapping[str, object]


@keyword_class
class Candidate:
    """A device of this machine, or a simulated one, as a table of the config.

    ``name`` is whole: ``microphone.brood``. ``what`` says for people what it is. ``notes`` become
    comments in the config. ``options`` hold the driver and its options.
    """

    name: str
    what: str
    options: Options
    schedule: Options = field(default_factory=dict)
    weighing: Options = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Whether it is a camera, a microphone, a sensor or an output."""
        return self.name.partition(".")[0]

    @property
    def table(self) -> dict[str, object]:
        """The device's whole table, as the config would have it."""
        inner = {"schedule": self.schedule, "weighing": self.weighing}
        return {**self.options, **{name: dict(table) for name, table in inner.items() if table}}

    def without_weighing(self) -> Candidate:
        """The same device, about which nothing else is known."""
        return dataclasses.replace(self, weighing={})


def toml_of(candidates: Iterable[Candidate]) -> str:
    """The tables of devices, each below a comment that says what it is."""
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
