"""Destinations by name: the one place that imports a destination.

The name of a table in the config is the name of a module or a package here. The module has the
class ``Settings``, of the table's options, and the function ``make``, which returns a
:class:`~beemon.uplink.contract.Destination`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from beemon.base.options import Problem, RawTable, build, no_table
from beemon.uplink import files
from beemon.uplink.contract import Destination
from beemon.uplink.hive import Hive
from beemon.uplink.options import UplinkSettings

LINK = "uplink"
"""The table of the link itself."""
MODULES = tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name[0] != "_"))
"""The names of all destinations."""


class MissingPackageError(Exception):
    """A destination needs a package that is not installed; the text says how to install it."""


class TableProblem(NamedTuple):
    """A problem of one table."""

    table: str
    problem: Problem


class UnreadableFile(NamedTuple):
    """A file that an option names, the place of that option, and the problem of the file."""

    where: str
    file: files.NamedFile
    problem: files.FileProblem

    def __str__(self) -> str:
        return f"{self.problem.says}; run: {self.problem.remedy}"


def read_tables(
    tables: Mapping[str, RawTable],
) -> tuple[dict[str, object], list[TableProblem]]:
    """The settings of each correct table, and every problem of the others."""
    settings: dict[str, object] = {}
    found: list[TableProblem] = []
    for name, table in tables.items():
        chosen, problems = _read_table(table)
        found += [TableProblem(name, problem) for problem in problems]
        if chosen is not None:
            settings[name] = chosen
    return settings, found


def find_unknown_devices(
    tables: Mapping[str, RawTable], devices: Collection[str]
) -> Iterator[Problem]:
    """The problems of tables that name a device which the config does not have.

    At run time they are none: a device that was taken out must not end a destination.
    """
    for name, table in tables.items():
        if name in MODULES and hasattr(module := _module(name), "find_unknown_devices"):
            yield from module.find_unknown_devices(table, devices)


def find_unreadable_files(
    tables: Mapping[str, RawTable], root: Path = Path("/")
) -> Iterator[UnreadableFile]:
    """The files that correct tables name and that the uplink of this machine cannot use."""
    account = files.find_account(root)
    for name, settings in read_tables(tables)[0].items():
        for one in files.named_files(settings):
            if found := files.find_problem(one.path, one.kind, account, root):
                yield UnreadableFile(tables[name].where(one.option), one, found)


def link_settings(
    settings: Mapping[str, object], tables: Mapping[str, RawTable]
) -> UplinkSettings:
    """The settings of the link, or its defaults.

    A wrong table is no table without limits: then only the newest state is sent.
    """
    found = settings.get(LINK)
    if isinstance(found, UplinkSettings):
        return found
    return UplinkSettings(daily_budget=0.0) if LINK in tables else UplinkSettings()


def make(name: str, settings: object, hive: Hive) -> Destination:
    """A destination. Raises :class:`MissingPackageError`."""
    made: Destination = _module(name).make(settings, hive)
    return made


def _read_table(table: RawTable) -> tuple[object | None, list[Problem]]:
    if not isinstance(table.value, dict):
        return None, [Problem(table.where(), no_table(table.name, table.value))]
    if table.name == LINK:
        return build(UplinkSettings, table.value, lambda name: _where(table, name))
    if table.name not in MODULES:
        return None, [Problem(table.where(), f"this beemon cannot deliver to {table.name}")]
    module = _module(table.name)
    if hasattr(module, "read_table"):  # it has tables of its own
        own: tuple[object | None, list[Problem]] = module.read_table(table)
        return own
    return build(module.Settings, table.value, lambda name: _where(table, name))


def _where(table: RawTable, name: str) -> str:
    return table.where(name) if name else table.where()


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")
