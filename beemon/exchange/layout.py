"""The contract of a layout: a form in which an export writes a period of an archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from beemon.base.facts import JsonObject
from beemon.exchange.tables import View
from beemon.formats.fields import Field


@dataclass(frozen=True)
class About:
    """The facts that only the config has: the hive's name, and its position in degrees.

    The position is part of an export only if the owner asks for it.
    """

    hive: str
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Selection:
    """The subject of an export: a view of the ledger, its archive, and facts about the hive.

    ``asked`` names the sensor of a field, if the layout has fields.
    """

    view: View
    archive: Path
    about: About
    asked: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """The result of a layout: facts that explain it, for the manifest, and its tables' rows."""

    facts: JsonObject
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """One layout: its name, a line that describes it, and the function that writes it.

    That function writes the files of the selection into an empty folder. It raises ``OSError``,
    ``sqlite3.Error``, :class:`~beemon.base.progress.StoppedError` and, if there are ``fields``,
    :class:`~beemon.formats.fields.FieldError`; then the folder is deleted.
    """

    name: str
    summary: str
    write: Callable[[Selection, Path], Content]
    fields: Sequence[Field] = ()
